//! What changes, as it is printed: a line for each object, without a secret.

use crate::command::answer;
use countersign_core::ports::applied::AppliedKind;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// The text that is printed instead of a secret.
const HIDDEN: &str = "(secret)";

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    Update,
    Delete,
    /// It stays, though the file names it no more.
    Keep,
}

impl Act {
    const fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Delete => '-',
            Self::Keep => '!',
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldChange {
    pub field: String,
    pub from: Value,
    pub to: Value,
}

impl FieldChange {
    /// Of a value that is never shown.
    pub(super) fn hidden(field: &str) -> Self {
        Self { field: field.to_owned(), from: HIDDEN.into(), to: HIDDEN.into() }
    }
}

/// One object that changes.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub act: Act,
    /// Of which tenant; none of the operator's own and of tenants.
    pub tenant: Option<String>,
    pub kind: AppliedKind,
    pub name: String,
    pub changes: Vec<FieldChange>,
    /// What else there is to say.
    pub note: Option<String>,
}

/// How lines are printed.
pub(super) struct Printer {
    json: bool,
    secrets: Vec<Zeroizing<String>>,
}

impl Printer {
    pub(super) fn new(json: bool, mut secrets: Vec<Zeroizing<String>>) -> Self {
        // The empty text would hide all that is empty.
        secrets.retain(|secret| !secret.is_empty());
        Self { json, secrets }
    }

    pub(super) fn print(&self, line: &Line) -> anyhow::Result<()> {
        answer(&if self.json { self.object(line).to_string() } else { self.text(line) })
    }

    /// How many objects are as the file says.
    pub(super) fn print_unchanged(&self, unchanged: usize) -> anyhow::Result<()> {
        match (self.json, unchanged) {
            (true, _) => answer(&json!({"unchanged": unchanged}).to_string()),
            (false, 0) => Ok(()),
            (false, _) => answer(&format!("= {unchanged} unchanged")),
        }
    }

    fn text(&self, line: &Line) -> String {
        let Line { act, tenant, kind, name, changes, note } = line;
        let tenant = tenant.as_ref().map(|tenant| format!("{tenant} ")).unwrap_or_default();
        let mut text = format!("{} {tenant}{} {name}", act.sign(), kind.as_str());
        let one = |FieldChange { field, from, to }: &FieldChange| {
            format!("{field}: {} -> {}", self.value(from), self.value(to))
        };
        let mut details: Vec<_> = changes.iter().map(one).collect();
        details.extend(note.clone());
        if !details.is_empty() {
            text.push_str(": ");
            text.push_str(&details.join(", "));
        }
        text
    }

    fn object(&self, Line { act, tenant, kind, name, changes, note }: &Line) -> Value {
        let changes = changes.iter().map(|change| {
            json!({"field": change.field, "from": self.hide(&change.from), "to": self.hide(&change.to)})
        });
        json!({
            "action": act.as_str(), "tenant": tenant, "kind": kind.as_str(), "name": name,
            "changes": changes.collect::<Vec<_>>(), "note": note,
        })
    }

    fn value(&self, value: &Value) -> String {
        match self.hide(value) {
            Value::Null => "none".to_owned(),
            Value::String(text) if text == HIDDEN => text,
            value => value.to_string(),
        }
    }

    fn holds_secret(&self, text: &str) -> bool {
        let one = |secret: &Zeroizing<String>| {
            // A short one stands in other texts by chance.
            text == secret.as_str() || secret.len() >= 8 && text.contains(secret.as_str())
        };
        self.secrets.iter().any(one)
    }

    /// The value without texts that came from references, wherever they stand in it.
    fn hide(&self, value: &Value) -> Value {
        match value {
            // `***` is how the API shows a secret.
            Value::String(text) if text == "***" || self.holds_secret(text) => HIDDEN.into(),
            Value::Array(values) => values.iter().map(|value| self.hide(value)).collect(),
            Value::Object(values) => {
                Value::Object(values.iter().map(|(name, value)| (name.clone(), self.hide(value))).collect())
            }
            value => value.clone(),
        }
    }
}

/// The fields that differ; those of an object in a field each by itself.
pub(super) fn diff(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    changes
}

fn compare(
    place: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    changes: &mut Vec<FieldChange>,
) {
    let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
    let none = gone.map(|(name, from)| (name, from, &Value::Null));
    let now = after.iter().map(|(name, to)| (name, before.get(name).unwrap_or(&Value::Null), to));
    for (name, from, to) in none.chain(now) {
        let field = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        match (from, to) {
            (Value::Object(from), Value::Object(to)) => compare(&field, from, to, changes),
            (from, to) if from != to => {
                changes.push(FieldChange { field, from: from.clone(), to: to.clone() });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_line_names_what_changes_and_no_secret() {
        let before = object(json!({"weight": 1, "sender": null, "settings": {"token": "***", "url": "a"}}));
        let after = object(
            json!({"weight": 5, "sender": "Acme", "settings": {"token": "***", "url": "x hunter2hunter2 y"}}),
        );
        let mut changes = diff(&before, &after);
        assert_eq!(changes.len(), 3);
        changes.push(FieldChange::hidden("settings.token"));
        let line = Line {
            act: Act::Update,
            tenant: Some("Acme".to_owned()),
            kind: AppliedKind::Route,
            name: "pl".to_owned(),
            changes,
            note: None,
        };
        let secrets = vec![Zeroizing::new("hunter2hunter2".to_owned()), Zeroizing::new(String::new())];
        let printer = Printer::new(false, secrets);
        let text = printer.text(&line);
        assert!(text.starts_with("~ Acme route pl: "), "{text}");
        for part in ["weight: 1 -> 5", "sender: none -> \"Acme\"", "settings.url: \"a\" -> (secret)"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.ends_with("settings.token: (secret) -> (secret)"), "{text}");
        assert!(!printer.object(&line).to_string().contains("hunter2hunter2"));
        assert!(diff(&before, &before).is_empty());
    }

    #[test]
    fn what_is_gone_is_none() {
        let change = diff(&object(json!({"a": {"b": 1}})), &object(json!({"a": {}})));
        assert_eq!(change, [FieldChange { field: "a.b".to_owned(), from: 1.into(), to: Value::Null }]);
    }
}
