//! Facts about a request that handlers leave in its extensions. `observe` writes them to the log.

use actix_web::{HttpMessage, HttpRequest};
use countersign_core::id::VerificationId;

/// The outcome of a successful request, if the log should name one.
#[derive(Clone, Copy)]
pub struct Outcome(pub &'static str);

/// Records which verification a request was about, and its outcome, for the log line.
pub fn note(request: &HttpRequest, verification: VerificationId, outcome: &'static str) {
    let mut extensions = request.extensions_mut();
    extensions.insert(verification);
    extensions.insert(Outcome(outcome));
}
