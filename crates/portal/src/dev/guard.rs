//! Only pages of this machine may talk to `dev`.
//!
//! `dev` listens on loopback, but a browser on the same machine opens any site. A site could reach the key
//! and the codes in two ways: it points its own name at 127.0.0.1 (DNS rebinding), or it sends a request
//! across origins. The headers Host and Origin reveal both. A site that embeds an answer of `dev` sends no
//! Origin; `Sec-Fetch-Site` (W3C Fetch Metadata) reveals it.

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HOST, HeaderMap, HeaderName, ORIGIN},
    },
    middleware::Next,
};
use countersign_web::problem::{Problem, ProblemCode};

const HTTP_PORT: u16 = 80;
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The port of a loopback authority such as `localhost:8080`; `None` for any other authority.
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

/// The value of a header that occurs at most once. With two Hosts, this check could look at one while the
/// server uses the other.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(name);
    let first = values.next();
    if values.next().is_some() {
        return Err(());
    }
    first.map(|value| value.to_str().map_err(|_| ())).transpose()
}

/// Returns whether Host and Origin both name this machine, with the same port.
fn is_local(headers: &HeaderMap) -> bool {
    let (Ok(Some(host)), Ok(origin)) = (single(headers, HOST), single(headers, ORIGIN)) else {
        return false;
    };
    let Some(port) = loopback_port(host) else { return false };
    origin.is_none_or(|origin| match origin {
        // A page of the portal that hides its URL, because the URL contains a secret, hides its origin too.
        "null" => single(headers, FETCH_SITE) == Ok(Some("same-origin")),
        origin => origin.strip_prefix("http://").and_then(loopback_port) == Some(port),
    })
}

/// Returns whether another site's page made the browser send this request. A link that the user followed does
/// not count: then the user sees the answer, and the other site cannot read it.
fn is_foreign_fetch(method: &Method, headers: &HeaderMap) -> bool {
    let is = |name, value| single(headers, name) == Ok(Some(value));
    match single(headers, FETCH_SITE) {
        Ok(Some("cross-site")) => {
            !(method == Method::GET && is(FETCH_MODE, "navigate") && is(FETCH_DEST, "document"))
        }
        Ok(_) => false,
        Err(()) => true,
    }
}

/// Wraps the whole application of `dev`. It answers 403 to a foreign Host or Origin, and to requests from
/// another site's page, before any other code sees the request.
pub async fn guard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if is_local(request.headers()) && !is_foreign_fetch(request.method(), request.headers()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    tracing::warn!(outcome = "refused", "a request of a foreign Host, Origin or site was refused");
    let detail = "countersign dev answers only at 127.0.0.1, localhost and [::1], and only to its own pages.";
    let refusal = Problem::new(ProblemCode::ForeignOrigin, detail);
    Ok(request.error_response(refusal).map_into_right_body())
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
        status_of(test::TestRequest::post(), headers).await
    }

    async fn status_of(mut request: test::TestRequest, headers: &[(&'static str, &'static str)]) -> u16 {
        let app = test::init_service(
            App::new().wrap(from_fn(guard)).default_service(web::to(HttpResponse::NoContent)),
        )
        .await;
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
            vec![("host", "localhost:8080"), ("origin", "null"), ("sec-fetch-site", "same-origin")],
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
            vec![("host", "localhost:8080"), ("origin", "null"), ("sec-fetch-site", "same-site")],
            vec![("host", "evil.example"), ("origin", "null"), ("sec-fetch-site", "same-origin")],
        ] {
            assert_eq!(status(&headers).await, 403, "{headers:?}");
        }
    }

    #[actix_web::test]
    async fn another_site_may_only_link() {
        let get = test::TestRequest::get;
        let ask = |request, site: &[(&'static str, &'static str)]| {
            let headers = [&[("host", "localhost:8080")], site].concat();
            async move { status_of(request, &headers).await }
        };
        let site = |site| ("sec-fetch-site", site);
        let link = [site("cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert_eq!(ask(get(), &link).await, 204);
        assert_eq!(ask(test::TestRequest::post(), &link).await, 403, "a form");
        for own in ["same-origin", "same-site", "none"] {
            assert_eq!(ask(get(), &[site(own), ("sec-fetch-mode", "cors")]).await, 204, "{own}");
        }
        for (mode, dest) in
            [("navigate", "iframe"), ("no-cors", "script"), ("no-cors", "document"), ("cors", "empty")]
        {
            let embedded = [site("cross-site"), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)];
            assert_eq!(ask(get(), &embedded).await, 403, "{mode} {dest}");
        }
        assert_eq!(ask(get(), &[site("cross-site")]).await, 403);
        assert_eq!(ask(get(), &[site("same-origin"), site("cross-site")]).await, 403, "twice");
        let twice = [link[0], link[1], link[2], ("sec-fetch-dest", "iframe")];
        assert_eq!(ask(get(), &twice).await, 403, "two destinations");
    }
}
