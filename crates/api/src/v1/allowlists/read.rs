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
};
use serde_json::Value;

/// The body of a replacement: the list, and whether a lock-out is meant.
pub fn replace_request(mut fields: Fields) -> Result<(Allowlist, bool), Problem> {
    let entries = fields.required("entries", array);
    let list = entries.and_then(|entries| allowlist(&mut fields, "entries", entries));
    let confirmed = fields.optional("confirm", boolean).unwrap_or(false);
    fields.finish(list.map(|list| (list, confirmed)))
}

/// The list in the field `name`; each fault names its place, `entries[2].range`.
pub fn allowlist(fields: &mut Fields, name: &str, values: Vec<Value>) -> Option<Allowlist> {
    if values.len() > Allowlist::MOST {
        fields.fail(name, Fault::new("too_long", "must have at most 100 entries"));
        return None;
    }
    let (mut entries, mut places) = (Vec::new(), Vec::new());
    let count = values.len();
    for (place, value) in values.into_iter().enumerate() {
        if let Some(entry) = fields.nested(&format!("{name}[{place}]"), value, entry) {
            entries.push(entry);
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

fn entry(fields: &mut Fields) -> Option<Entry> {
    let range = fields.required("range", |value| {
        let message = "must be an address or a range in CIDR form, such as 203.0.113.0/24";
        parse_range(&text(value)?).ok_or(Fault::format(message))
    });
    let description = fields.optional("description", |value| {
        let message = "must be at most 100 characters, none of them a control character";
        Description::parse(&text(value)?).ok_or(Fault::format(message))
    });
    range.map(|range| Entry { range, description: description.unwrap_or_default() })
}

/// The query of a list of uses.
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
