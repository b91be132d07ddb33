//! The operations on verifications and phone numbers. Each runs inside a transaction.

use super::{
    buckets, outbox, outcomes, pools,
    records::{append_event, load, load_number, number_key, save, save_number},
};
use countersign_core::{
    access::actor::Who,
    id::{EventId, RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::{
        codes::acts::{CheckFound, Erasure, Seen},
        error::StoreError,
    },
    time::Timestamp,
    verification::{
        event::{ActEvent, EventKind},
        idempotency::{Answer, Once, Outcome, Progress},
        number::Listing,
        outcome::{CancelOutcome, ResendOutcome},
        record::Record,
        request::{Resend, SubmittedCode},
        status::{CancelReason, Status},
    },
};
use rusqlite::Connection;

/// Carries out an operation, unless an earlier request with the same Idempotency-Key did.
pub fn answer<T>(
    connection: &Connection,
    once: Option<&Once>,
    now: Timestamp,
    act: impl FnOnce() -> Result<T, StoreError>,
) -> Result<Answer<T>, StoreError> {
    match once.map(|once| outcomes::find(connection, once, now)).transpose()?.flatten() {
        Some(replay) => Ok(Answer::Replay(replay)),
        None => act().map(Answer::Fresh),
    }
}

/// Loads a record, lets `act` change it, and writes it back together with the event that `act` returns.
fn change<T>(
    connection: &Connection,
    key: RecordKey,
    event: ActEvent,
    now: Timestamp,
    act: impl FnOnce(&Connection, &mut Record, Timestamp) -> Result<(T, Option<EventKind>), StoreError>,
) -> Result<Option<Seen<T>>, StoreError> {
    let Some(mut record) = load(connection, key, now)? else { return Ok(None) };
    let before = record.clone();
    let (outcome, kind) = act(connection, &mut record, now)?;
    if record != before {
        save(connection, key, &record)?;
    }
    if let Some(kind) = kind {
        append_event(connection, key, (event.id, Some(event.who)), now, &kind)?;
    }
    Ok(Some(Seen { outcome, record, now }))
}

/// Checks one submitted code.
pub fn check(
    connection: &Connection,
    key: RecordKey,
    code: &SubmittedCode,
    event: ActEvent,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<CheckFound>, StoreError> {
    let seen = change(connection, key, event, now, |connection, record, now| {
        let number_key = number_key(key.tenant, key.mode, record.number());
        let mut number = load_number(connection, &number_key)?;
        let before = number.guesses.clone();
        let (outcome, kind) = record.check(code, &mut number.guesses, now);
        if number.guesses != before {
            save_number(connection, &number_key, &number)?;
        }
        Ok((outcome, kind))
    })?;
    let Some(Seen { outcome, record, .. }) = seen else { return Ok(None) };
    let attempts_left = record.attempts_left();
    outcomes::keep(connection, once, &Outcome::Checked { id: key.id, outcome, attempts_left }, now)?;
    Ok(Some(CheckFound { outcome, attempts_left }))
}

/// Queues another message, if the record and the limits allow it.
pub fn resend(
    connection: &Connection,
    key: RecordKey,
    resend: &Resend,
    event: ActEvent,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<Seen<ResendOutcome>>, StoreError> {
    let seen = change(connection, key, event, now, |connection, record, now| {
        let mut after = record.clone();
        let outcome = after.resend(resend, now);
        if outcome != ResendOutcome::Queued {
            return Ok((outcome, None));
        }
        let look = buckets::look(connection, &resend.takes, now)?;
        if let Some(hit) = look.hit(&resend.takes) {
            return Ok((ResendOutcome::Limited(hit), None));
        }
        let pool = pools::look(connection, resend.pool.as_ref())?;
        if let Some(hit) = pool.hit() {
            return Ok((ResendOutcome::PoolExhausted(hit), None));
        }
        buckets::take(connection, &look)?;
        pools::take(connection, &pool, now)?;
        *record = after;
        if !record.is_review() {
            outbox::queue(connection, key, resend.message, now)?;
        }
        let (send, new_code) = (record.sends(), resend.new_code.is_some());
        Ok((outcome, Some(EventKind::Resent { message: resend.message, send, new_code })))
    })?;
    if let Some(Seen { outcome: ResendOutcome::Queued, record, .. }) = &seen {
        let progress = Progress::of(key.id, record);
        outcomes::keep(connection, once, &Outcome::Resent(progress), now)?;
    }
    Ok(seen)
}

/// Ends a verification before its time.
pub fn cancel(
    connection: &Connection,
    key: RecordKey,
    event: ActEvent,
    now: Timestamp,
) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
    change(connection, key, event, now, |_, record, now| {
        let outcome = record.cancel(now);
        let canceled = outcome == CancelOutcome::Canceled;
        Ok((outcome, canceled.then_some(EventKind::Canceled(CancelReason::Client))))
    })
}

/// Finds a verification of the phone number in the lookup group: the newest pending one, else the newest
/// whose record is still in the store.
pub fn find(
    connection: &Connection,
    (tenant, mode, number): (TenantId, Mode, Fingerprint),
    listing: Listing,
    now: Timestamp,
) -> Result<Option<VerificationId>, StoreError> {
    let standing = load_number(connection, &number_key(tenant, mode, number))?.standing;
    let mut newest = None;
    for standing in standing.iter().rev().filter(|standing| standing.listing == listing) {
        let key = RecordKey { tenant, mode, id: standing.id };
        let Some(record) = load(connection, key, now)? else { continue };
        if record.status(now) == Status::Pending {
            return Ok(Some(standing.id));
        }
        newest = newest.or(Some(standing.id));
    }
    Ok(newest)
}

/// Resets the count of wrong codes for a phone number. Returns the old count.
pub fn clear_guesses(connection: &Connection, key: &[u8; 33], now: Timestamp) -> Result<u16, StoreError> {
    let mut record = load_number(connection, key)?;
    let counted = record.guesses.clear(now);
    save_number(connection, key, &record)?;
    Ok(counted)
}

/// Ends the live verifications of a phone number, and empties the sealed values of all its records.
pub fn erase(
    connection: &Connection,
    (tenant, mode, number): (TenantId, Mode, Fingerprint),
    who: Who,
    now: Timestamp,
) -> Result<Erasure, StoreError> {
    let mut canceled = 0;
    for standing in load_number(connection, &number_key(tenant, mode, number))?.standing {
        let key = RecordKey { tenant, mode, id: standing.id };
        let event = ActEvent { id: EventId::of_erasure(standing.id), who };
        change(connection, key, event, now, |_, record, now| {
            let ended = record.erase(now) == CancelOutcome::Canceled;
            canceled += u64::from(ended);
            Ok(((), ended.then_some(EventKind::Canceled(CancelReason::Client))))
        })?;
    }
    Ok(Erasure { canceled, now })
}
