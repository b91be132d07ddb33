//! Templates as JSON.

use countersign_core::{
    locale::Locale,
    management::templates::Dated,
    message::{
        sms::Segments,
        template::{
            self,
            shipped::{shipped, shipped_locales},
        },
    },
};
use countersign_web::text_values;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{
    ToSchema,
    openapi::{
        Object, Type,
        schema::{ObjectBuilder, SchemaType},
    },
};

/// The schema of texts by locale. `types` says whether the object or a text may be null.
fn texts(object: &[Type], text: &[Type], example: &str) -> Object {
    let types = |types: &[Type]| SchemaType::from_iter(types.iter().cloned());
    let locale = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$"))
        .max_length(Some(11))
        .build();
    let text = ObjectBuilder::new().schema_type(types(text)).min_length(Some(6)).max_length(Some(500));
    ObjectBuilder::new()
        .schema_type(types(object))
        .property_names(Some(locale))
        .max_properties(Some(50))
        .additional_properties(Some(text))
        .examples([serde_json::json!({ "en": example })])
        .build()
}

const PLAIN: &str = "{code} is your {company} code, for {minutes} minutes.";
const TRANSACTION: &str = "{company}: {code} to pay {amount} {currency} to {payee}.";
const NULLABLE: [Type; 2] = [Type::Object, Type::Null];

fn plain_texts() -> Object {
    texts(&[Type::Object], &[Type::String], PLAIN)
}

fn transaction_texts() -> Object {
    texts(&[Type::Object], &[Type::String], TRANSACTION)
}

pub fn new_plain_texts() -> Object {
    texts(&NULLABLE, &[Type::String], PLAIN)
}

pub fn new_transaction_texts() -> Object {
    texts(&NULLABLE, &[Type::String], TRANSACTION)
}

pub fn plain_patch() -> Object {
    texts(&NULLABLE, &[Type::String, Type::Null], PLAIN)
}

pub fn transaction_patch() -> Object {
    texts(&NULLABLE, &[Type::String, Type::Null], TRANSACTION)
}

/// The texts of messages.
#[derive(Serialize, ToSchema)]
pub struct Template {
    /// Its id.
    #[schema(pattern = "^tpl_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "tpl_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "login")]
    name: String,
    /// Texts by locale.
    #[schema(schema_with = plain_texts)]
    texts: BTreeMap<String, String>,
    /// Texts about transactions by locale.
    #[schema(schema_with = transaction_texts)]
    transaction_texts: BTreeMap<String, String>,
    /// Whether the server replaces letters outside the GSM alphabet if it can.
    transliterate: bool,
    /// The number of the version, from 1. Each change adds 1.
    #[schema(minimum = 1, example = 1)]
    version: u32,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    updated_at: String,
}

impl From<Dated> for Template {
    fn from((set, created_at, updated_at): Dated) -> Self {
        let texts = |texts: &BTreeMap<Locale, template::Template>| {
            texts.iter().map(|(locale, text)| (locale.to_string(), text.source().to_owned())).collect()
        };
        Self {
            id: set.id.to_string(),
            name: set.name.as_str().to_owned(),
            texts: texts(&set.texts),
            transaction_texts: texts(&set.transaction_texts),
            transliterate: set.transliterate,
            version: set.version,
            created_at: created_at.to_string(),
            updated_at: updated_at.to_string(),
        }
    }
}

/// The templates of the tenant.
#[derive(Serialize, ToSchema)]
pub struct TemplateList {
    /// Oldest first.
    #[schema(max_items = 100)]
    pub data: Vec<Template>,
}

/// The texts of one language that come with the program.
#[derive(Serialize, ToSchema)]
pub struct DefaultTexts {
    /// The language.
    #[schema(example = "en")]
    locale: String,
    /// The text.
    #[schema(example = "{code} is your {company} code. Don't share it.")]
    text: &'static str,
    /// The text about a transaction.
    #[schema(example = "{company}: {code} to pay {amount} {currency} to {payee}. Don't share it.")]
    transaction_text: &'static str,
}

/// The texts that come with the program.
#[derive(Serialize, ToSchema)]
#[schema(as = DefaultTextsList)]
pub struct ShippedList {
    /// Sorted by language.
    data: Vec<DefaultTexts>,
}

impl Default for ShippedList {
    fn default() -> Self {
        let one = |locale: &Locale| {
            Some(DefaultTexts {
                locale: locale.to_string(),
                text: shipped(locale, template::TemplateKind::Plain)?.source(),
                transaction_text: shipped(locale, template::TemplateKind::Transaction)?.source(),
            })
        };
        Self { data: shipped_locales().filter_map(one).collect() }
    }
}

text_values! {
    /// What a text is for.
    TemplateKind = ["plain", "transaction"];
}

text_values! {
    /// The encoding of a message. `gsm7`: 160 units in one message, 153 in each part of a longer one. `ucs2`:
    /// 70 and 67.
    Encoding = ["gsm7", "ucs2"];
}

/// A text and its length in messages.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageText)]
pub struct Text {
    /// The whole text.
    #[schema(example = "123456 is your Acme code.")]
    text: String,
    /// The encoding of the text.
    #[schema(value_type = Encoding, example = "gsm7")]
    encoding: &'static str,
    /// The length of the text, in septets or UTF-16 units.
    #[schema(example = 25)]
    units: usize,
    /// The number of messages that you pay for.
    #[schema(minimum = 1, example = 1)]
    segments: usize,
}

impl Text {
    pub fn new(text: String, counted: Segments) -> Self {
        Self { text, encoding: counted.encoding.as_str(), units: counted.units, segments: counted.parts }
    }
}
