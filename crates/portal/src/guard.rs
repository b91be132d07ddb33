//! Only this machine's own pages may talk to `dev`.
//!
//! `dev` listens on loopback, but a browser on the same machine opens any
//! site: one that points its own name at 127.0.0.1 (DNS rebinding) or posts
//! across origins would reach the key and the codes. The Host that the browser
//! names, and its Origin, give both away.

use crate::problem::problem;
use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HOST, HeaderMap, HeaderName, ORIGIN},
    },
    middleware::Next,
};

const HTTP_PORT: u16 = 80;

/// The port of a loopback authority such as `localhost:8080`; `None` for every other.
fn loopback_port(authority: &str) -> Option<u16> {
    let name_length = authority.rfind(']').map_or_else(|| authority.find(':'), |end| Some(end + 1));
    let (name, port) = authority.split_at_checked(name_length.unwrap_or(authority.len()))?;
    let is_loopback = name == "127.0.0.1" || name == "[::1]" || name.eq_ignore_ascii_case("localhost");
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
        None if port.is_empty() => HTTP_PORT,
        _ => return None,
    };
    is_loopback.then_some(port)
}

/// The value of a header that stands at most once: two Hosts would let one be
/// checked and the other be used.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(name);
    let first = values.next();
    if values.next().is_some() {
        return Err(());
    }
    first.map(|value| value.to_str().map_err(|_| ())).transpose()
}

/// Whether Host and Origin both name this machine, with one port.
fn is_local(headers: &HeaderMap) -> bool {
    let (Ok(Some(host)), Ok(origin)) = (single(headers, HOST), single(headers, ORIGIN)) else {
        return false;
    };
    let Some(port) = loopback_port(host) else { return false };
    origin.is_none_or(|origin| origin.strip_prefix("http://").and_then(loopback_port) == Some(port))
}

/// Wraps the whole application of `dev`: refuses a foreign Host or Origin with
/// 403 before anything else looks at the request.
pub async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if is_local(request.headers()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    tracing::warn!(outcome = "refused", "a request with a foreign Host or Origin was refused");
    let detail = "countersign dev answers only at 127.0.0.1, localhost and [::1], and only to its own pages.";
    let refusal = problem(StatusCode::FORBIDDEN, "foreign_origin", detail);
    Ok(request.into_response(refusal).map_into_right_body())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{App, HttpResponse, middleware::from_fn, test, web};

    #[::core::prelude::v1::test]
    fn only_loopback_authorities_have_a_port() {
        for (authority, port) in [
            ("127.0.0.1:8080", 8080),
            ("localhost:1", 1),
            ("LocalHost:8080", 8080),
            ("[::1]:8080", 8080),
            ("localhost", 80),
            ("[::1]", 80),
        ] {
            assert_eq!(loopback_port(authority), Some(port), "{authority}");
        }
        for authority in [
            "",
            ":8080",
            "example.com",
            "localhost.example.com:8080",
            "127.0.0.1.example.com",
            "example.com@localhost",
            "localhost@example.com:80",
            "localhost:",
            "localhost:+80",
            "localhost:80:80",
            "localhost:99999",
            "localhost/",
            "[::2]:8080",
            "::1",
            "[::1]x",
            "0.0.0.0:8080",
            "127.0.0.2",
        ] {
            assert_eq!(loopback_port(authority), None, "{authority}");
        }
    }

    async fn status(headers: &[(&'static str, &'static str)]) -> u16 {
        let app = test::init_service(
            App::new().wrap(from_fn(guard)).default_service(web::to(HttpResponse::NoContent)),
        )
        .await;
        let mut request = test::TestRequest::post();
        for header in headers {
            request = request.append_header(*header);
        }
        test::call_service(&app, request.to_request()).await.status().as_u16()
    }

    #[actix_web::test]
    async fn own_pages_and_plain_clients_pass() {
        for headers in [
            vec![("host", "127.0.0.1:8080")],
            vec![("host", "localhost:8080"), ("origin", "http://localhost:8080")],
            vec![("host", "[::1]:8080"), ("origin", "http://[::1]:8080")],
            vec![("host", "localhost"), ("origin", "http://127.0.0.1")],
        ] {
            assert_eq!(status(&headers).await, 204, "{headers:?}");
        }
    }

    #[actix_web::test]
    async fn foreign_hosts_and_origins_are_refused() {
        for headers in [
            vec![],
            vec![("host", "evil.example:8080")],
            vec![("host", "localhost:8080"), ("host", "evil.example")],
            vec![("host", "localhost:8080"), ("origin", "http://evil.example")],
            vec![("host", "localhost:8080"), ("origin", "https://localhost:8080")],
            vec![("host", "localhost:8080"), ("origin", "http://localhost:3000")],
            vec![("host", "localhost:8080"), ("origin", "http://localhost")],
            vec![("host", "localhost:8080"), ("origin", "null")],
        ] {
            assert_eq!(status(&headers).await, 403, "{headers:?}");
        }
    }
}
