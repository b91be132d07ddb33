//! Reads the bodies of the template operations.

use crate::http::values::template_name;
use countersign_core::{
    locale::Locale,
    management::templates::{TemplateChange, TextsChange},
    message::template::{
        Template, TemplateKind,
        set::{TemplateName, TemplateSet},
    },
};
use countersign_web::{
    fields::{Fields, boolean, text},
    problem::{Fault, Problem},
};
use serde_json::Value;

/// The body of a create.
pub fn create_request(mut fields: Fields) -> Result<(TemplateName, TemplateChange), Problem> {
    let name = fields.required("name", template_name);
    let change = TemplateChange {
        name: None,
        texts: texts(&mut fields, "texts", TemplateKind::Plain, false),
        transaction_texts: texts(&mut fields, "transaction_texts", TemplateKind::Transaction, false),
        transliterate: fields.optional("transliterate", boolean),
    };
    fields.finish(name.map(|name| (name, change)))
}

/// The body of a change.
pub fn update_request(mut fields: Fields) -> Result<TemplateChange, Problem> {
    let change = TemplateChange {
        name: fields.given("name", template_name),
        texts: texts(&mut fields, "texts", TemplateKind::Plain, true),
        transaction_texts: texts(&mut fields, "transaction_texts", TemplateKind::Transaction, true),
        transliterate: fields.given("transliterate", boolean),
    };
    fields.finish(Some(change))
}

/// Texts by locale; each that is wrong is a fault of its own, named `texts.pl`. Null removes all
/// of them, and in a patch null in place of a text that one.
fn texts(fields: &mut Fields, field: &str, kind: TemplateKind, patch: bool) -> Option<TextsChange> {
    let object = fields.given_or_null(field, |value| match value {
        Value::Object(object) if object.len() <= TemplateSet::MOST => Ok(object),
        Value::Object(_) => {
            Err(Fault::new("too_long", format!("must hold at most {} locales", TemplateSet::MOST)))
        }
        _ => Err(Fault::new("wrong_type", "must be an object of texts by locale")),
    })?;
    let mut change = TextsChange { replace: object.is_none() || !patch, ..TextsChange::default() };
    for (key, value) in object.into_iter().flatten() {
        let read = match Locale::parse(&key) {
            None => Err(Fault::new("unknown_field", "names no locale such as en, pt-BR or zh-Hant")),
            Some(locale) if patch && value.is_null() => Ok((locale, None)),
            Some(locale) => template(value, kind).map(|template| (locale, Some(template))),
        };
        let taken = read.and_then(|(locale, text)| match change.texts.insert(locale, text) {
            None => Ok(()),
            Some(_) => Err(Fault::new("duplicate", "names a locale that stands twice")),
        });
        if let Err(fault) = taken {
            fields.fail(&format!("{field}.{key}"), fault);
        }
    }
    Some(change)
}

fn template(value: Value, kind: TemplateKind) -> Result<Template, Fault> {
    let text = text(value)?;
    if text.chars().count() > Template::MAX {
        return Err(Fault::new("too_long", format!("must have at most {} characters", Template::MAX)));
    }
    Template::parse(&text, kind).map_err(|error| Fault::new("invalid_format", error.to_string()))
}

/// The body of a preview: a template, and whether it is to be written in the GSM alphabet.
pub fn preview_request(mut fields: Fields) -> Result<(Template, bool), Problem> {
    let kind = fields.optional("kind", |value| match text(value)?.as_str() {
        "plain" => Ok(TemplateKind::Plain),
        "transaction" => Ok(TemplateKind::Transaction),
        _ => Err(Fault::format("must be plain or transaction")),
    });
    let template = fields.required("text", |value| template(value, kind.unwrap_or(TemplateKind::Plain)));
    let gsm = fields.optional("transliterate", boolean).unwrap_or(false);
    fields.finish(template.map(|template| (template, gsm)))
}
