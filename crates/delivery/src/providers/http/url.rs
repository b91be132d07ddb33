//! A URL with placeholders in its path and its query.

use super::template::{Placeholder, Template, Values};
use crate::{
    outbound::{Outbound, Url},
    provider::SendError,
    settings::Fields,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Escapes everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The URL of a request. No value can change its origin.
pub(super) struct UrlTemplate {
    template: Template,
    origin: url::Origin,
}

impl UrlTemplate {
    pub(super) fn parse(fields: &mut Fields<'_>, outbound: &Outbound) -> Option<Self> {
        let text = fields.read("url", "a text", Value::as_str);
        let text = fields.require("url", text)?;
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
        if authority.contains(['{', '}']) || text.contains('#') || has_dots(text) {
            let message = "may have placeholders in its path and its query only, and no . or .. in the path";
            fields.fault("url", message);
            return None;
        }
        let template = Template::parse(text).map_err(|message| fields.fault("url", message)).ok()?;
        if template.placeholders().any(|one| *one == Placeholder::CallbackUrl) {
            fields.fault("url", "must not hold {callback_url}, which is not always there");
            return None;
        }
        // Check the URL with a sample value in each placeholder, as it will be called.
        let sample = text.replace(['{', '}'], "");
        let origin = fields.parse_url("url", &sample, outbound)?.origin();
        Some(Self { template, origin })
    }

    pub(super) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.template.placeholders()
    }

    pub(super) fn build(&self, values: &Values<'_>) -> Result<Url, SendError> {
        let refused = || SendError::decline("a value cannot stand in the URL");
        let escape = |value: &str| utf8_percent_encode(value, ESCAPED).to_string();
        let text = self.template.render(values, escape).ok_or_else(refused)?;
        let url = Url::parse(&text).map_err(|_| refused())?;
        // `..` needs no escape, and would lead to another path.
        if url.origin() != self.origin || has_dots(&text) { Err(refused()) } else { Ok(url) }
    }
}

/// Returns whether a segment of the path is `.` or `..`, in any spelling.
fn has_dots(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.split(['/', '\\']).any(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    })
}
