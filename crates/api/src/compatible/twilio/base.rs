//! The parts that the Twilio operations share: their answers, the scopes for settings, the base URL.

use super::error::Refusal;
use crate::access::caller::{CompatTwilio, SettingsWrite};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use countersign_core::time::Timestamp;
use countersign_web::State;

/// The answer of each handler.
pub type Answer = Result<HttpResponse, Refusal>;

/// The scopes for operations that change settings. They include the scope that `/v1` requires for the same
/// change.
pub type TwilioSettings = (CompatTwilio, SettingsWrite);

/// The URL of this server, for the whole URLs that Twilio's clients follow.
pub struct Base(String);

impl Base {
    /// The configured `server.public_url`, or else the host that the client named. Believing the client is
    /// safe, because answers are never cached, so no other client reads them. Only a host and a port are
    /// taken from the header. No header can change the scheme, so behind a proxy that ends TLS
    /// `server.public_url` must be set.
    pub fn of(request: &HttpRequest) -> Self {
        let state = request.app_data::<web::Data<State>>();
        if let Some(url) = state.and_then(|state| state.public_url.as_deref()) {
            return Self(url.to_owned());
        }
        let scheme = if state.is_some_and(|state| state.secure) { "https" } else { "http" };
        Self(host(request).map(|host| format!("{scheme}://{host}")).unwrap_or_default())
    }

    /// The URL of a path; only the path if no host is known.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The scheme and the host, or an empty text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host that the client named, if it named exactly one. HTTP/2 has it in the URI.
fn host(request: &HttpRequest) -> Option<&str> {
    let host = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => {
            let mut hosts = request.headers().get_all(header::HOST);
            let host = hosts.next()?.to_str().ok()?;
            if hosts.next().is_some() {
                return None;
            }
            host
        }
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (host.len() <= 260 && !host.is_empty() && host.bytes().all(plain)).then_some(host)
}

/// Writes a time as Twilio does, without a fraction.
pub fn time(at: Timestamp) -> String {
    let millis = at.to_string();
    let whole = millis.split_once('.').map_or(millis.as_str(), |(whole, _)| whole);
    format!("{whole}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn times_have_no_fraction() {
        assert_eq!(time(Timestamp::from_micros(1_800_000_000_999_999)), "2027-01-15T08:00:00Z");
        assert_eq!(time(Timestamp::from_micros(0)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn the_host_of_a_request_is_a_host_and_nothing_else() {
        let of = |host: &'static [u8]| {
            let value = header::HeaderValue::from_bytes(host).unwrap();
            Base::of(&TestRequest::default().insert_header((header::HOST, value)).to_http_request()).0
        };
        assert_eq!(of(b"sms.example.com:8080"), "http://sms.example.com:8080");
        assert_eq!(of(b"[::1]:8080"), "http://[::1]:8080");
        let bad: [&[u8]; 6] = [b"a@b", b"a/b", b"a b", b"a?b", b"a#b", b"\xff"];
        for bad in bad {
            assert_eq!(of(bad), "", "{bad:?}");
        }
        let twice = TestRequest::default()
            .append_header((header::HOST, "a"))
            .append_header((header::HOST, "b"))
            .append_header(("x-forwarded-host", "evil"))
            .append_header(("forwarded", "host=evil"));
        assert_eq!(Base::of(&twice.to_http_request()).url("/x"), "/x");
    }
}
