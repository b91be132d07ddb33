//! The errors of these pages as RFC 9457 problems, in the form of the API.

use actix_web::{HttpResponse, http::StatusCode};
use countersign_core::ports::error::StoreError;
use serde_json::json;

/// A problem answer.
pub(crate) fn problem(status: StatusCode, code: &str, detail: &str) -> HttpResponse {
    let body = json!({
        "type": format!("urn:countersign:problem:{code}"),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
    });
    HttpResponse::build(status).content_type("application/problem+json").body(body.to_string())
}

/// The answer when a store did not do its part; the reason goes to the log only.
pub(crate) fn unavailable(store: &'static str, error: &StoreError) -> HttpResponse {
    tracing::error!(error = error as &dyn std::error::Error, "the dev page could not read the {store}");
    let detail = format!("The {store} did not answer. Try again in a moment.");
    problem(StatusCode::SERVICE_UNAVAILABLE, "codes_unavailable", &detail)
}
