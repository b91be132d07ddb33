//! The bodies of the template operations.

use super::json::{TemplateKind, new_plain_texts, new_transaction_texts, plain_patch, transaction_patch};
use crate::http::values::template_name;
use countersign_core::{
    locale::Locale,
    management::templates::{TemplateChange, TextsChange},
    message::template::{
        self, Template,
        set::{TemplateName, TemplateSet},
    },
};
use countersign_web::{
    fields::{Fields, boolean, text},
    problem::Fault,
    request,
    request::{given, optional, required},
};
use serde_json::Value;

request! {
    /// Makes a template.
    pub struct CreateTemplate {
        /// A unique name, which starts use.
        #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "login")]
        name: TemplateName as String = required(template_name),
        /// Texts by locale, with `{code}` exactly once.
        #[schema(schema_with = new_plain_texts)]
        texts: Option<TextsChange> = |fields, field| Some(read_texts(fields, field, template::TemplateKind::Plain, false)),
        /// Texts about transactions by locale, with `{amount}`, `{currency}` and `{payee}` too.
        #[schema(schema_with = new_transaction_texts)]
        transaction_texts: Option<TextsChange> = |fields, field| Some(read_texts(fields, field, template::TemplateKind::Transaction, false)),
        /// Whether the server replaces letters outside the GSM alphabet if it can (`ł` by `l`). One message
        /// holds 160 characters of that alphabet, or 70 of any other.
        transliterate: Option<bool> = optional(boolean),
    }
}

impl From<CreateTemplate> for (TemplateName, TemplateChange) {
    fn from(asked: CreateTemplate) -> Self {
        let CreateTemplate { name, texts, transaction_texts, transliterate } = asked;
        (name, TemplateChange { name: None, texts, transaction_texts, transliterate })
    }
}

request! {
    /// Changes a template. Absent fields and languages stay as they are; null removes a language.
    pub struct UpdateTemplate {
        /// Another name.
        #[schema(nullable = false, pattern = "^[a-z0-9-]{1,32}$", example = "login")]
        name: Option<TemplateName> as Option<String> = given(template_name),
        /// Texts by locale.
        #[schema(schema_with = plain_patch)]
        texts: Option<TextsChange> = |fields, field| Some(read_texts(fields, field, template::TemplateKind::Plain, true)),
        /// Texts about transactions by locale.
        #[schema(schema_with = transaction_patch)]
        transaction_texts: Option<TextsChange> = |fields, field| Some(read_texts(fields, field, template::TemplateKind::Transaction, true)),
        /// Whether the server replaces letters outside the GSM alphabet if it can.
        #[schema(nullable = false)]
        transliterate: Option<bool> = given(boolean),
    }
}

impl From<UpdateTemplate> for TemplateChange {
    fn from(asked: UpdateTemplate) -> Self {
        let UpdateTemplate { name, texts, transaction_texts, transliterate } = asked;
        Self { name, texts, transaction_texts, transliterate }
    }
}

request! {
    /// A text to preview.
    pub struct PreviewTemplate {
        /// Whether it is about a transaction; `plain` when absent.
        kind: Option<template::TemplateKind> as Option<TemplateKind> = optional(read_kind),
        /// The text.
        #[schema(min_length = 6, max_length = 500, example = "{code} is your {company} code.")]
        text: Template as String = required(|value| {
            read_template(value, kind.flatten().unwrap_or(template::TemplateKind::Plain))
        }),
        /// Whether the server replaces letters outside the GSM alphabet if it can; false when absent.
        transliterate: Option<bool> = optional(boolean),
    }
}

fn read_kind(value: Value) -> Result<template::TemplateKind, Fault> {
    match text(value)?.as_str() {
        "plain" => Ok(template::TemplateKind::Plain),
        "transaction" => Ok(template::TemplateKind::Transaction),
        _ => Err(Fault::format("must be plain or transaction")),
    }
}

/// Reads texts by locale. Each wrong text is an error of its own, named `texts.pl`. Null removes all texts.
/// In a patch, null in place of a text removes that text.
fn read_texts(
    fields: &mut Fields,
    field: &str,
    kind: template::TemplateKind,
    patch: bool,
) -> Option<TextsChange> {
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
            Some(locale) => read_template(value, kind).map(|template| (locale, Some(template))),
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

fn read_template(value: Value, kind: template::TemplateKind) -> Result<Template, Fault> {
    let text = text(value)?;
    if text.chars().count() > Template::MAX {
        return Err(Fault::new("too_long", format!("must have at most {} characters", Template::MAX)));
    }
    Template::parse(&text, kind).map_err(|error| Fault::new("invalid_format", error.to_string()))
}
