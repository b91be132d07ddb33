//! What handlers tell the log and the audit of a request, kept in its extensions until
//! `observe` writes it down.

use actix_web::{HttpMessage, HttpRequest};
use countersign_core::id::VerificationId;

/// What came of a request that succeeded, if there is more to say than that.
#[derive(Clone, Copy)]
pub struct Outcome(pub &'static str);

/// Tells the log line which verification a request was about and what came of it.
pub fn note(request: &HttpRequest, verification: VerificationId, outcome: &'static str) {
    let mut extensions = request.extensions_mut();
    extensions.insert(verification);
    extensions.insert(Outcome(outcome));
}

/// What a change was made to, where the path does not name it.
pub struct Changed(pub String);

/// Tells the audit line what was changed, if the path does not.
pub fn note_changed(request: &HttpRequest, what: impl ToString) {
    request.extensions_mut().insert(Changed(what.to_string()));
}
