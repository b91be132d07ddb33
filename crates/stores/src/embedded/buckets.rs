//! The limits that do not count by phone number.

use crate::sqlite::sqlite_error;
use countersign_core::{
    ports::error::StoreError,
    tenant::limits::{LimitHit, LimitState, Take},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// The state of a start's buckets, read before it is known whether the start may take from them.
pub struct Look {
    taken: Vec<([u8; 16], Timestamp)>,
    /// The state of each bucket: after the start if all admit it, and before the start if one refuses.
    pub states: Vec<LimitState>,
    /// The index of the bucket that refuses for the longest time, and that time.
    pub refused: Option<(usize, Duration)>,
}

impl Look {
    /// The refusal, if a bucket refuses.
    pub fn hit(&self, takes: &[Take]) -> Option<LimitHit> {
        let (place, retry_after) = self.refused?;
        let take = takes.get(place)?;
        let (name, scope) = (take.name.clone(), take.scope.as_str());
        Some(LimitHit { name, scope, retry_after, states: self.states.clone() })
    }
}

/// Reads the buckets without taking from them.
pub fn look(connection: &Connection, takes: &[Take], now: Timestamp) -> Result<Look, StoreError> {
    let mut look = Look { taken: Vec::new(), states: Vec::new(), refused: None };
    let mut found = Vec::with_capacity(takes.len());
    for (place, take) in takes.iter().enumerate() {
        let full_at = read(connection, &take.key)?;
        match take.bucket.take(full_at, now) {
            Ok(next) => look.taken.push((take.key, next)),
            Err(wait) if look.refused.is_none_or(|(_, longest)| longest < wait) => {
                look.refused = Some((place, wait));
            }
            Err(_) => {}
        }
        found.push(full_at);
    }
    for (place, take) in takes.iter().enumerate() {
        let after = if look.refused.is_none() { look.taken[place].1 } else { found[place] };
        look.states.push(take.state(after, now));
    }
    Ok(look)
}

fn read(connection: &Connection, key: &[u8; 16]) -> Result<Timestamp, StoreError> {
    let micros = connection
        .prepare_cached("SELECT full_at FROM buckets WHERE key = ?1")
        .and_then(|mut select| select.query_row([key], |row| row.get(0)).optional())
        .map_err(sqlite_error)?;
    Ok(micros.map_or(Timestamp::default(), Timestamp::from_micros))
}

/// Takes one from a single bucket. If the bucket is empty, returns the wait until one is available.
pub fn take_one(connection: &Connection, take: &Take, now: Timestamp) -> Result<Duration, StoreError> {
    let look = look(connection, std::slice::from_ref(take), now)?;
    match look.refused {
        Some((_, wait)) => Ok(wait),
        None => self::take(connection, &look).map(|()| Duration::ZERO),
    }
}

/// Takes what `look` found to be available.
pub fn take(connection: &Connection, look: &Look) -> Result<(), StoreError> {
    for (key, full_at) in &look.taken {
        connection
            .prepare_cached(
                "INSERT INTO buckets (key, full_at) VALUES (?1, ?2)
                    ON CONFLICT (key) DO UPDATE SET full_at = excluded.full_at",
            )
            .and_then(|mut upsert| upsert.execute(params![key, full_at.micros()]))
            .map_err(sqlite_error)?;
    }
    Ok(())
}
