//! Makes answers from templates.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header::LOCATION},
};
use askama::Template;
use countersign_web::problem::{Problem, ProblemCode};
use std::sync::Arc;

/// A page with status 200.
pub fn page(template: &impl Template) -> Result<HttpResponse, Problem> {
    page_with(StatusCode::OK, template)
}

/// A form with errors, as it was typed.
pub fn refused(template: &impl Template) -> Result<HttpResponse, Problem> {
    page_with(StatusCode::BAD_REQUEST, template)
}

pub fn page_with(status: StatusCode, template: &impl Template) -> Result<HttpResponse, Problem> {
    let html = template.render().map_err(|error| {
        Problem::new(ProblemCode::Internal, "The page could not be made.").caused_by(Arc::new(error))
    })?;
    Ok(HttpResponseBuilder::new(status).content_type("text/html; charset=utf-8").body(html))
}

/// Sends the browser to a path of this host, where it asks by GET. A reload then repeats no act.
pub fn go_to(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}
