//! Records and events: one packed value for each key.

use super::backlog;
use crate::sqlite::sqlite_error;
use countersign_core::{
    access::actor::Who,
    id::{EventId, RecordKey, TenantId},
    keyring::Fingerprint,
    mode::Mode,
    ports::error::StoreError,
    time::Timestamp,
    verification::{
        event::{Event, EventKind},
        number::NumberRecord,
        record::Record,
    },
};
use rusqlite::{Connection, OptionalExtension, params};

/// Tenant, mode and fingerprint, in this order.
pub fn number_key(tenant: TenantId, mode: Mode, number: Fingerprint) -> [u8; 33] {
    let mut key = [0; 33];
    key[..16].copy_from_slice(tenant.bytes());
    key[16] = mode.byte();
    key[17..].copy_from_slice(&number.0);
    key
}

/// Loads a record that has not expired. The sweep deletes expired ones later, and until then they must stay
/// invisible.
pub fn load(connection: &Connection, key: RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT record FROM verifications WHERE key = ?1").map_err(sqlite_error)?;
    let packed = select.query_row([key.bytes()], |row| row.get::<_, Vec<u8>>(0)).optional();
    let Some(packed) = packed.map_err(sqlite_error)? else { return Ok(None) };
    let record = Record::unpack(&packed);
    let record = record.map_err(|error| StoreError::unreadable("verifications", key.id, error))?;
    Ok((now < record.kept_until()).then_some(record))
}

pub fn create(connection: &Connection, key: RecordKey, record: &Record) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO verifications (key, record, kept_until) VALUES (?1, ?2, ?3)")
        .and_then(|mut insert| {
            insert.execute(params![key.bytes(), record.pack(), record.kept_until().micros()])
        })
        .map(drop)
        .map_err(sqlite_error)
}

pub fn save(connection: &Connection, key: RecordKey, record: &Record) -> Result<(), StoreError> {
    // `kept_until` does not change: only test mode moves `expires_at`, and only to an earlier time.
    connection
        .prepare_cached("UPDATE verifications SET record = ?2 WHERE key = ?1")
        .and_then(|mut update| update.execute(params![key.bytes(), record.pack()]))
        .map(drop)
        .map_err(sqlite_error)
}

pub fn load_number(connection: &Connection, key: &[u8; 33]) -> Result<NumberRecord, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT record FROM numbers WHERE key = ?1").map_err(sqlite_error)?;
    let packed = select.query_row([key], |row| row.get::<_, Vec<u8>>(0)).optional().map_err(sqlite_error)?;
    let Some(packed) = packed else { return Ok(NumberRecord::default()) };
    NumberRecord::unpack(&packed).map_err(|error| StoreError::unreadable("the record of", "a number", error))
}

pub fn save_number(connection: &Connection, key: &[u8; 33], record: &NumberRecord) -> Result<(), StoreError> {
    let upsert = "INSERT INTO numbers (key, record, kept_until) VALUES (?1, ?2, ?3)
        ON CONFLICT (key) DO UPDATE SET record = excluded.record, kept_until = excluded.kept_until";
    connection
        .prepare_cached(upsert)
        .and_then(|mut upsert| upsert.execute(params![key, record.pack(), record.kept_until().micros()]))
        .map(drop)
        .map_err(sqlite_error)
}

pub fn append_event(
    connection: &Connection,
    key: RecordKey,
    (id, who): (EventId, Option<Who>),
    at: Timestamp,
    kind: &EventKind,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO events (key, id, at, body, who) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut insert| {
            let who = who.map(Who::pack);
            insert.execute(params![key.bytes(), id.bytes(), at.micros(), kind.pack(), who])
        })
        .map(drop)
        .map_err(sqlite_error)
}

/// Adds the column of the authors to a file of an older release.
pub fn add_authors(connection: &Connection) -> Result<(), StoreError> {
    let found = connection
        .query_row("SELECT count(*) FROM pragma_table_info('events') WHERE name = 'who'", [], |row| {
            row.get::<_, i64>(0)
        })
        .map_err(sqlite_error)?;
    if found == 0 {
        connection.execute_batch("ALTER TABLE events ADD COLUMN who BLOB").map_err(sqlite_error)?;
    }
    Ok(())
}

/// Returns whether the event exists. If so, the operation that made it is being repeated.
pub fn has_event(connection: &Connection, key: RecordKey, id: EventId) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM events WHERE key = ?1 AND id = ?2)")
        .and_then(|mut select| select.query_row(params![key.bytes(), id.bytes()], |row| row.get(0)))
        .map_err(sqlite_error)
}

pub fn timeline(connection: &Connection, key: RecordKey) -> Result<Vec<Event>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id, at, body, who FROM events WHERE key = ?1 ORDER BY seq LIMIT 1000")
        .map_err(sqlite_error)?;
    let rows =
        select.query_map([key.bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    let rows = rows.map_err(sqlite_error)?;
    rows.map(|row| {
        let (id, at, body, who): ([u8; 16], i64, Vec<u8>, Option<Vec<u8>>) = row.map_err(sqlite_error)?;
        let id = EventId::from_bytes(id);
        let kind = EventKind::unpack(&body).map_err(|error| StoreError::unreadable("events", id, error))?;
        let who = who.and_then(|packed| Who::unpack(&packed));
        Ok(Event { id, at: Timestamp::from_micros(at), kind, who })
    })
    .collect()
}

/// Returns whether any row has expired.
pub fn anything_to_sweep(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM verifications WHERE kept_until <= ?1)
                OR EXISTS (SELECT 1 FROM numbers WHERE kept_until <= ?1)
                OR EXISTS (SELECT 1 FROM buckets WHERE full_at <= ?1)
                OR EXISTS (SELECT 1 FROM pools WHERE kept_until <= ?1)
                OR EXISTS (SELECT 1 FROM outcomes WHERE kept_until <= ?1)
                OR EXISTS (SELECT 1 FROM provider_messages WHERE kept_until <= ?1)",
        )
        .and_then(|mut select| select.query_row([now.micros()], |row| row.get(0)))
        .map_err(sqlite_error)
}

/// The maximum number of rows that one sweep deletes, so that it does not delay other operations.
const SWEEP: u32 = 2_000;

/// Deletes a limited number of expired rows. An event stays until the history has recorded it, so it may
/// outlive its record.
pub fn sweep(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM verifications WHERE key IN
            (SELECT key FROM verifications WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)",
        "DELETE FROM numbers WHERE key IN
            (SELECT key FROM numbers WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)",
        "DELETE FROM buckets WHERE key IN
            (SELECT key FROM buckets WHERE full_at <= ?1 ORDER BY full_at LIMIT ?2)",
        "DELETE FROM pools WHERE key IN
            (SELECT key FROM pools WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)",
        "DELETE FROM outcomes WHERE slot IN
            (SELECT slot FROM outcomes WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)",
        "DELETE FROM provider_messages WHERE slot IN
            (SELECT slot FROM provider_messages WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)",
    ] {
        connection
            .prepare_cached(statement)
            .and_then(|mut delete| delete.execute(params![now.micros(), SWEEP]))
            .map_err(sqlite_error)?;
    }
    Ok(())
}

/// If the machine's clock was set back while the store was closed, shortens all stored times to what their
/// rules allow from now on.
pub fn pull_back(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let behind = backlog::latest(connection)?.micros() - now.micros();
    if behind <= 0 {
        return Ok(());
    }
    tracing::warn!("The clock is behind what the codes store has seen; its times are cut to their rules");
    pull_table_back(connection, "verifications", |packed| {
        let mut record = Record::unpack(packed).ok()?;
        record.pull_back(now);
        Some((record.pack(), record.kept_until()))
    })?;
    pull_table_back(connection, "numbers", |packed| {
        let mut record = NumberRecord::unpack(packed).ok()?;
        record.pull_back(now);
        Some((record.pack(), record.kept_until()))
    })?;
    connection
        // The wait for a receipt keeps its length: a shorter one would cause a second SMS.
        .execute("UPDATE due SET at = at - ?1 WHERE phase > 2", [behind])
        .and_then(|_| {
            connection.execute("UPDATE due SET at = ?1 WHERE at > ?1 AND phase <= 2", [now.micros()])
        })
        // The limits stay as full as they were: their times move with the clock.
        .and_then(|_| connection.execute("UPDATE buckets SET full_at = full_at - ?1", [behind]))
        .and_then(|_| connection.execute("UPDATE pools SET kept_until = kept_until - ?1", [behind]))
        .and_then(|_| connection.execute("UPDATE outcomes SET kept_until = kept_until - ?1", [behind]))
        .and_then(|_| {
            connection.execute("UPDATE provider_messages SET kept_until = kept_until - ?1", [behind])
        })
        .map(drop)
        .map_err(sqlite_error)
}

/// Leaves an unreadable record as it is: the operations on it will report it.
fn pull_table_back(
    connection: &Connection,
    table: &'static str,
    pull: impl Fn(&[u8]) -> Option<(Vec<u8>, Timestamp)>,
) -> Result<(), StoreError> {
    let rows = connection
        .prepare(&format!("SELECT key, record FROM {table}"))
        .and_then(|mut select| {
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<([u8; 33], Vec<u8>)>>>()
        })
        .map_err(sqlite_error)?;
    let update = format!("UPDATE {table} SET record = ?2, kept_until = ?3 WHERE key = ?1");
    let mut update = connection.prepare(&update).map_err(sqlite_error)?;
    for (key, packed) in rows {
        if let Some((record, kept_until)) = pull(&packed) {
            update.execute(params![key, record, kept_until.micros()]).map_err(sqlite_error)?;
        }
    }
    Ok(())
}
