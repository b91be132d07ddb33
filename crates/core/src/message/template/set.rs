//! A tenant's own texts, in the languages that the tenant chose.

use crate::{
    id::TemplateId,
    locale::Locale,
    message::template::{Template, TemplateKind},
    tenant::resource::Resource,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The name of a set, unique within its tenant: 1 to 32 of `[a-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateName(String);

impl TemplateName {
    /// Returns `None` unless the text is 1 to 32 of `[a-z0-9-]`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        (plain && (1..=32).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// All errors of a body: for each, the field and the reason.
pub type FieldErrors = Vec<(String, String)>;

/// A tenant's texts for one purpose, one text for each locale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateSet {
    /// Records refer to the set by this id, so renaming the set does not affect them.
    pub id: TemplateId,
    pub name: TemplateName,
    /// The number of the current version, from 1. Each change adds 1.
    pub version: u32,
    pub texts: BTreeMap<Locale, Template>,
    /// The texts for payments.
    pub transaction_texts: BTreeMap<Locale, Template>,
    /// Whether letters outside the GSM alphabet are replaced if possible.
    pub transliterate: bool,
}

impl TemplateSet {
    /// The maximum number of locales of each kind.
    pub const MOST: usize = 50;

    pub fn texts_of(&self, kind: TemplateKind) -> &BTreeMap<Locale, Template> {
        match kind {
            TemplateKind::Plain => &self.texts,
            TemplateKind::Transaction => &self.transaction_texts,
        }
    }

    /// The JSON for API bodies and for storage. It leaves out id and version, which are stored in columns of
    /// their own.
    pub fn to_json(&self) -> Value {
        let texts = |texts: &BTreeMap<Locale, Template>| {
            let text = |(locale, template): (&Locale, &Template)| {
                (locale.to_string(), Value::from(template.source()))
            };
            texts.iter().map(text).collect::<Map<_, _>>()
        };
        json!({
            "name": self.name.as_str(),
            "texts": texts(&self.texts),
            "transaction_texts": texts(&self.transaction_texts),
            "transliterate": self.transliterate,
        })
    }

    /// Reads the stored form.
    pub fn read(resource: &Resource) -> Option<Self> {
        let version = u32::try_from(resource.version).unwrap_or(u32::MAX);
        let body = serde_json::from_str(&resource.body).ok()?;
        Self::from_json(TemplateId::from_bytes(resource.id), version, body).ok()
    }

    /// Reads the JSON that [`TemplateSet::to_json`] writes or a client sends. `transliterate` and one of the
    /// two kinds of texts may be absent.
    pub fn from_json(id: TemplateId, version: u32, body: Value) -> Result<Self, FieldErrors> {
        let Value::Object(mut fields) = body else {
            return Err(vec![(String::new(), "must be an object".to_owned())]);
        };
        let mut errors = FieldErrors::new();
        let name = match fields.remove("name") {
            Some(Value::String(name)) => TemplateName::parse(&name),
            _ => None,
        };
        if name.is_none() {
            errors.push(("name".to_owned(), "must be 1 to 32 of a-z, 0-9 and hyphen".to_owned()));
        }
        let texts = read_texts(&mut fields, "texts", TemplateKind::Plain, &mut errors);
        let transaction_texts =
            read_texts(&mut fields, "transaction_texts", TemplateKind::Transaction, &mut errors);
        let transliterate = match fields.remove("transliterate") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(transliterate)) => transliterate,
            Some(_) => {
                errors.push(("transliterate".to_owned(), "must be true or false".to_owned()));
                false
            }
        };
        errors.extend(fields.into_iter().map(|(name, _)| (short(&name), "is unknown".to_owned())));
        if errors.is_empty() && texts.is_empty() && transaction_texts.is_empty() {
            errors.push(("texts".to_owned(), "must hold at least one text".to_owned()));
        }
        match name {
            Some(name) if errors.is_empty() => {
                Ok(Self { id, name, version, texts, transaction_texts, transliterate })
            }
            _ => Err(errors),
        }
    }
}

fn read_texts(
    fields: &mut Map<String, Value>,
    field: &str,
    kind: TemplateKind,
    errors: &mut FieldErrors,
) -> BTreeMap<Locale, Template> {
    let mut texts = BTreeMap::new();
    let object = match fields.remove(field) {
        None | Some(Value::Null) => return texts,
        Some(Value::Object(object)) if object.len() <= TemplateSet::MOST => object,
        Some(Value::Object(_)) => {
            errors.push((field.to_owned(), format!("must hold at most {} locales", TemplateSet::MOST)));
            return texts;
        }
        Some(_) => {
            errors.push((field.to_owned(), "must be an object of texts by locale".to_owned()));
            return texts;
        }
    };
    for (key, value) in object {
        match read_text(&key, value, kind) {
            Ok((locale, template)) => {
                if texts.insert(locale, template).is_some() {
                    errors.push((format!("{field}.{key}"), "names a locale that stands twice".to_owned()));
                }
            }
            Err(message) => errors.push((format!("{field}.{}", short(&key)), message)),
        }
    }
    texts
}

fn read_text(key: &str, value: Value, kind: TemplateKind) -> Result<(Locale, Template), String> {
    let locale = Locale::parse(key).ok_or("names no locale such as en, pt-BR or zh-Hant")?;
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
    let template = Template::parse(&text, kind).map_err(|error| error.to_string())?;
    Ok((locale, template))
}

/// Cuts a name that a client invented, so that an answer can show it.
fn short(name: &str) -> String {
    name.chars().take(64).collect()
}
