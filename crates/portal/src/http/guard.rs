//! Wraps everything below `/portal`: what is refused before a handler sees it, and the headers of each answer.

use super::headers;
use crate::site::Site;
use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN},
    },
    middleware::Next,
    web,
};
use countersign_web::problem::{Problem, ProblemCode};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORM: &str = "application/x-www-form-urlencoded";

/// The value of a header that stands at most once.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(name);
    let first = values.next();
    if values.next().is_some() {
        return Err(());
    }
    first.map(|value| value.to_str().map_err(|_| ())).transpose()
}

/// The host and the port of an origin.
fn authority(origin: &str) -> Option<&str> {
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))
}

/// Returns whether a page of this host made the browser send the request, as far as its headers tell. A client
/// that is no browser sends neither header; it has no cookies of anybody either.
fn is_own(headers: &HeaderMap, site: &Site) -> bool {
    let (Ok(host), Ok(origin), Ok(from)) =
        (single(headers, HOST), single(headers, ORIGIN), single(headers, FETCH_SITE))
    else {
        return false;
    };
    let own = |origin: &str| match origin {
        // A page that hides its URL, because the URL contains a secret, hides its origin too.
        "null" => from == Some("same-origin"),
        origin => {
            site.origin.as_deref() == Some(origin) || authority(origin).is_some_and(|own| Some(own) == host)
        }
    };
    matches!(from, None | Some("same-origin" | "none")) && origin.is_none_or(own)
}

/// Returns whether the body is a form. A button without fields sends none.
fn is_form(headers: &HeaderMap) -> bool {
    let empty = !headers.contains_key("transfer-encoding")
        && headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0");
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match kind {
        Some(kind) => kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM)),
        None => empty,
    }
}

fn refusal(request: &ServiceRequest) -> Option<Problem> {
    let method = request.method();
    if method == Method::GET {
        return None;
    }
    if method != Method::POST {
        let detail = "Pages answer GET, HEAD and POST.";
        let problem = Problem::new(ProblemCode::MethodNotAllowed, detail);
        return Some(problem.with_header(header::ALLOW, "GET, HEAD, POST"));
    }
    let plain = Site::default();
    let site = request.app_data::<web::Data<Site>>().map_or(&plain, |site| site);
    if !is_own(request.headers(), site) {
        return Some(Problem::new(ProblemCode::ForeignOrigin, "Another site sent this form."));
    }
    let detail = "A page takes forms only.";
    (!is_form(request.headers())).then(|| Problem::new(ProblemCode::UnsupportedMediaType, detail))
}

/// Middleware for everything below `/portal`.
pub async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if let Some(refusal) = refusal(&request) {
        return Ok(request.error_response(refusal).map_into_right_body());
    }
    let mut response = next.call(request).await?.map_into_left_body();
    let request = response.request().clone();
    headers::add(&request, response.headers_mut());
    Ok(response)
}
