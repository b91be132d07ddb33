//! Entries of the audit log as JSON.

use countersign_core::{audit::entry, time::Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry {
    /// Its id.
    #[schema(pattern = "^aud_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "aud_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The tenant of the chain.
    #[schema(pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "ten_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    tenant: String,
    /// Its number in the chain: 1, 2, 3 and so on, without a gap.
    #[schema(minimum = 1, example = 42)]
    n: i64,
    /// When it happened, to the microsecond, because the hash covers it.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000000Z")]
    at: String,
    /// Who did it: the id of a key, `operator` or `system`.
    #[schema(example = "key_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    actor: String,
    /// On whose behalf; null for one's own.
    #[schema(required = true, example = json!(null))]
    acting_for: Option<String>,
    /// The address that the request came from; null for commands and jobs.
    #[schema(required = true, example = "203.0.113.7")]
    address: Option<String>,
    /// The `X-Request-Id` of the request; null for commands and jobs.
    #[schema(required = true, example = "req_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    request: Option<String>,
    /// What was done; later releases may add acts.
    #[schema(example = "key.update")]
    action: String,
    /// The id or the name of what was changed.
    #[schema(example = "key_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    object: String,
    /// Its state before; null if it did not exist.
    #[schema(required = true, value_type = Option<Object>, example = json!({"disabled": false}))]
    before: Option<Value>,
    /// Its state after; null if it no longer exists.
    #[schema(required = true, value_type = Option<Object>, example = json!({"disabled": true}))]
    after: Option<Value>,
    /// SHA-256 of the former entry's hash and this entry, in hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
}

impl From<entry::Entry> for AuditEntry {
    fn from(entry: entry::Entry) -> Self {
        let state = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        Self {
            id: entry.id().to_string(),
            hash: entry.hash_text(),
            tenant: entry.tenant.to_string(),
            n: entry.n,
            at: micros(entry.at),
            actor: entry.author.actor,
            acting_for: entry.author.acting_for,
            address: entry.address,
            request: entry.request,
            action: entry.action,
            object: entry.object,
            before: state(entry.before),
            after: state(entry.after),
        }
    }
}

/// RFC 3339, UTC, microseconds.
fn micros(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.6}")
}

/// The line of an entry in an export.
pub fn line(entry: entry::Entry) -> String {
    let mut line = serde_json::to_string(&AuditEntry::from(entry)).unwrap_or_default();
    line.push('\n');
    line
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditPage {
    /// The entries, newest first.
    #[schema(max_items = 100)]
    data: Vec<AuditEntry>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true, pattern = "^[1-9][0-9]{0,15}$")]
    next_cursor: Option<String>,
}

impl AuditPage {
    /// Makes a page of at most `limit` entries. `found` may contain one more, which only shows that another
    /// page follows.
    pub fn new(mut found: Vec<entry::Entry>, limit: u16) -> Self {
        let limit = usize::from(limit);
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(|last| last.n.to_string());
        Self { data: found.into_iter().map(AuditEntry::from).collect(), next_cursor }
    }
}
