//! Texts with placeholders. Each value is escaped for its place.
//!
//! A value can never end its place early: it is escaped, or nothing is sent. `{{` and `}}` mean braces.

use crate::{provider::Outgoing, receipt::callback_with_reference, secret::Secret};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The maximum length of a template, in characters.
pub(super) const MAX_TEMPLATE: usize = 2_000;

/// The credentials by their names.
pub(super) type Secrets = BTreeMap<String, Secret>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    To,
    ToDigits,
    From,
    Text,
    Id,
    CallbackUrl,
    Reference,
    Secret(String),
}

impl Placeholder {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "to" => Self::To,
            "to_digits" => Self::ToDigits,
            "from" => Self::From,
            "text" => Self::Text,
            "id" => Self::Id,
            "callback_url" => Self::CallbackUrl,
            "reference" => Self::Reference,
            _ => Self::Secret(name.strip_prefix("secret.").filter(|name| is_name(name))?.to_owned()),
        })
    }
}

/// Returns whether a secret may have this name.
pub(super) fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Value(Placeholder),
}

/// A text with placeholders. It has no Debug, because a person may have written a secret into it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

impl Template {
    /// Reads a text. The error does not quote the text.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.chars().count() > MAX_TEMPLATE {
            return Err("must be at most 2000 characters long");
        }
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(at);
            literal.push_str(before);
            if let Some(tail) = after.strip_prefix("{{").or_else(|| after.strip_prefix("}}")) {
                literal.push_str(&after[..1]);
                rest = tail;
                continue;
            }
            let inner = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, tail) = inner.ok_or("has a brace without its partner; write {{ or }} for one")?;
            let placeholder = Placeholder::parse(name).ok_or(
                "has an unknown placeholder; known are {to}, {to_digits}, {from}, {text}, {id}, \
                 {callback_url}, {reference} and {secret.NAME}",
            )?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Value(placeholder));
            rest = tail;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    pub(super) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(placeholder) => Some(placeholder),
            Part::Literal(_) => None,
        })
    }

    /// Fills in the values, each written by `escape`. Returns `None` if the text needs the receipt URL and
    /// there is none.
    pub(super) fn render(
        &self,
        values: &Values<'_>,
        escape: impl Fn(&str) -> String,
    ) -> Option<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::new());
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Value(placeholder) => {
                    text.push_str(&Zeroizing::new(escape(values.get(placeholder)?)));
                }
            }
        }
        Some(text)
    }
}

/// The values of the placeholders for one message.
pub(super) struct Values<'a> {
    message: &'a Outgoing,
    from: &'a str,
    id: String,
    callback_url: Option<String>,
    secrets: &'a Secrets,
}

impl<'a> Values<'a> {
    /// Requests receipts only if `reports`, that is if the settings can read them.
    pub(super) fn new(
        message: &'a Outgoing,
        from: Option<&'a str>,
        secrets: &'a Secrets,
        reports: bool,
    ) -> Self {
        let callback = message.callback.as_ref().filter(|_| reports);
        Self {
            from: from.unwrap_or(&message.from),
            id: message.message.to_string(),
            callback_url: callback.and_then(callback_with_reference),
            message,
            secrets,
        }
    }

    fn get(&self, placeholder: &Placeholder) -> Option<&str> {
        Some(match placeholder {
            Placeholder::To => self.message.to.e164(),
            Placeholder::ToDigits => self.message.to.e164().trim_start_matches('+'),
            Placeholder::From => self.from,
            Placeholder::Text => &self.message.text,
            Placeholder::Id => &self.id,
            Placeholder::CallbackUrl => self.callback_url.as_deref()?,
            Placeholder::Reference => {
                self.message.callback.as_ref().map_or(&self.id, |callback| &callback.reference)
            }
            Placeholder::Secret(name) => self.secrets.get(name).map_or("", Secret::expose),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::testing::{NUMBER, REFERENCE, message};

    fn secrets() -> Secrets {
        [("key".to_owned(), Secret::new("hunter2"))].into()
    }

    fn rendered(text: &str, reports: bool) -> Option<String> {
        let (message, secrets) = (message(), secrets());
        let values = Values::new(&message, None, &secrets, reports);
        Template::parse(text).unwrap().render(&values, str::to_owned).map(|text| text.to_string())
    }

    #[test]
    fn placeholders_stand_for_values() {
        let id = message().message.to_string();
        for (template, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("{to}{to_digits}", &format!("{NUMBER}48500500500")),
            ("<{from}>", "<Acme>"),
            ("{id}/{reference}", &format!("{id}/{REFERENCE}")),
            ("Bearer {secret.key}", "Bearer hunter2"),
            ("{{to}} {{{from}}}", "{to} {Acme}"),
            ("{callback_url}", &format!("https://otp.example/v1/receipts/4711?ref={REFERENCE}")),
        ] {
            assert_eq!(rendered(template, true).as_deref(), Some(expected), "{template}");
        }
        assert_eq!(rendered("{callback_url}", false), None);
    }

    #[test]
    fn what_is_no_placeholder_is_refused() {
        let long = "x".repeat(MAX_TEMPLATE + 1);
        for text in [
            "{",
            "}",
            "{to",
            "to}",
            "{}",
            "{To}",
            "{ to }",
            "{code}",
            "{{to}",
            "{to}}",
            "{secret}",
            "{secret.}",
            "{secret.Key}",
            "{secret.a-b}",
            "{{{to}}",
            &long,
        ] {
            let Err(message) = Template::parse(text) else { panic!("{text}") };
            assert!(!message.contains("Key"));
        }
    }
}
