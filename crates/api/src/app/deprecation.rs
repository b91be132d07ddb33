//! Operations that will go. One table says which; from it come the headers of
//! their answers and what the document says of them. docs/versioning.md says how
//! long they stay.

use countersign_web::deprecation::Deprecation;
use utoipa::openapi::{Deprecated, Header, Object, RefOr, Type, extensions::Extensions, path::Operation};

/// All of them.
pub const DEPRECATED: &[Deprecation] = &[];

/// Says in the document that an operation will go.
pub fn mark(deprecation: &Deprecation, operation: &mut Operation) {
    operation.deprecated = Some(Deprecated::True);
    let words = format!(
        "Deprecated since {}; it may be gone from {} on. See {}.",
        deprecation.since, deprecation.sunset, deprecation.link
    );
    operation.description = Some(match operation.description.take() {
        Some(before) => format!("{before}\n\n{words}"),
        None => words,
    });
    // By this one oasdiff knows when the operation may go.
    let sunset = Extensions::from_iter([("x-sunset", deprecation.sunset.to_string())]);
    operation.extensions.get_or_insert_default().merge(sunset);
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        for (name, description) in [
            ("Deprecation", "Since when the operation is deprecated (RFC 9745)."),
            ("Sunset", "From when on it may be gone (RFC 8594)."),
            ("Link", "Where it is written what to call instead: `rel=\"deprecation\"`."),
        ] {
            let mut header = Header::new(Object::with_type(Type::String));
            header.description = Some(description.to_owned());
            response.headers.insert(name.to_owned(), header.into());
        }
    }
}
