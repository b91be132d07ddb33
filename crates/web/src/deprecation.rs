//! Operations that will go. A table says which; each of their answers says so in its headers.

use actix_web::{
    HttpRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue, LINK},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// RFC 9745: since when, as `@` and seconds since 1970.
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// RFC 8594: from when on it may be gone.
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// An operation that will go.
#[derive(Clone, Copy, Debug)]
pub struct Deprecation {
    /// In capitals.
    pub method: &'static str,
    /// As the document writes it, with names in braces.
    pub path: &'static str,
    /// The day of the release that said so.
    pub since: Date,
    /// The day from which on a release may lack it.
    pub sunset: Date,
    /// Where it is written what to call instead.
    pub link: &'static str,
}

/// The operations that will go. App data.
#[derive(Clone, Copy)]
pub struct Table(pub &'static [Deprecation]);

/// What the table says of an operation.
pub fn of<'a>(table: &'a [Deprecation], method: &str, path: &str) -> Option<&'a Deprecation> {
    table.iter().find(|one| one.method == method && one.path == path)
}

/// What is said of the operation that a request asked for.
pub fn of_request(request: &HttpRequest, method: &str, path: &str) -> Option<Deprecation> {
    of(request.app_data::<Table>()?.0, method, path).copied()
}

impl Deprecation {
    /// Says in the headers of an answer that the operation will go.
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
