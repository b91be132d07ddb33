//! Reads the bodies and the query of the allowlist operations.

use countersign_core::{
    access::{
        allowlist::{Allowlist, Description, EntriesError, Entry, parse_range},
        usage::{UsePage, UsePosition},
    },
    time::Timestamp,
};
use countersign_web::{
    fields::{Fields, array, boolean, page_limit, text},
    problem::{Fault, Problem},
    request,
    request::{optional, required},
};
use ipnet::IpNet;
use serde_json::Value;

request! {
    /// A range of addresses to admit.
    #[schema(as = NewAllowlistEntry)]
    pub struct NewEntry {
        /// An address or a range in CIDR form, IPv4 or IPv6. The server cuts off host bits, and reads an
        /// IPv4-mapped range as the IPv4 range.
        #[schema(max_length = 49, example = "203.0.113.0/24")]
        range: IpNet as String = required(range),
        /// What the entry is for; no control characters.
        #[schema(max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "Office")]
        description: Option<Description> as Option<String> = optional(description),
    }
}

request! {
    /// Replaces an allowlist.
    pub struct ReplaceAllowlist {
        /// The new entries, each range once; an empty list admits every address.
        #[schema(max_items = 100)]
        entries: Allowlist as Vec<NewEntry> = |fields, field| {
            let entries = fields.required(field, array)?;
            allowlist(fields, field, entries)
        },
        /// Replace it even if it does not admit the address of this call.
        confirm: Option<bool> = optional(boolean),
    }
}

/// Reads the list in the field `name`. Each error names its place, such as `entries[2].range`.
pub fn allowlist(fields: &mut Fields, name: &str, values: Vec<Value>) -> Option<Allowlist> {
    if values.len() > Allowlist::MOST {
        fields.fail(name, Fault::new("too_long", "must have at most 100 entries"));
        return None;
    }
    let (mut entries, mut places) = (Vec::new(), Vec::new());
    let count = values.len();
    for (place, value) in values.into_iter().enumerate() {
        let read = fields.nested(&format!("{name}[{place}]"), value, NewEntry::read);
        if let Some(NewEntry { range, description }) = read {
            entries.push(Entry { range, description: description.unwrap_or_default() });
            places.push(place);
        }
    }
    let whole = entries.len() == count;
    match Allowlist::new(entries) {
        Ok(list) => whole.then_some(list),
        Err(EntriesError::Duplicates(twice)) => {
            for place in twice.iter().filter_map(|index| places.get(*index)) {
                let fault = Fault::new("duplicate", "stands in the list before");
                fields.fail(&format!("{name}[{place}].range"), fault);
            }
            None
        }
        Err(EntriesError::TooMany) => None,
    }
}

fn range(value: Value) -> Result<IpNet, Fault> {
    let message = "must be an address or a range in CIDR form, such as 203.0.113.0/24";
    parse_range(&text(value)?).ok_or(Fault::format(message))
}

fn description(value: Value) -> Result<Description, Fault> {
    let message = "must be at most 100 characters, none of them a control character";
    Description::parse(&text(value)?).ok_or(Fault::format(message))
}

/// Reads the query of a list of uses.
pub fn usage_page(mut fields: Fields) -> Result<UsePage, Problem> {
    let key = fields.given("key", |value| {
        text(value)?.parse().map_err(|_| Fault::format("must be the id of a key, key_..."))
    });
    let limit = fields.given("limit", page_limit);
    let after = fields.given("cursor", |value| {
        cursor(&text(value)?).ok_or(Fault::format("must be the next_cursor of a page"))
    });
    fields.finish(Some(UsePage { key, after, limit: limit.unwrap_or(20) }))
}

fn cursor(text: &str) -> Option<UsePosition> {
    let (micros, rest) = text.split_once('.')?;
    let (key, address) = rest.split_once('.')?;
    Some(UsePosition {
        last_used_at: Timestamp::from_micros(micros.parse().ok()?),
        key: key.parse().ok()?,
        address: address.parse().ok()?,
    })
}
