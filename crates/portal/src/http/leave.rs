//! An answer that leads to another page in place of its own: to the sign-in page with the reason, or to what a tenant
//! demands.

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, LOCATION},
    },
};

/// The browser goes to this path.
#[derive(Debug)]
pub struct Leave(pub String);

impl std::fmt::Display for Leave {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the browser is sent to another page")
    }
}

impl ResponseError for Leave {
    fn status_code(&self) -> StatusCode {
        StatusCode::SEE_OTHER
    }

    fn error_response(&self) -> HttpResponse {
        // The layer above keeps only the answers of errors that have a type of their own.
        HttpResponse::SeeOther()
            .insert_header((LOCATION, self.0.as_str()))
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .finish()
    }
}
