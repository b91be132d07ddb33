//! Reads one verification, its timeline, and lists.

use crate::sql::{
    Kind::{Bytes, Int, Text},
    Row, Sql, Statement, Value,
};
use countersign_core::{
    access::actor::Who,
    history::query::{Filter, ListQuery, PastVerification},
    id::{ProfileId, RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::error::StoreError,
    time::Timestamp,
    verification::{
        event::{Event, EventKind},
        status::{Delivery, Status},
    },
};

const STATUSES: [Status; 6] =
    [Status::Pending, Status::Expired, Status::Failed, Status::Canceled, Status::Exhausted, Status::Approved];
const DELIVERIES: [Delivery; 4] =
    [Delivery::Queued, Delivery::Sent, Delivery::Delivered, Delivery::Undelivered];

pub(super) fn read_status(text: &str) -> Option<Status> {
    STATUSES.into_iter().find(|status| status.as_str() == text)
}

pub(super) fn read_delivery(row: &Row, index: usize) -> Result<Delivery, StoreError> {
    let place = usize::try_from(row.int(index)?).map_err(|_| row.corrupt())?;
    DELIVERIES.get(place).copied().ok_or_else(|| row.corrupt())
}

fn read_past(row: &Row) -> Result<PastVerification, StoreError> {
    let small = |index| u8::try_from(row.int(index)?).map_err(|_| row.corrupt());
    let bytes = |index: usize| match row.values().get(index) {
        Some(Value::Null) => Ok(None),
        _ => row.bytes(index).map(Some),
    };
    let number = bytes(2)?.map(|bytes| bytes.try_into().map(Fingerprint).map_err(|_| row.corrupt()));
    Ok(PastVerification {
        id: row.parsed(0, |text| text.parse().ok())?,
        profile: row.parsed(1, |text| text.parse().ok())?,
        number: number.transpose()?,
        contact: bytes(3)?.map(<[u8]>::to_vec),
        status: row.parsed(4, read_status)?,
        started_at: Timestamp::from_micros(row.int(5)?),
        expires_at: Timestamp::from_micros(row.int(6)?),
        ended_at: row.optional_int(7)?.map(Timestamp::from_micros),
        checks: small(8)?,
        max_checks: small(9)?,
        sends: small(10)?,
        max_sends: small(11)?,
        delivery: read_delivery(row, 12)?,
    })
}

fn key_values(key: RecordKey) -> Vec<Value> {
    vec![
        key.tenant.to_string().into(),
        key.mode.as_str().into(),
        key.id.to_string().into(),
        key.id.created_at().micros().into(),
    ]
}

pub(super) const SELECT_VERIFICATION: Statement = Statement {
    table: "verifications",
    text:
        "SELECT id, profile_id, number, contact, status, started_at, expires_at, ended_at, checks, max_checks,
            sends, max_sends, delivery
        FROM verifications
        WHERE tenant_id = $1 AND mode = $2 AND id = $3 AND created_at = $4 AND started_at IS NOT NULL",
    params: &[Text, Text, Text, Int],
};

pub(super) async fn read(sql: &Sql, key: RecordKey) -> Result<Option<PastVerification>, StoreError> {
    let rows = sql.query(&SELECT_VERIFICATION, key_values(key)).await?;
    rows.first().map(read_past).transpose()
}

pub(super) const SELECT_TIMELINE: Statement = Statement {
    table: "events",
    text: "SELECT events.id, events.at, events.body, events.who
        FROM verifications JOIN events ON events.verification_id = verifications.id
            AND events.created_at = verifications.created_at
        WHERE verifications.tenant_id = $1 AND verifications.mode = $2 AND verifications.id = $3
            AND verifications.created_at = $4 AND events.created_at = $4
        ORDER BY events.at, events.id LIMIT 1000",
    params: &[Text, Text, Text, Int],
};

pub(super) async fn timeline(sql: &Sql, key: RecordKey) -> Result<Vec<Event>, StoreError> {
    let read = |row: &Row| {
        let kind = EventKind::unpack(row.bytes(2)?).map_err(|_| row.corrupt())?;
        let id = row.parsed(0, |text| text.parse().ok())?;
        let who = row.optional_bytes(3)?.and_then(Who::unpack);
        Ok(Event { id, at: Timestamp::from_micros(row.int(1)?), kind, who })
    };
    sql.query(&SELECT_TIMELINE, key_values(key)).await?.iter().map(read).collect()
}

// Each list reads one range of an index that begins with tenant and mode. `id` alone would be enough for the
// lower bound, but the bound is a row value with the time. Without it, Postgres, which has no statistics of
// ids (`0010_history_weeks.sql`), would expect a very short range, and would sort the rows.

pub(super) const LIST_ALL: Statement = Statement {
    table: "verifications",
    text:
        "SELECT id, profile_id, number, contact, status, started_at, expires_at, ended_at, checks, max_checks,
            sends, max_sends, delivery
        FROM verifications
        WHERE tenant_id = $1 AND mode = $2 AND id < $3 AND created_at <= $4
            AND (id, created_at) >= ($5, $6) AND created_at >= $6 AND started_at IS NOT NULL
        ORDER BY id DESC LIMIT $7",
    params: &[Text, Text, Text, Int, Text, Int, Int],
};

/// A pending verification whose time is over is listed as expired only when its `expired` event has been
/// recorded.
pub(super) const LIST_BY_STATUS: Statement = Statement {
    table: "verifications",
    text:
        "SELECT id, profile_id, number, contact, status, started_at, expires_at, ended_at, checks, max_checks,
            sends, max_sends, delivery
        FROM verifications
        WHERE tenant_id = $1 AND mode = $2 AND status = $8 AND (status <> 'pending' OR expires_at > $9)
            AND id < $3 AND created_at <= $4 AND (id, created_at) >= ($5, $6) AND created_at >= $6
            AND started_at IS NOT NULL
        ORDER BY id DESC LIMIT $7",
    params: &[Text, Text, Text, Int, Text, Int, Int, Text, Int],
};

pub(super) const LIST_BY_PROFILE: Statement = Statement {
    table: "verifications",
    text:
        "SELECT id, profile_id, number, contact, status, started_at, expires_at, ended_at, checks, max_checks,
            sends, max_sends, delivery
        FROM verifications
        WHERE tenant_id = $1 AND mode = $2 AND profile_id = $8
            AND id < $3 AND created_at <= $4 AND (id, created_at) >= ($5, $6) AND created_at >= $6
            AND started_at IS NOT NULL
        ORDER BY id DESC LIMIT $7",
    params: &[Text, Text, Text, Int, Text, Int, Int, Text],
};

pub(super) const LIST_BY_PROFILE_AND_STATUS: Statement = Statement {
    table: "verifications",
    text:
        "SELECT id, profile_id, number, contact, status, started_at, expires_at, ended_at, checks, max_checks,
            sends, max_sends, delivery
        FROM verifications
        WHERE tenant_id = $1 AND mode = $2 AND profile_id = $10 AND status = $8
            AND (status <> 'pending' OR expires_at > $9)
            AND id < $3 AND created_at <= $4 AND (id, created_at) >= ($5, $6) AND created_at >= $6
            AND started_at IS NOT NULL
        ORDER BY id DESC LIMIT $7",
    params: &[Text, Text, Text, Int, Text, Int, Int, Text, Int, Text],
};

pub(super) const LIST_BY_NUMBER: Statement = Statement {
    table: "verifications",
    text:
        "SELECT id, profile_id, number, contact, status, started_at, expires_at, ended_at, checks, max_checks,
            sends, max_sends, delivery
        FROM verifications
        WHERE tenant_id = $1 AND mode = $2 AND number = $8
            AND id < $3 AND created_at <= $4 AND (id, created_at) >= ($5, $6) AND created_at >= $6
            AND started_at IS NOT NULL
        ORDER BY id DESC LIMIT $7",
    params: &[Text, Text, Text, Int, Text, Int, Int, Bytes],
};

/// The verifications of one number are few, so this filters the number's range by profile. The concatenation
/// keeps both engines from the index by profile, whose range may be long.
pub(super) const LIST_BY_NUMBER_AND_PROFILE: Statement = Statement {
    table: "verifications",
    text:
        "SELECT id, profile_id, number, contact, status, started_at, expires_at, ended_at, checks, max_checks,
            sends, max_sends, delivery
        FROM verifications
        WHERE tenant_id = $1 AND mode = $2 AND number = $8 AND profile_id || '' = $9
            AND id < $3 AND created_at <= $4 AND (id, created_at) >= ($5, $6) AND created_at >= $6
            AND started_at IS NOT NULL
        ORDER BY id DESC LIMIT $7",
    params: &[Text, Text, Text, Int, Text, Int, Int, Bytes, Text],
};

/// Lists of several profiles are merged from one list for each. A single statement for all of them would sort
/// every row of these profiles, or read the rows of all others too.
pub(super) async fn list(
    sql: &Sql,
    tenant: TenantId,
    mode: Mode,
    query: &ListQuery,
) -> Result<Vec<PastVerification>, StoreError> {
    let Some(profiles) = query.profiles.listed() else {
        return list_one(sql, span_values(tenant, mode, query, None), query, None).await;
    };
    let limit = usize::from(query.limit);
    let mut page: Vec<PastVerification> = Vec::new();
    for profile in profiles {
        // A full page needs nothing that is older than its last row.
        let floor = page.last().filter(|_| page.len() == limit).map(|last| last.id);
        let span = span_values(tenant, mode, query, floor);
        page.extend(list_one(sql, span, query, Some(*profile)).await?);
        page.sort_unstable_by_key(|one| std::cmp::Reverse(one.id));
        page.truncate(limit);
    }
    Ok(page)
}

/// Lists one profile, or all.
async fn list_one(
    sql: &Sql,
    span: Vec<Value>,
    query: &ListQuery,
    profile: Option<ProfileId>,
) -> Result<Vec<PastVerification>, StoreError> {
    let now = query.now.micros();
    let profile = profile.map(|profile| Value::from(profile.to_string()));
    let (statement, more): (_, Vec<Value>) = match (query.filter, &profile) {
        (Filter::All, None) => (&LIST_ALL, vec![]),
        (Filter::All, Some(_)) => (&LIST_BY_PROFILE, vec![]),
        (Filter::Status(status), None) => (&LIST_BY_STATUS, vec![status.as_str().into(), now.into()]),
        (Filter::Status(status), Some(_)) => {
            (&LIST_BY_PROFILE_AND_STATUS, vec![status.as_str().into(), now.into()])
        }
        (Filter::Number(number), None) => (&LIST_BY_NUMBER, vec![number.0.as_slice().into()]),
        (Filter::Number(number), Some(_)) => (&LIST_BY_NUMBER_AND_PROFILE, vec![number.0.as_slice().into()]),
    };
    // Each statement with a profile has it as its last parameter.
    let values = span.into_iter().chain(more).chain(profile).collect();
    sql.query(statement, values).await?.iter().map(read_past).collect()
}

/// The first seven parameters of each list: tenant, mode, range of ids, number of rows. The times of the ids
/// are parameters too, so that Postgres can skip partitions.
fn span_values(tenant: TenantId, mode: Mode, query: &ListQuery, floor: Option<VerificationId>) -> Vec<Value> {
    let before = query.created_before.map(VerificationId::floor);
    let end = [query.before, before].into_iter().flatten().min();
    let after = query.created_after.map(VerificationId::floor);
    let start = [after, floor].into_iter().flatten().max().unwrap_or(VerificationId::from_bytes([0; 16]));
    // A tilde sorts after every character of an id.
    let (end, end_at) = match end {
        Some(id) => (id.to_string(), id.created_at().micros()),
        None => (format!("{}~", VerificationId::PREFIX), i64::MAX),
    };
    vec![
        tenant.to_string().into(),
        mode.as_str().into(),
        end.into(),
        end_at.into(),
        start.to_string().into(),
        start.created_at().micros().into(),
        i64::from(query.limit).into(),
    ]
}
