//! Reads the bodies and the query of the key operations.

use crate::{http::time::parse_time, v1::allowlists::allowlist as read_allowlist};
use countersign_core::{
    access::scope::{Scope, Scopes},
    id::KeyId,
    management::{
        key_rotation::{MOST_OVERLAP, OVERLAP},
        keys::{CreateKey, KeyName, UpdateKey},
    },
    mode::Mode,
    ports::directory::KeyChange,
    time::Timestamp,
};
use countersign_web::{
    fields::{Fields, PAGE, array, boolean, page_limit, text, whole},
    problem::{Fault, Problem},
};
use serde_json::Value;
use std::time::Duration;

/// The body of a create.
pub fn create_request(mut fields: Fields) -> Result<CreateKey, Problem> {
    let name = fields.required("name", name);
    let mode = fields
        .optional("mode", |value| Mode::parse(&text(value)?).ok_or(Fault::format("must be live or test")));
    let scopes = fields.required("scopes", scopes);
    let expires_at = fields.optional("expires_at", time);
    let allowlist = fields.optional("allowlist", array);
    let allowlist = allowlist.map(|entries| read_allowlist(&mut fields, "allowlist", entries));
    let request = name.zip(scopes).map(|(name, scopes)| CreateKey {
        name,
        mode: mode.unwrap_or(Mode::Live),
        scopes,
        expires_at,
        allowlist: allowlist.flatten().unwrap_or_default(),
    });
    fields.finish(request)
}

/// The body of a change.
pub fn update_request(mut fields: Fields) -> Result<UpdateKey, Problem> {
    let allowlist = fields.given_or_null("allowlist", array);
    let allowlist = allowlist.map(|entries| {
        read_allowlist(&mut fields, "allowlist", entries.unwrap_or_default()).unwrap_or_default()
    });
    let change = KeyChange {
        name: fields.given("name", name).map(KeyName::into_string),
        disabled: fields.given("disabled", boolean),
        expires_at: fields.given_or_null("expires_at", time),
        allowlist,
    };
    let confirmed = fields.given("confirm", boolean).unwrap_or(false);
    fields.finish(Some(UpdateKey { change, confirmed }))
}

/// The body of a rotation: how long both keys are accepted.
pub fn rotate_request(mut fields: Fields) -> Result<Duration, Problem> {
    let overlap = fields.optional("overlap", whole(0..=MOST_OVERLAP.as_secs() as u32));
    fields.finish(Some(overlap.map_or(OVERLAP, |seconds| Duration::from_secs(seconds.into()))))
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
