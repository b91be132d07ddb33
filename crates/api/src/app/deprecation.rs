//! Deprecated operations. One table lists them; the headers of their answers and the notes in the OpenAPI
//! document come from it. docs/versioning.md says how long deprecated operations stay.

use countersign_web::deprecation::Deprecation;
use utoipa::openapi::{Deprecated, Header, Object, RefOr, Type, extensions::Extensions, path::Operation};

pub const DEPRECATED: &[Deprecation] = &[];

/// Marks an operation as deprecated in the OpenAPI document.
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
    // oasdiff reads this to know when the operation may go.
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
