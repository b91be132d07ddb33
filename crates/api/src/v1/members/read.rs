//! Reads the bodies of the member operations.

use super::json::MemberRole;
use crate::v1::{
    hours::{WeekHours, week},
    keys::{json::ScopeName, read::scopes_of_list},
    shares::{AskedShares, FoundShares},
};
use countersign_core::{
    access::scope::Scopes,
    management::members::{LimitsChange, MemberChange},
    people::{
        hours::{Hours, Zone},
        member::Role,
    },
};
use countersign_web::{
    fields::{Fields, boolean, text, whole},
    problem::Fault,
    request,
    request::{given, given_or_null},
};
use serde_json::Value;

/// The largest pool, in message parts a month.
const MOST_POOL: u32 = 1_000_000_000;

request! {
    /// Changes a member. Absent fields stay as they are.
    pub struct UpdateMember {
        /// Whether it changes owners.
        #[schema(nullable = false)]
        role: Option<Role> as Option<MemberRole> = given(role),
        /// The scopes that it and its keys have at most.
        #[schema(nullable = false, example = json!(["verifications:start", "verifications:check"]))]
        permissions: Option<Scopes> as Option<Vec<ScopeName>> = given(scopes_of_list),
        /// The time zone of its hours, and of the month of its pool.
        #[schema(nullable = false, max_length = 64, example = "Europe/Warsaw")]
        time_zone: Option<Zone> as Option<String> = given(zone),
        /// When it may send. This replaces all days: a day that is left out is closed. Null: always.
        hours: Option<Option<Hours>> as Option<WeekHours> = hours,
        /// What it may use.
        #[schema(nullable = false)]
        shares: Option<AskedShares> = shares,
        /// The message parts that it may send in a month; null: without a bound.
        #[schema(minimum = 0, maximum = 1_000_000_000, example = 500)]
        pool: Option<Option<u32>> as Option<u32> = given_or_null(pool),
        /// The most parts of one message; null: without a bound.
        #[schema(minimum = 1, maximum = 255, example = 2)]
        most_parts: Option<Option<u8>> as Option<u8> = given_or_null(parts),
        /// While true, the server refuses its keys.
        #[schema(nullable = false, example = false)]
        disabled: Option<bool> = given(boolean),
    }
}

impl UpdateMember {
    /// The change, with the shares that were found.
    pub fn change(self, shares: FoundShares) -> MemberChange {
        let FoundShares { senders, templates, profiles, groups } = shares;
        let limits = LimitsChange {
            role: self.role,
            permissions: self.permissions,
            zone: self.time_zone,
            hours: self.hours.map(|hours| hours.unwrap_or(Hours::ALWAYS)),
            senders,
            templates,
            profiles,
            groups,
            pool: self.pool,
            most_parts: self.most_parts,
        };
        MemberChange { limits, disabled: self.disabled }
    }
}

pub fn role(value: Value) -> Result<Role, Fault> {
    Role::parse(&text(value)?).ok_or(Fault::format("must be owner or subuser"))
}

pub fn zone(value: Value) -> Result<Zone, Fault> {
    Zone::parse(&text(value)?).ok_or(Fault::format("must be a time zone such as Europe/Warsaw"))
}

pub fn parts(value: Value) -> Result<u8, Fault> {
    whole(1..=u8::MAX.into())(value).map(|number| number as u8)
}

pub fn pool(value: Value) -> Result<u32, Fault> {
    whole(0..=MOST_POOL)(value)
}

/// Reads an object of hours; null means always.
pub fn hours(fields: &mut Fields, field: &str) -> Option<Option<Option<Hours>>> {
    match fields.given_or_null(field, Ok) {
        None => Some(None),
        Some(None) => Some(Some(None)),
        Some(Some(value)) => fields.nested(field, value, week).map(|hours| Some(Some(hours))),
    }
}

/// Reads an object of shares.
pub fn shares(fields: &mut Fields, field: &str) -> Option<Option<AskedShares>> {
    match fields.given(field, Ok) {
        None => Some(None),
        Some(value) => fields.nested(field, value, AskedShares::read).map(Some),
    }
}
