//! The language of a page for a browser whose person is not known.

use crate::text::{Language, Text};
use actix_web::{HttpRequest, http::header::ACCEPT_LANGUAGE};
use url::form_urlencoded;

/// The language that the link at the foot of the page chose, else the browser's favourite, else English.
pub fn of_request(request: &HttpRequest) -> Text {
    let mut query = form_urlencoded::parse(request.query_string().as_bytes());
    let chosen = query.find(|(name, _)| name == "lang").and_then(|(_, tag)| Language::of_tag(&tag));
    let accepted = || {
        let header = request.headers().get(ACCEPT_LANGUAGE)?;
        Language::accepted(header.to_str().ok()?)
    };
    Text(chosen.or_else(accepted).unwrap_or_default())
}
