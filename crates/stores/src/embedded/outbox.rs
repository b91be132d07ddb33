//! The outbox: messages that wait for a provider or for their receipt. If a receipt does not come in time,
//! the message waits for another provider.

use super::records::{append_event, load};
use crate::sqlite::sqlite_error;
use countersign_core::{
    delivery::places::Places,
    id::{EventId, MessageId, RecordKey, TenantId},
    ports::{codes::outbox::Claim, error::StoreError},
    time::Timestamp,
    verification::{
        event::EventKind,
        settlement::Phase,
        status::{DropReason, Status},
    },
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::{ops::Range, time::Duration};

/// Adds a message, which the next claim will find.
pub fn queue(
    connection: &Connection,
    key: RecordKey,
    message: MessageId,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO due (message, at, partition, key, attempt, phase) VALUES (?1, ?2, ?3, ?4, 0, 0)",
        )
        .and_then(|mut insert| {
            insert.execute(params![message.bytes(), now.micros(), key.id.partition(), key.bytes()])
        })
        .map(drop)
        .map_err(sqlite_error)
}

/// Whether a message is due.
pub fn anything_due(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM due WHERE at <= ?1)")
        .and_then(|mut select| select.query_row([now.micros()], |row| row.get(0)))
        .map_err(sqlite_error)
}

/// The number of waiting messages, due or not. Messages that wait only for a receipt are not counted.
pub fn waiting(connection: &Connection) -> Result<u64, StoreError> {
    connection
        .prepare_cached("SELECT count(*) FROM due WHERE phase < 3")
        .and_then(|mut select| select.query_row([], |row| row.get::<_, i64>(0)))
        .map(i64::unsigned_abs)
        .map_err(sqlite_error)
}

struct Due {
    message: MessageId,
    at: Timestamp,
    key: Vec<u8>,
    attempt: u32,
    phase: u8,
}

impl Due {
    /// Reads the columns message, at, key, attempt, phase.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            message: MessageId::from_bytes(row.get(0)?),
            at: Timestamp::from_micros(row.get(1)?),
            key: row.get(2)?,
            attempt: row.get::<_, i32>(3)?.unsigned_abs(),
            phase: row.get(4)?,
        })
    }

    /// The tenant, which is the first part of the key.
    fn tenant(&self) -> Option<TenantId> {
        self.key.first_chunk().copied().map(TenantId::from_bytes)
    }
}

/// The maximum number of rows that one claim looks at, so that it does not delay other operations.
const MOST_LOOKS: usize = 500;

/// The parameters of a claim.
pub struct Claiming {
    pub partitions: Range<u16>,
    pub lease: Duration,
    pub places: Places,
    pub now: Timestamp,
}

/// The result of a claim.
pub struct Claimed {
    pub claims: Vec<Claim>,
    /// The tenant after which the next claim begins.
    pub after: Option<TenantId>,
    /// Whether the claim stopped before it had seen everything that it may take.
    pub more: bool,
}

/// Takes due messages and holds them until `now + lease`. It takes one from each tenant in turn, beginning
/// after `after`.
pub fn claim(
    connection: &Connection,
    mut claiming: Claiming,
    after: Option<TenantId>,
) -> Result<Claimed, StoreError> {
    let mut claims = Vec::new();
    // Usually there is room for all due messages.
    if let Some(all) = select_all(connection, &claiming)? {
        for due in all {
            claims.extend(claim_or_postpone(connection, &due, &claiming)?);
        }
        return Ok(Claimed { claims, after, more: false });
    }
    let (mut after, mut wrapped, mut found) = (after, after.is_none(), false);
    let mut more = true;
    for _ in 0..MOST_LOOKS {
        if claiming.places.most == 0 {
            more = false;
            break;
        }
        let Some(due) = select_next(connection, &claiming.partitions, after)? else {
            if wrapped && !found {
                more = false;
                break;
            }
            (after, wrapped, found) = (None, true, false);
            continue;
        };
        let Some(tenant) = due.tenant() else { break };
        after = Some(tenant);
        if due.at > claiming.now || claiming.places.room(tenant) == 0 {
            continue;
        }
        found = true;
        if let Some(claim) = claim_or_postpone(connection, &due, &claiming)? {
            claiming.places.take(tenant);
            claims.push(claim);
        }
    }
    Ok(Claimed { claims, after, more })
}

fn claim_or_postpone(
    connection: &Connection,
    due: &Due,
    claiming: &Claiming,
) -> Result<Option<Claim>, StoreError> {
    let Claiming { lease, now, .. } = *claiming;
    match claim_one(connection, due, lease, now) {
        // One unreadable record must not delay the messages of others.
        Err(error @ StoreError::Corrupt { .. }) => {
            tracing::error!(message.id = %due.message, error = %error, "A message waits: its record cannot be read");
            postpone(connection, due.message, now + lease, due.phase)?;
            Ok(None)
        }
        claimed => claimed,
    }
}

fn claim_one(
    connection: &Connection,
    due: &Due,
    lease: Duration,
    now: Timestamp,
) -> Result<Option<Claim>, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "due", id: due.message.to_string() };
    let key = RecordKey::from_bytes(&due.key).ok_or_else(corrupt)?;
    let phase = Phase::from_number(due.phase).ok_or_else(corrupt)?;
    let Some(record) = load(connection, key, now)? else {
        remove(connection, due.message)?;
        return Ok(None);
    };
    let over = record.status(now) != Status::Pending;
    if phase == Phase::Send && (over || record.message() != due.message) {
        let reason = if over { DropReason::VerificationOver } else { DropReason::Superseded };
        drop_message(connection, key, due.message, reason, now)?;
        return Ok(None);
    }
    // Its receipt has arrived, perhaps after its worker died.
    if !matches!(phase, Phase::Receipt(_)) && record.needs_no_provider(due.message, now) {
        remove(connection, due.message)?;
        return Ok(None);
    }
    let attempt = due.attempt + 1;
    connection
        .prepare_cached("UPDATE due SET at = ?2, attempt = ?3 WHERE message = ?1")
        .and_then(|mut update| update.execute(params![due.message.bytes(), (now + lease).micros(), attempt]))
        .map_err(sqlite_error)?;
    Ok(Some(Claim { key, message: due.message, attempt, phase, record }))
}

/// All due messages, oldest first; `None` if there is not enough room for all of them.
fn select_all(connection: &Connection, claiming: &Claiming) -> Result<Option<Vec<Due>>, StoreError> {
    let Claiming { partitions, places, now, .. } = claiming;
    let mut select = connection
        .prepare_cached(
            "SELECT message, at, key, attempt, phase FROM due
                WHERE at <= ?1 AND partition >= ?2 AND partition < ?3 ORDER BY at",
        )
        .map_err(sqlite_error)?;
    let rows = select.query_map(params![now.micros(), partitions.start, partitions.end], Due::read);
    let (mut all, mut places) = (Vec::new(), places.clone());
    for due in rows.map_err(sqlite_error)? {
        let due = due.map_err(sqlite_error)?;
        let has_room = match due.tenant() {
            // A row without a tenant is found to be corrupt later.
            None => places.most > 0,
            Some(tenant) => {
                let room = places.room(tenant);
                places.take(tenant);
                room > 0
            }
        };
        if !has_room {
            return Ok(None);
        }
        all.push(due);
    }
    Ok(Some(all))
}

/// The first message of the next tenant, due or not.
fn select_next(
    connection: &Connection,
    partitions: &Range<u16>,
    after: Option<TenantId>,
) -> Result<Option<Due>, StoreError> {
    let after = after.map_or_else(Vec::new, |tenant| tenant.bytes().to_vec());
    connection
        .prepare_cached(
            "SELECT message, at, key, attempt, phase FROM due
                WHERE substr(key, 1, 16) > ?1 AND partition >= ?2 AND partition < ?3
                ORDER BY substr(key, 1, 16), at LIMIT 1",
        )
        .and_then(|mut select| {
            select.query_row(params![after, partitions.start, partitions.end], Due::read).optional()
        })
        .map_err(sqlite_error)
}

fn drop_message(
    connection: &Connection,
    key: RecordKey,
    message: MessageId,
    reason: DropReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    remove(connection, message)?;
    // A message is dropped only once, so its own id is a unique event id.
    let event = EventId::from_bytes(*message.bytes());
    append_event(connection, key, (event, None), now, &EventKind::MessageDropped { message, reason })
}

pub fn remove(connection: &Connection, message: MessageId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM due WHERE message = ?1")
        .and_then(|mut delete| delete.execute([message.bytes()]))
        .map(drop)
        .map_err(sqlite_error)
}

/// Releases a message. It is due again at `at`, in this phase.
pub fn postpone(
    connection: &Connection,
    message: MessageId,
    at: Timestamp,
    phase: u8,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE due SET at = ?2, phase = ?3, attempt = -abs(attempt) WHERE message = ?1")
        .and_then(|mut update| update.execute(params![message.bytes(), at.micros(), phase]))
        .map(drop)
        .map_err(sqlite_error)
}
