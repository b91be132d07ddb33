//! Answers to a POST that creates something.

use actix_web::{HttpRequest, HttpResponse, http::header::LOCATION};
use countersign_web::idempotency::REPLAYED;
use serde::Serialize;

/// Answers a POST that created something, now or in an earlier request with the same Idempotency-Key.
pub fn made(request: &HttpRequest, id: &str, before: bool, body: impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Created();
    if before {
        response.insert_header(REPLAYED);
    }
    response.insert_header((LOCATION, format!("{}/{id}", request.path()))).json(body)
}
