//! Reads the bodies and queries of the history operations.

use crate::http::{
    time::parse_time,
    values::{number, profile_name},
};
use countersign_core::{
    acts::history::list::ListRequest, id::VerificationId, mode::Mode, phone::PhoneNumber, time::Timestamp,
    verification::status::Status,
};
use countersign_web::{
    fields::{Fields, PAGE, page_limit, text, whole},
    problem::{Fault, Problem},
};
use serde_json::Value;

const STATUSES: [Status; 6] =
    [Status::Pending, Status::Approved, Status::Canceled, Status::Expired, Status::Exhausted, Status::Failed];

/// The query of a list.
pub fn list_request(mut fields: Fields) -> Result<ListRequest, Problem> {
    let request = ListRequest {
        profile: fields.given("profile", profile_name),
        status: fields.given("status", |value| {
            let name = text(value)?;
            let status = STATUSES.into_iter().find(|status| status.as_str() == name);
            status.ok_or(Fault::format("must be the status of a verification"))
        }),
        created_after: fields.given("created_after", time),
        created_before: fields.given("created_before", time),
        before: fields.given("cursor", cursor),
        limit: fields.given("limit", page_limit).unwrap_or(PAGE),
    };
    fields.finish(Some(request))
}

/// A search by number.
pub struct Search {
    /// The number.
    pub to: PhoneNumber,
    /// Only those older than this one.
    pub before: Option<VerificationId>,
    /// Most of them.
    pub limit: u16,
}

/// The body of a search.
pub fn search_request(mut fields: Fields, mode: Mode) -> Result<Search, Problem> {
    let to = fields.required("to", |value| number(value, mode));
    let before = fields.optional("cursor", cursor);
    let limit = fields.optional("limit", whole(1..=100)).map_or(PAGE, |limit| limit as u16);
    fields.finish(to.map(|to| Search { to, before, limit }))
}

/// The body of an erasure.
pub fn erase_request(mut fields: Fields, mode: Mode) -> Result<PhoneNumber, Problem> {
    let to = fields.required("to", |value| number(value, mode));
    fields.finish(to)
}

fn time(value: Value) -> Result<Timestamp, Fault> {
    parse_time(&text(value)?)
}

fn cursor(value: Value) -> Result<VerificationId, Fault> {
    text(value)?.parse().map_err(|_| Fault::format("must be the next_cursor of a page"))
}
