//! Members as JSON.

use crate::v1::{
    hours::WeekHours,
    keys::json::ScopeName,
    shares::{MemberShares, Names},
};
use countersign_core::{
    access::scope::Scope,
    acts::sending::PoolUse,
    people::{member, person::Identity},
    ports::directory::people::Standing,
};
use countersign_web::text_values;
use serde::Serialize;
use utoipa::ToSchema;

text_values! {
    /// `owner`: changes owners, and governs all keys. `subuser`: governs only keys of its own.
    MemberRole = ["owner", "subuser"];
}

/// A person in the tenant.
#[derive(Serialize, ToSchema)]
pub struct Member {
    /// Its id.
    #[schema(pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "mem_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The name of the person; null if this server cannot read it.
    #[schema(required = true, max_length = 64, example = "Anna Nowak")]
    name: Option<String>,
    /// The e-mail address of the person; null if this server cannot read it.
    #[schema(required = true, max_length = 254, example = "anna@example.com")]
    email: Option<String>,
    /// Whether it changes owners.
    #[schema(value_type = MemberRole, example = "subuser")]
    role: &'static str,
    /// The scopes that it and its keys have at most.
    #[schema(value_type = Vec<ScopeName>, example = json!(["verifications:start", "verifications:check"]))]
    permissions: Vec<&'static str>,
    /// The time zone of its hours, and of the month of its pool.
    #[schema(example = "Europe/Warsaw")]
    time_zone: String,
    /// When it may send; null: always.
    #[schema(required = true)]
    hours: Option<WeekHours>,
    /// What it may use.
    shares: MemberShares,
    /// The message parts that it may send in a month; null: without a bound.
    #[schema(required = true, minimum = 0, maximum = 1_000_000_000, example = 500)]
    pool: Option<u32>,
    /// The most parts of one message; null: without a bound.
    #[schema(required = true, minimum = 1, maximum = 255, example = 2)]
    most_parts: Option<u8>,
    /// While true, the server refuses its keys.
    disabled: bool,
    /// Whether the person signs in to the portal with a code, too.
    two_factor: bool,
    /// When the person was last active in the portal of this tenant; null: never, or longer ago than the server
    /// remembers.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    last_active_at: Option<String>,
    /// When it became a member.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

impl Member {
    pub fn new(
        member: &member::Member,
        (identity, standing): (Option<&Identity>, Option<&Standing>),
        names: &Names,
    ) -> Self {
        let limits = &member.limits;
        Self {
            id: member.id.to_string(),
            name: identity.map(|identity| identity.name.expose().to_owned()),
            email: identity.map(|identity| identity.email.expose().to_owned()),
            role: limits.role.as_str(),
            permissions: limits.permissions.iter().map(Scope::as_str).collect(),
            time_zone: limits.zone.to_string(),
            hours: WeekHours::of(&limits.hours),
            shares: names.shares(&limits.shares),
            pool: limits.pool,
            most_parts: limits.most_parts,
            disabled: member.disabled,
            two_factor: standing.is_some_and(|standing| standing.two_factor),
            last_active_at: standing.and_then(|standing| standing.last_active_at).map(|at| at.to_string()),
            created_at: member.created_at.to_string(),
        }
    }
}

/// The pool of a member in the present month. All fields are null if the member has no pool.
#[derive(Serialize, ToSchema)]
pub struct MemberPool {
    /// The message parts of a month.
    #[schema(required = true, minimum = 0, maximum = 1_000_000_000, example = 500)]
    pool: Option<u32>,
    /// The parts that were taken in this month. They are more than `pool` if it was lowered since.
    #[schema(required = true, minimum = 0, example = 120)]
    used: Option<u32>,
    /// When the month ends in the time zone of the member. Then `used` is 0 again.
    #[schema(required = true, format = DateTime, example = "2026-01-31T23:00:00.000Z")]
    until: Option<String>,
}

impl MemberPool {
    pub fn new(used: Option<PoolUse>) -> Self {
        Self {
            pool: used.map(|used| used.of),
            used: used.map(|used| used.used),
            until: used.map(|used| used.until.to_string()),
        }
    }
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub struct MemberPage {
    /// The members, newest first.
    #[schema(max_items = 100)]
    pub data: Vec<Member>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true, pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    pub next_cursor: Option<String>,
}
