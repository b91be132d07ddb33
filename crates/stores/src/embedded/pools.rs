//! The members' pools of message parts.

use crate::sqlite::sqlite_error;
use countersign_core::{
    people::pool::{Month, PoolCount, PoolTake},
    ports::error::StoreError,
    tenant::limits::{LimitHit, LimitState},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};

/// The pool of a message, read before it is known whether the message may take from it.
pub struct Look<'a>(Option<(&'a PoolTake, Result<PoolCount, LimitHit>)>);

impl Look<'_> {
    pub fn hit(&self) -> Option<LimitHit> {
        self.0.as_ref()?.1.as_ref().err().cloned()
    }

    /// How full the pool is after the take.
    pub fn state(&self) -> Option<LimitState> {
        let (take, count) = self.0.as_ref()?;
        count.as_ref().ok().map(|count| take.state(*count))
    }
}

/// Reads the pool without taking from it.
pub fn look<'a>(connection: &Connection, take: Option<&'a PoolTake>) -> Result<Look<'a>, StoreError> {
    let Some(take) = take else { return Ok(Look(None)) };
    Ok(Look(Some((take, take.admit(count(connection, &take.key)?)))))
}

pub fn count(connection: &Connection, key: &[u8; 16]) -> Result<Option<PoolCount>, StoreError> {
    let count =
        |row: &rusqlite::Row<'_>| Ok(PoolCount { month: Month::from_number(row.get(0)?), used: row.get(1)? });
    connection
        .prepare_cached("SELECT month, used FROM pools WHERE key = ?1")
        .and_then(|mut select| select.query_row([key], count).optional())
        .map_err(sqlite_error)
}

/// Takes what `look` found to be available.
pub fn take(connection: &Connection, look: &Look<'_>, now: Timestamp) -> Result<(), StoreError> {
    let Some((take, Ok(PoolCount { month, used }))) = &look.0 else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO pools (key, month, used, kept_until) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (key) DO UPDATE SET
                    month = excluded.month, used = excluded.used, kept_until = excluded.kept_until",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![take.key, month.number(), used, (now + PoolCount::KEPT).micros()])
        })
        .map(drop)
        .map_err(sqlite_error)
}
