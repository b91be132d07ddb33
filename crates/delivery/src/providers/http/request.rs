//! Makes the request for a message from a template.

use super::{
    body::Body,
    template::{Placeholder, Template, Values},
    url::UrlTemplate,
};
use crate::{
    outbound::{
        Method, Outbound, Request,
        header::{AUTHORIZATION, HeaderName, HeaderValue},
    },
    provider::SendError,
    settings::{Fields, plain_text},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::time::Duration;
use zeroize::Zeroizing;

const MOST_HEADERS: usize = 20;
/// Headers that frame the request or that proxies change. A template may not set them.
const REFUSED: [&str; 11] = [
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "proxy-authorization",
    "accept-encoding",
];

/// A request with placeholders for its values.
pub(super) struct RequestTemplate {
    method: Method,
    url: UrlTemplate,
    headers: Vec<(HeaderName, Template)>,
    basic: Option<(Template, Template)>,
    body: Body,
    timeout: Duration,
}

impl RequestTemplate {
    pub(super) fn parse(fields: &mut Fields<'_>, outbound: &Outbound, timeout: Duration) -> Option<Self> {
        let method = fields.read("method", "one of GET, POST, PUT", |value| match value.as_str()? {
            "GET" => Some(Method::GET),
            "POST" => Some(Method::POST),
            "PUT" => Some(Method::PUT),
            _ => None,
        });
        let method = method.unwrap_or(Method::POST);
        let url = UrlTemplate::parse(fields, outbound);
        let headers = parse_headers(fields);
        let basic = fields.has("basic");
        let basic = fields.object("basic", |fields| {
            let user = template(fields, "username");
            let password = template(fields, "password");
            if basic {
                fields.require("username", user.as_ref());
                fields.require("password", password.as_ref());
            }
            if password.as_ref().is_some_and(|password| password.placeholders().next().is_none()) {
                fields.fault("password", "must be a {secret.NAME}, so that it is not shown");
            }
            user.zip(password)
        });
        let body = Body::parse(fields);
        if method == Method::GET && fields.has("body") {
            fields.fault("body", "must not be set for GET");
        }
        Some(Self { method, url: url?, headers, basic, body: body?, timeout })
    }

    /// All placeholders of the request.
    pub(super) fn placeholders(&self) -> Vec<&Placeholder> {
        let mut found: Vec<_> = self.url.placeholders().collect();
        found.extend(self.headers.iter().flat_map(|(_, value)| value.placeholders()));
        found.extend(
            self.basic.iter().flat_map(|(user, password)| user.placeholders().chain(password.placeholders())),
        );
        found.extend(self.body.placeholders());
        found
    }

    /// Makes the request with these values. Returns an error if a value cannot be written in its place.
    pub(super) fn build(&self, values: &Values<'_>) -> Result<Request, SendError> {
        let mut request = Request::new(self.method.clone(), self.url.build(values)?, self.timeout);
        for (name, template) in &self.headers {
            // A header that needs the receipt URL is left out if there is none.
            if let Some(value) = template.render(values, str::to_owned) {
                request = request.header(name.clone(), header_value(&value)?);
            }
        }
        if let Some((user, password)) = &self.basic {
            let part = |template: &Template| template.render(values, str::to_owned).unwrap_or_default();
            let pair = Zeroizing::new(format!("{}:{}", *part(user), *part(password)));
            let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            request = request.header(AUTHORIZATION, header_value(&basic)?);
        }
        Ok(self.body.fill(request, values))
    }
}

fn template(fields: &mut Fields<'_>, name: &'static str) -> Option<Template> {
    let text = fields.read(name, "a text", Value::as_str)?;
    Template::parse(text).map_err(|message| fields.fault(name, message)).ok()
}

fn parse_headers(fields: &mut Fields<'_>) -> Vec<(HeaderName, Template)> {
    let what = format!("an object of at most {MOST_HEADERS} headers");
    let object = fields
        .read("headers", &what, |value| value.as_object().filter(|object| object.len() <= MOST_HEADERS));
    let mut headers = Vec::new();
    for (name, value) in object.into_iter().flatten() {
        match parse_header(name, value) {
            Ok(header) => headers.push(header),
            Err(message) => fields.fault("headers", message),
        }
    }
    headers
}

fn parse_header(name: &str, value: &Value) -> Result<(HeaderName, Template), &'static str> {
    let name = name.to_ascii_lowercase();
    if REFUSED.contains(&name.as_str()) {
        return Err("must not set what frames the request");
    }
    let header = HeaderName::try_from(&name).map_err(|_| "has a name that is none")?;
    let text = plain_text(value, super::template::MAX_TEMPLATE).filter(|text| text.is_ascii());
    let template = Template::parse(text.ok_or("must hold texts in printable ASCII")?)?;
    let is_credential = ["auth", "key", "token", "secret"].iter().any(|word| name.contains(word));
    if is_credential && template.placeholders().next().is_none() {
        return Err("must hold a credential as {secret.NAME}, so that it is not shown");
    }
    Ok((header, template))
}

/// The names of secrets that placeholders use but the settings lack.
pub(super) fn missing_secrets<'a>(used: &[&'a Placeholder], is_there: impl Fn(&str) -> bool) -> Vec<&'a str> {
    let mut missing: Vec<_> = used
        .iter()
        .filter_map(|one| match one {
            Placeholder::Secret(name) if !is_there(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

/// Accepts only printable ASCII. Other values are refused, because headers have no escape that receivers
/// understand.
fn header_value(text: &str) -> Result<HeaderValue, SendError> {
    let value = Some(text).filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    let value = value.and_then(|text| HeaderValue::from_str(text).ok());
    let mut value = value.ok_or_else(|| SendError::decline("a value cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}
