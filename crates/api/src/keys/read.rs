//! Reads the bodies and the query of the key operations.

use crate::{
    fields::{Fault, Fields, PAGE, boolean, page_limit, text},
    problem::Problem,
    time::parse_time,
};
use countersign_core::{
    id::KeyId,
    key::Mode,
    keys::{CreateKey, KeyName},
    ports::KeyChange,
    scope::{Scope, Scopes},
    time::Timestamp,
};
use serde_json::Value;

/// The body of a create.
pub fn create_request(mut fields: Fields) -> Result<CreateKey, Problem> {
    let name = fields.required("name", name);
    let mode = fields
        .optional("mode", |value| Mode::parse(&text(value)?).ok_or(Fault::format("must be live or test")));
    let scopes = fields.required("scopes", scopes);
    let expires_at = fields.optional("expires_at", time);
    let request = name.zip(scopes).map(|(name, scopes)| CreateKey {
        name,
        mode: mode.unwrap_or(Mode::Live),
        scopes,
        expires_at,
    });
    fields.finish(request)
}

/// The body of a change.
pub fn update_request(mut fields: Fields) -> Result<KeyChange, Problem> {
    let change = KeyChange {
        name: fields.given("name", name).map(KeyName::into_string),
        disabled: fields.given("disabled", boolean),
        expires_at: fields.given_or_null("expires_at", time),
    };
    fields.finish(Some(change))
}

/// Which page of a list.
pub struct Page {
    /// Keys on it.
    pub limit: u16,
    /// Only those older than this one.
    pub before: Option<KeyId>,
}

/// The query of a list.
pub fn page(mut fields: Fields) -> Result<Page, Problem> {
    let limit = fields.given("limit", page_limit);
    let before = fields.given("cursor", |value| {
        text(value)?.parse().map_err(|_| Fault::format("must be the next_cursor of a page"))
    });
    fields.finish(Some(Page { limit: limit.unwrap_or(PAGE), before }))
}

fn name(value: Value) -> Result<KeyName, Fault> {
    let text = text(value)?;
    let fault = || Fault::format("must be 1 to 64 characters, none of them a control character");
    KeyName::parse(&text).ok_or_else(fault)
}

fn scopes(value: Value) -> Result<Scopes, Fault> {
    let Value::Array(values) = value else {
        return Err(Fault::new("wrong_type", "must be an array of scopes"));
    };
    let unknown = || Fault::format("must hold only known scopes");
    let scopes = values.into_iter().map(|value| Scope::parse(&text(value)?).ok_or_else(unknown));
    let scopes: Scopes = scopes.collect::<Result<_, Fault>>()?;
    if scopes.is_empty() {
        Err(Fault::new("out_of_range", "must hold at least one scope"))
    } else {
        Ok(scopes)
    }
}

/// A time that has passed is accepted: whoever sets it ends the key now.
fn time(value: Value) -> Result<Timestamp, Fault> {
    parse_time(&text(value)?)
}
