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
    request,
    request::{optional, required},
};
use serde_json::Value;

const STATUSES: [Status; 6] =
    [Status::Pending, Status::Approved, Status::Canceled, Status::Expired, Status::Exhausted, Status::Failed];

/// Reads the query of a list.
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

request! {
    /// A number whose verifications to list.
    pub struct SearchVerifications(mode: Mode) {
        /// The number.
        #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
        to: PhoneNumber as String = required(|value| number(value, mode)),
        /// The `next_cursor` of the previous page.
        #[schema(pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
        cursor: Option<VerificationId> as Option<String> = optional(cursor),
        /// Verifications on a page; 20 when absent.
        #[schema(minimum = 1, maximum = 100, example = 20)]
        limit: Option<u32> as Option<u8> = optional(whole(1..=100)),
    }
}

request! {
    /// Erases a number.
    pub struct EraseNumber(mode: Mode) {
        /// The number.
        #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
        to: PhoneNumber as String = required(|value| number(value, mode)),
    }
}

fn time(value: Value) -> Result<Timestamp, Fault> {
    parse_time(&text(value)?)
}

fn cursor(value: Value) -> Result<VerificationId, Fault> {
    text(value)?.parse().map_err(|_| Fault::format("must be the next_cursor of a page"))
}
