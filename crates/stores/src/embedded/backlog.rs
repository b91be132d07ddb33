//! The backlog: the events that wait for the history, their size in bytes, and the deletion of those that
//! have been recorded.

use crate::sqlite::sqlite_error;
use countersign_core::{
    access::actor::Who,
    id::{EventId, RecordKey},
    ports::{
        codes::events::{EventBacklog, Position, UnrecordedEvent},
        error::StoreError,
    },
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::{
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The size of an event beside its body, in bytes: keys, times, two indexes.
const OVERHEAD: u64 = 150;

/// The size of the waiting events, compared with the budget.
///
/// The size is counted in memory, from the events added since the last count. A counter in the file would be
/// one more write for each event. Each trim starts from the count that the trim before it stored, so a trim
/// that was rolled back is not counted.
pub struct Backlog {
    budget: u64,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// All events up to this one have been counted.
    seq: i64,
    events: u64,
    bytes: u64,
    /// Whether the warning about a half used budget was logged.
    warned: bool,
}

impl Backlog {
    pub fn new(budget: u64) -> Self {
        Self { budget, counted: Mutex::default() }
    }

    /// Returns whether no more events fit.
    pub fn is_full(&self, connection: &Connection) -> Result<bool, StoreError> {
        let mut counted = self.lock();
        counted.count(connection)?;
        if counted.bytes >= self.budget / 2 && !counted.warned {
            let EventBacklog { events, bytes } = counted.backlog();
            tracing::warn!(events, bytes, "Events that wait for the history fill half of their budget");
            counted.warned = true;
        }
        Ok(counted.bytes >= self.budget)
    }

    /// Counts the waiting events when the store is opened.
    pub fn begin(&self, connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
        let mut counted = self.lock();
        *counted = Counted::default();
        counted.count(connection)?;
        counted.write(connection, now)
    }

    /// The waiting events, as last counted.
    pub fn read(&self) -> EventBacklog {
        self.lock().backlog()
    }

    /// Deletes events that the history has recorded.
    pub fn trim(
        &self,
        connection: &Connection,
        positions: &[Position],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut counted = self.lock();
        *counted = Counted { warned: counted.warned, ..written(connection)? };
        counted.count(connection)?;
        // Events with consecutive numbers are deleted by one statement. Most of them are consecutive.
        for run in positions.chunk_by(|Position([one, ..]), Position([next, ..])| *next == one + 1) {
            let [Some(Position([first, ..])), Some(Position([last, ..]))] = [run.first(), run.last()] else {
                continue;
            };
            counted.remove(connection, *first, *last)?;
        }
        // SQLite may use the `seq` of a deleted last event again.
        counted.seq = newest(connection)?;
        counted.warned &= counted.bytes >= self.budget / 2;
        counted.write(connection, now)
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn backlog(&self) -> EventBacklog {
        EventBacklog { events: self.events, bytes: self.bytes }
    }

    /// Stores the count with its time.
    fn write(&self, connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
        let [events, bytes] = [self.events, self.bytes].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        connection
            .prepare_cached(
                "INSERT INTO backlog (only_row, at, seq, events, bytes) VALUES (1, ?1, ?2, ?3, ?4)
                    ON CONFLICT (only_row) DO UPDATE SET at = excluded.at, seq = excluded.seq,
                        events = excluded.events, bytes = excluded.bytes",
            )
            .and_then(|mut upsert| upsert.execute([now.micros(), self.seq, events, bytes]))
            .map(drop)
            .map_err(sqlite_error)
    }

    /// Deletes the events from one `seq` to another.
    fn remove(&mut self, connection: &Connection, first: u64, last: u64) -> Result<(), StoreError> {
        let bounds = [first, last].map(|seq| i64::try_from(seq).unwrap_or(i64::MAX));
        let Sum { events, bytes, .. } = sum(connection, bounds)?;
        connection
            .prepare_cached("DELETE FROM events WHERE seq BETWEEN ?1 AND ?2")
            .and_then(|mut delete| delete.execute(bounds))
            .map_err(sqlite_error)?;
        self.events = self.events.saturating_sub(events);
        self.bytes = self.bytes.saturating_sub(bytes);
        Ok(())
    }

    /// Counts the events added since the last count.
    fn count(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let Sum { events, bytes, newest } = sum(connection, [self.seq.saturating_add(1), i64::MAX])?;
        self.events += events;
        self.bytes += bytes;
        self.seq = newest.unwrap_or(self.seq);
        Ok(())
    }
}

/// A sum over waiting events.
struct Sum {
    events: u64,
    /// Their size, as the budget counts it.
    bytes: u64,
    newest: Option<i64>,
}

fn sum(connection: &Connection, bounds: [i64; 2]) -> Result<Sum, StoreError> {
    connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(length(body)), 0), max(seq) FROM events WHERE seq BETWEEN ?1 AND ?2",
        )
        .and_then(|mut select| {
            select.query_row(bounds, |row| {
                let [events, bytes] = [row.get::<_, i64>(0)?, row.get::<_, i64>(1)?].map(i64::unsigned_abs);
                Ok(Sum { events, bytes: bytes + events * OVERHEAD, newest: row.get(2)? })
            })
        })
        .map_err(sqlite_error)
}

/// Reads the count that the last trim stored.
fn written(connection: &Connection) -> Result<Counted, StoreError> {
    connection
        .prepare_cached("SELECT seq, events, bytes FROM backlog")
        .and_then(|mut select| {
            let read = |row: &rusqlite::Row| {
                let [events, bytes] = [row.get::<_, i64>(1)?, row.get::<_, i64>(2)?].map(i64::unsigned_abs);
                Ok(Counted { seq: row.get(0)?, events, bytes, warned: false })
            };
            select.query_row([], read)
        })
        .map_err(sqlite_error)
}

/// The time of the newest count or event.
pub fn latest(connection: &Connection) -> Result<Timestamp, StoreError> {
    let latest = "SELECT coalesce((SELECT at FROM events WHERE seq > coalesce((SELECT seq FROM backlog), 0)
            ORDER BY seq DESC LIMIT 1), (SELECT at FROM backlog), 0)";
    connection.query_row(latest, [], |row| row.get(0)).map(Timestamp::from_micros).map_err(sqlite_error)
}

/// The time of the oldest waiting event.
pub fn oldest(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    connection
        .prepare_cached("SELECT at FROM events ORDER BY seq LIMIT 1")
        .and_then(|mut select| select.query_row([], |row| row.get(0)).optional())
        .map(|at| at.map(Timestamp::from_micros))
        .map_err(sqlite_error)
}

/// The newest waiting event; 0 if there is none.
fn newest(connection: &Connection) -> Result<i64, StoreError> {
    connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM events")
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .map_err(sqlite_error)
}

/// Number, key, id, time, body and author of an event.
type EventRow = (i64, Vec<u8>, [u8; 16], i64, Vec<u8>, Option<Vec<u8>>);

/// The oldest waiting events.
pub fn unrecorded(
    connection: &Connection,
    partitions: Range<u16>,
    limit: usize,
) -> Result<Vec<UnrecordedEvent>, StoreError> {
    let mut select = connection
        .prepare_cached(
            // The partition is in bytes seven and eight of the id, which is the last part of the key.
            "SELECT seq, key, id, at, body, who FROM events
                WHERE substr(key, 24, 2) >= ?1 AND substr(key, 24, 2) <= ?2 ORDER BY seq LIMIT ?3",
        )
        .map_err(sqlite_error)?;
    let Some(last) = partitions.end.checked_sub(1) else { return Ok(Vec::new()) };
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let bounds = params![partitions.start.to_be_bytes(), last.to_be_bytes(), limit];
    let rows = select.query_map(bounds, |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    });
    let rows = rows.map_err(sqlite_error)?;
    rows.map(|row| {
        let (seq, key, id, at, body, who): EventRow = row.map_err(sqlite_error)?;
        let id = EventId::from_bytes(id);
        let corrupt = || StoreError::Corrupt { table: "events", id: id.to_string() };
        let key = RecordKey::from_bytes(&key).ok_or_else(corrupt)?;
        let position = Position([seq.unsigned_abs(), 0, 0]);
        let who = who.and_then(|packed| Who::unpack(&packed));
        Ok(UnrecordedEvent { position, key, id, at: Timestamp::from_micros(at), body, who })
    })
    .collect()
}
