//! Allowlists and uses as JSON.

use countersign_core::access::{
    allowlist,
    usage::{AddressUse, UsePosition},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A range of addresses.
#[derive(Serialize, ToSchema)]
pub struct AllowlistEntry {
    /// The range, without host bits.
    #[schema(example = "203.0.113.0/24")]
    range: String,
    /// What the entry is for.
    #[schema(max_length = 100, example = "Office")]
    description: String,
}

pub fn entries(list: &allowlist::Allowlist) -> Vec<AllowlistEntry> {
    let entry = |entry: &allowlist::Entry| AllowlistEntry {
        range: entry.range.to_string(),
        description: entry.description.as_str().to_owned(),
    };
    list.entries().iter().map(entry).collect()
}

/// An allowlist.
#[derive(Serialize, ToSchema)]
pub struct Allowlist {
    /// The entries; an empty list admits every address.
    #[schema(max_items = 100)]
    entries: Vec<AllowlistEntry>,
}

impl Allowlist {
    pub fn new(list: &allowlist::Allowlist) -> Self {
        Self { entries: entries(list) }
    }
}

/// How often one key was used from one address.
#[derive(Serialize, ToSchema)]
#[schema(as = AddressUse)]
pub struct AddressUseBody {
    /// The key. It may have been deleted since.
    #[schema(pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "key_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    key: String,
    /// The caller's address.
    #[schema(format = "ip", example = "203.0.113.7")]
    address: String,
    /// How often the key was accepted from this address.
    #[schema(minimum = 0, example = 42)]
    uses: u64,
    /// How often an allowlist refused the key at this address.
    #[schema(minimum = 0, example = 0)]
    refused: u64,
    /// The time of the first use.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    first_used_at: String,
    /// The time of the last use.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    last_used_at: String,
    /// Whether the present allowlists admit the address; false if the key was deleted.
    allowed: bool,
}

/// A page of uses.
#[derive(Serialize, ToSchema)]
#[schema(as = AddressUsePage)]
pub struct UsePage {
    /// The uses, newest first.
    #[schema(max_items = 100)]
    data: Vec<AddressUseBody>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl UsePage {
    /// Makes a page of at most `limit` uses. `uses` may contain one more, which only shows that another page
    /// follows.
    pub fn new(mut uses: Vec<(AddressUse, bool)>, limit: u16) -> Self {
        let limit = usize::from(limit);
        let more = uses.len() > limit;
        uses.truncate(limit);
        let next_cursor = uses.last().filter(|_| more).map(|(one, _)| {
            let &AddressUse { last_used_at, key, address, .. } = one;
            write_cursor(UsePosition { last_used_at, key, address })
        });
        let body = |(one, allowed): (AddressUse, bool)| AddressUseBody {
            key: one.key.to_string(),
            address: one.address.to_string(),
            uses: one.uses,
            refused: one.refused,
            first_used_at: one.first_used_at.to_string(),
            last_used_at: one.last_used_at.to_string(),
            allowed,
        };
        Self { data: uses.into_iter().map(body).collect(), next_cursor }
    }
}

fn write_cursor(UsePosition { last_used_at, key, address }: UsePosition) -> String {
    format!("{}.{key}.{address}", last_used_at.micros())
}
