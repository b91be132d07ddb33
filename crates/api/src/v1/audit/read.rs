//! Reads the queries of the audit operations.

use crate::http::time::parse_time;
use countersign_core::{ports::directory::audit::AuditFilter, time::Timestamp};
use countersign_web::{
    fields::{Fields, PAGE, page_limit, text},
    problem::{Fault, Problem},
};
use serde_json::Value;

/// The query of a list.
pub struct ListRequest {
    pub filter: AuditFilter,
    /// Only entries with a lower number.
    pub before: Option<i64>,
    pub limit: u16,
}

pub fn list_request(mut fields: Fields) -> Result<ListRequest, Problem> {
    let request = ListRequest {
        filter: AuditFilter {
            actor: fields.given("actor", actor),
            object: fields.given("object", object),
            action: fields.given("action", action),
            from: fields.given("from", time),
            until: fields.given("until", time),
        },
        before: fields.given("cursor", number),
        limit: fields.given("limit", page_limit).unwrap_or(PAGE),
    };
    fields.finish(Some(request))
}

/// Reads the two times between which an export lies.
pub fn export_request(mut fields: Fields) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let times = (fields.given("from", time), fields.given("until", time));
    fields.finish(Some(times))
}

fn actor(value: Value) -> Result<String, Fault> {
    let name = text(value)?;
    let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(is_sign);
    if fits { Ok(name) } else { Err(Fault::format("must be the id of a key, operator or system")) }
}

fn object(value: Value) -> Result<String, Fault> {
    let name = text(value)?;
    let fits = (1..=256).contains(&name.len()) && name.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if fits { Ok(name) } else { Err(Fault::format("must be an id or a name")) }
}

fn action(value: Value) -> Result<String, Fault> {
    let name = text(value)?;
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let fits = name.len() <= 64 && name.split('.').all(is_word);
    if fits { Ok(name) } else { Err(Fault::format("must be an act such as key.create, or its first word")) }
}

fn time(value: Value) -> Result<Timestamp, Fault> {
    parse_time(&text(value)?)
}

fn number(value: Value) -> Result<i64, Fault> {
    let digits = text(value)?;
    let fits = digits.len() <= 16 && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    let number = fits.then(|| digits.parse().ok()).flatten();
    number.ok_or(Fault::format("must be the next_cursor of a page"))
}
