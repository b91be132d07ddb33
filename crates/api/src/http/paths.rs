//! The paths of all operations, and the refusal of a request that found no operation.

use actix_web::{HttpRequest, HttpResponse, dev::ResourceDef, http::header};
use countersign_web::problem::{Problem, ProblemCode};

/// Each path with its methods, as `Allow` lists them.
pub struct Paths(pub Vec<(ResourceDef, String)>);

/// Returns the paths of all operations. It is app data.
pub struct KnownPaths(pub fn() -> &'static Paths);

fn known(request: &HttpRequest) -> Option<&'static Paths> {
    request.app_data::<KnownPaths>().map(|known| (known.0)())
}

impl Paths {
    /// Why a request found no operation. A literal path has precedence over one with an id:
    /// `/v1/verifications/search` does not mean a verification with the id `search`.
    fn refusal(&self, path: &str) -> Problem {
        let literal = self.0.iter().find(|(known, _)| known.pattern() == Some(path));
        let known = literal.or_else(|| self.0.iter().find(|(known, _)| known.is_match(path)));
        match known {
            Some((_, methods)) => method_refusal(methods),
            None => Problem::not_found("There is nothing at this path."),
        }
    }

    /// Returns whether the path is literally an operation's path, although it also fits one with an id.
    fn is_literal(&self, path: &str) -> bool {
        self.0.iter().any(|(known, _)| known.pattern() == Some(path))
    }
}

/// Refuses a text that is not an id. If the path is literally another operation's, the refusal is about the
/// method.
pub fn refuse_id(request: &HttpRequest) -> Problem {
    let paths = known(request).filter(|paths| paths.is_literal(request.path()));
    paths.map_or_else(
        || Problem::not_found("There is nothing with this id."),
        |paths| paths.refusal(request.path()),
    )
}

/// The default service: 405 if the path has other methods, else 404.
pub async fn fallback(request: HttpRequest) -> HttpResponse {
    HttpResponse::from_error(known(&request).map_or_else(
        || Problem::not_found("There is nothing at this path."),
        |paths| paths.refusal(request.path()),
    ))
}

/// Refuses a method that the path does not have.
pub fn method_refusal(methods: &str) -> Problem {
    let detail = format!("This path has {methods}.");
    Problem::new(ProblemCode::MethodNotAllowed, detail).with_header(header::ALLOW, methods)
}
