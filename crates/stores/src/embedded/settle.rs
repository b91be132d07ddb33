//! The end of a claim, and its continuation after a failed attempt.

use super::{
    outbox::{postpone, remove},
    records::{append_event, has_event, load, save},
};
use crate::sqlite::sqlite_error;
use countersign_core::{
    id::{EventId, MessageId, RecordKey},
    ports::{
        codes::outbox::{Claim, Settled},
        error::StoreError,
    },
    time::Timestamp,
    verification::{
        receipt::FailedAttempt,
        settlement::{Phase, Settlement},
    },
};
use rusqlite::{Connection, OptionalExtension, params};

/// A claim, as its worker identifies it.
#[derive(Clone, Copy)]
pub struct Held {
    key: RecordKey,
    message: MessageId,
    attempt: u32,
    phase: Phase,
}

impl Held {
    pub fn of(claim: &Claim) -> Self {
        let Claim { key, message, attempt, phase, .. } = *claim;
        Self { key, message, attempt, phase }
    }

    /// Returns whether no later claim has taken the message over.
    fn is_newest(&self, connection: &Connection) -> Result<bool, StoreError> {
        let attempt = connection
            .prepare_cached("SELECT attempt FROM due WHERE message = ?1")
            .and_then(|mut select| {
                select.query_row([self.message.bytes()], |row| row.get::<_, i64>(0)).optional()
            })
            .map_err(sqlite_error)?;
        Ok(attempt == Some(self.attempt.into()))
    }
}

/// Settles a claim, if no later claim has taken the message over.
pub fn settle(
    connection: &Connection,
    held: Held,
    settlement: Settlement,
    event: EventId,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let Held { key, message, phase, .. } = held;
    if !held.is_newest(connection)? {
        let repeat = has_event(connection, key, event)?;
        return Ok(if repeat { Settled::Done } else { Settled::Lost });
    }
    let Some(mut record) = load(connection, key, now)? else {
        remove(connection, message)?;
        return Ok(Settled::Lost);
    };
    let next = phase.next(&settlement);
    if let Some(kind) = record.settle((message, phase), settlement, now) {
        save(connection, key, &record)?;
        append_event(connection, key, (event, None), now, &kind)?;
    }
    match next {
        Some((after, phase)) => postpone(connection, message, now + after, phase.number())?,
        None => remove(connection, message)?,
    }
    Ok(Settled::Done)
}

/// Records a failed attempt while the claim goes on, and extends the claim.
pub fn note_attempt(
    connection: &Connection,
    held: Held,
    attempt: FailedAttempt,
    event: EventId,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let Held { key, message, .. } = held;
    if !held.is_newest(connection)? {
        return Ok(Settled::Lost);
    }
    let lease = attempt.lease;
    append_event(connection, key, (event, None), now, &attempt.into_event(message))?;
    let record = load(connection, key, now)?;
    let over = record.is_none_or(|record| record.needs_no_provider(message, now));
    // If the verification has ended, the message is due at once, and the next claim drops it.
    let (held_until, sql) = match over {
        true => (now, "UPDATE due SET at = ?2 WHERE message = ?1"),
        false => (now + lease, "UPDATE due SET at = max(at, ?2) WHERE message = ?1"),
    };
    connection
        .prepare_cached(sql)
        .and_then(|mut update| update.execute(params![message.bytes(), held_until.micros()]))
        .map_err(sqlite_error)?;
    Ok(if over { Settled::Lost } else { Settled::Done })
}
