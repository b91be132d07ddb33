//! The outcomes of requests with an Idempotency-Key. An operation and its outcome are one transaction, so
//! neither is ever stored without the other.

use crate::sqlite::sqlite_error;
use countersign_core::{
    ports::error::StoreError,
    time::Timestamp,
    verification::idempotency::{KEPT, Once, Outcome, Replay},
};
use rusqlite::{Connection, OptionalExtension, params};

/// The stored outcome of the key, if it has not expired.
pub fn find(connection: &Connection, once: &Once, now: Timestamp) -> Result<Option<Replay>, StoreError> {
    let packed = connection
        .prepare_cached("SELECT outcome FROM outcomes WHERE slot = ?1 AND kept_until > ?2")
        .and_then(|mut select| {
            select.query_row(params![once.slot, now.micros()], |row| row.get::<_, Vec<u8>>(0)).optional()
        })
        .map_err(sqlite_error)?;
    let replay = packed.map(|packed| once.replay(&packed)).transpose();
    replay.map_err(|error| StoreError::unreadable("outcomes", "of a request", error))
}

/// Stores the outcome of an operation that changed something.
pub fn keep(
    connection: &Connection,
    once: Option<&Once>,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some((once, packed)) = once.and_then(|once| Some((once, once.pack(outcome)?))) else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT INTO outcomes (slot, outcome, kept_until) VALUES (?1, ?2, ?3)
                ON CONFLICT (slot) DO UPDATE SET outcome = excluded.outcome, kept_until = excluded.kept_until",
        )
        .and_then(|mut insert| insert.execute(params![once.slot, packed, (now + KEPT).micros()]))
        .map(drop)
        .map_err(sqlite_error)
}
