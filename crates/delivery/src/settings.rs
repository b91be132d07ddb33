//! Reads the settings of a provider from JSON, and returns all errors at once.

use crate::{
    outbound::{Outbound, Url},
    secret::Secret,
};
use countersign_core::access::allowlist::parse_range;
use ipnet::IpNet;
use serde_json::{Map, Value};
use std::{ops::RangeInclusive, time::Duration};

/// Replaces a secret that is set, wherever settings are shown.
pub const REDACTED: &str = "***";

/// The maximum number of networks in one list.
const MOST_NETWORKS: usize = 100;
const MAX_URL: usize = 1_000;

/// An error in one field. It never repeats the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, with the objects around it: `answer.id`.
    pub field: String,
    /// What the field must be.
    pub message: String,
}

/// The fields of one object, while they are read.
pub(crate) struct Fields<'a> {
    prefix: String,
    object: Option<&'a Map<String, Value>>,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(settings: &'a Value) -> Self {
        let mut fields = Self {
            prefix: String::new(),
            object: settings.as_object(),
            known: Vec::new(),
            faults: Vec::new(),
        };
        if fields.object.is_none() {
            fields.fault("", "must be an object");
        }
        fields
    }

    /// Returns the settings, or all errors. Fields that were not read are errors.
    pub(crate) fn finish<T>(mut self, settings: Option<T>) -> Result<T, Vec<Fault>> {
        self.refuse_unknown();
        match settings {
            Some(settings) if self.faults.is_empty() => Ok(settings),
            _ => Err(self.faults),
        }
    }

    fn refuse_unknown(&mut self) {
        let names = self.object.into_iter().flat_map(Map::keys);
        let unknown: Vec<_> = names.filter(|name| !self.known.contains(&name.as_str())).cloned().collect();
        for name in unknown {
            // A person may have written a secret in the place of a name, so the name is cut.
            self.fault(&name.chars().take(40).collect::<String>(), "is not known");
        }
    }

    pub(crate) fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.faults.push(Fault { field: format!("{}{name}", self.prefix), message: message.into() });
    }

    /// The value of a field; `None` for `null`.
    pub(crate) fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.object?.get(name).filter(|value| !value.is_null())
    }

    /// Returns whether the field is set, without reading it.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.and_then(|object| object.get(name)).is_some_and(|value| !value.is_null())
    }

    /// Reads a field by `read`. If `read` returns `None`, the error is "must be `what`".
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.value(name)?);
        if value.is_none() {
            self.fault(name, format!("must be {what}"));
        }
        value
    }

    /// Reports a missing field. A field that is set but wrong has been reported already.
    pub(crate) fn require<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.has(name) {
            self.fault(name, "must be set");
        }
        value
    }

    pub(crate) fn text(&mut self, name: &'static str, longest: usize) -> Option<String> {
        let what = format!("a text of 1 to {longest} characters");
        self.read(name, &what, |value| plain_text(value, longest)).map(str::to_owned)
    }

    pub(crate) fn secret(&mut self, name: &'static str, longest: usize) -> Option<Secret> {
        let what = format!("a text of 1 to {longest} characters");
        self.read(name, &what, |value| secret(value, longest))
    }

    pub(crate) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        self.read(name, "true or false", Value::as_bool).unwrap_or(default)
    }

    pub(crate) fn number(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let what = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(name, &what, |value| value.as_u64().filter(|number| range.contains(number)))
    }

    /// The time-out of one call, in seconds.
    pub(crate) fn timeout(&mut self, default: Duration) -> Duration {
        self.number("timeout_seconds", 1..=30).map_or(default, Duration::from_secs)
    }

    pub(crate) fn url(&mut self, name: &'static str, outbound: &Outbound) -> Option<Url> {
        let text = self.text(name, MAX_URL)?;
        self.parse_url(name, &text, outbound)
    }

    pub(crate) fn parse_url(&mut self, name: &str, text: &str, outbound: &Outbound) -> Option<Url> {
        outbound.parse_url(text).map_err(|error| self.fault(name, error.to_string())).ok()
    }

    /// The base URL of a service, to which paths are added.
    pub(crate) fn base_url(&mut self, name: &'static str, outbound: &Outbound) -> Option<Url> {
        let url = self.url(name, outbound)?;
        if url.path() != "/" || url.query().is_some() {
            self.fault(name, "must be a URL without path");
            return None;
        }
        Some(url)
    }

    pub(crate) fn networks(&mut self, name: &'static str) -> Vec<IpNet> {
        let what = format!("a list of at most {MOST_NETWORKS} addresses or networks");
        let one = |value: &Value| value.as_str().and_then(parse_range);
        self.list(name, &what, MOST_NETWORKS, one).unwrap_or_default()
    }

    pub(crate) fn list<T>(
        &mut self,
        name: &'static str,
        what: &str,
        most: usize,
        one: impl Fn(&'a Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.read(name, what, |value| {
            let values = value.as_array().filter(|values| values.len() <= most)?;
            values.iter().map(one).collect()
        })
    }

    /// Reads an object inside this one. If it is absent, `read` sees an empty object.
    pub(crate) fn object<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Self) -> T) -> T {
        let object = self.read(name, "an object", Value::as_object);
        let mut inner =
            Self { prefix: format!("{}{name}.", self.prefix), object, known: Vec::new(), faults: Vec::new() };
        let value = read(&mut inner);
        inner.refuse_unknown();
        self.faults.append(&mut inner.faults);
        value
    }
}

/// A text without control characters.
pub(crate) fn plain_text(value: &Value, longest: usize) -> Option<&str> {
    let text = value.as_str()?;
    let fits = (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then_some(text)
}

/// Reads a secret. It must be ASCII, because secrets are sent in headers.
pub(crate) fn secret(value: &Value, longest: usize) -> Option<Secret> {
    let text = plain_text(value, longest).filter(|text| text.is_ascii() && *text != REDACTED)?;
    Some(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_faults_are_told_at_once_and_no_value_with_them() {
        let settings = json!({
            "name": "a\nb", "token": "***", "on": 1, "most": 4711, "from_addresses": ["10.0.0.0/8", "hunter2"],
            "hunter3": true, "inner": {"id": 1, "other": 2}, "none": null,
        });
        let mut fields = Fields::new(&settings);
        assert_eq!(fields.text("name", 10), None);
        assert!(fields.secret("token", 10).is_none());
        assert!(fields.flag("on", true));
        assert_eq!(fields.number("most", 1..=9), None);
        assert!(fields.networks("from_addresses").is_empty());
        assert_eq!(fields.text("none", 10), None);
        let missing = fields.text("missing", 10);
        fields.require("missing", missing);
        fields.object("inner", |inner| assert_eq!(inner.text("id", 10), None));
        let faults = fields.finish(Some(())).unwrap_err();
        let named: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        let expected = [
            "name",
            "token",
            "on",
            "most",
            "from_addresses",
            "missing",
            "inner.id",
            "inner.other",
            "hunter3",
        ];
        assert_eq!(named, expected);
        assert!(!format!("{faults:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        let settings = json!([1]);
        assert!(Fields::new(&settings).finish(Some(())).is_err());
        assert!(Fields::new(&json!({})).finish(Some(())).is_ok());
        assert!(Fields::new(&json!({})).finish(None::<()>).is_err());
    }
}
