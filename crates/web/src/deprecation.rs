//! Deprecated operations. A table lists them, and the answers of each announce it in headers.

use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue, LINK},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// RFC 9745: the time of the deprecation, as `@` and seconds since 1970.
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// RFC 8594: the time from which the operation may be missing.
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// A deprecated operation.
#[derive(Clone, Copy, Debug)]
pub struct Deprecation {
    /// The method in capitals.
    pub method: &'static str,
    /// The path as the OpenAPI document writes it, with names in braces.
    pub path: &'static str,
    /// The day of the release that deprecated it.
    pub since: Date,
    /// The day from which a release may lack it.
    pub sunset: Date,
    /// The URL of a text that says what to call instead.
    pub link: &'static str,
}

/// The table of deprecated operations. It is app data.
#[derive(Clone, Copy)]
pub struct Table(pub &'static [Deprecation]);

/// The entry of an operation, if it is deprecated.
pub fn of<'a>(table: &'a [Deprecation], method: &str, path: &str) -> Option<&'a Deprecation> {
    table.iter().find(|one| one.method == method && one.path == path)
}

/// The entry of the operation that a request called, if it is deprecated.
pub fn of_request(request: &HttpRequest, method: &str, path: &str) -> Option<Deprecation> {
    of(request.app_data::<Table>()?.0, method, path).copied()
}

impl Deprecation {
    /// Announces the deprecation in the headers of an answer.
    pub fn announce(&self, headers: &mut HeaderMap) {
        let link = format!("<{}>; rel=\"deprecation\"; type=\"text/html\"", self.link);
        for (name, text) in [(DEPRECATION, self.since()), (SUNSET, self.sunset()), (LINK, link)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.append(name, value);
            }
        }
    }

    fn since(&self) -> String {
        format!("@{}", midnight(self.since).as_second())
    }

    /// An HTTP date: `Fri, 01 Jan 2027 00:00:00 GMT`.
    fn sunset(&self) -> String {
        midnight(self.sunset).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }
}

fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |time| time.timestamp())
}
