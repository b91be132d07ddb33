//! A start. It runs inside a transaction.

use super::{
    acts::cancel,
    buckets, outbox, outcomes, pools,
    records::{self, append_event, load, load_number, number_key, save_number},
};
use countersign_core::{
    id::{RecordKey, VerificationId},
    ports::{
        codes::{
            acts::{NewVerification, StartOutcome},
            refusal::Refusal,
        },
        error::StoreError,
    },
    time::Timestamp,
    verification::{
        event::{ActEvent, EventKind},
        idempotency::{Outcome, Progress},
        number::{Listing, NumberRecord, Standing},
        status::Status,
    },
};
use rusqlite::Connection;

/// The pending verification of a lookup group that allows only one: the newest whose record is still in the
/// store, if it is pending.
fn pending(
    connection: &Connection,
    key: RecordKey,
    number: &NumberRecord,
    listing: Listing,
    now: Timestamp,
) -> Result<Option<VerificationId>, StoreError> {
    for standing in number.standing.iter().rev().filter(|standing| standing.listing == listing) {
        if let Some(record) = load(connection, RecordKey { id: standing.id, ..key }, now)? {
            return Ok((record.status(now) == Status::Pending).then_some(standing.id));
        }
    }
    Ok(None)
}

/// Creates a verification and queues its message, unless a limit or another rule refuses it.
pub fn start(
    connection: &Connection,
    new: &NewVerification,
    history_backlog: bool,
    now: Timestamp,
) -> Result<StartOutcome, StoreError> {
    let key = new.key;
    let number_key = number_key(key.tenant, key.mode, new.record.number());
    let mut number = load_number(connection, &number_key)?;
    let pending = match &new.exclusive {
        Some(exclusive) => pending(connection, key, &number, exclusive.listing, now)?,
        None => None,
    };
    let replaces = new.exclusive.and_then(|exclusive| exclusive.replaces);
    let changed = pending.is_some() && pending != replaces.map(|(id, _)| id);
    let look = buckets::look(connection, &new.takes, now)?;
    let pool = pools::look(connection, new.pool.as_ref())?;
    let (mut limits, number_hit) = match number.admit(&new.number_limits, now) {
        Ok(states) => (states, None),
        Err(hit) => (Vec::new(), Some(hit)),
    };
    let (outer, pool_hit) = (look.hit(&new.takes), pool.hit());
    let refusal = Refusal { outer, pool: pool_hit, history_backlog, changed, number: number_hit };
    if let Some(refused) = refusal.first() {
        return Ok(refused);
    }
    limits.extend_from_slice(&look.states);
    limits.extend(pool.state());
    let record = new.begun(now);
    let standing = Standing { id: key.id, listing: new.listing(), until: record.kept_until() };
    number.stand(standing, now);
    save_number(connection, &number_key, &number)?;
    buckets::take(connection, &look)?;
    pools::take(connection, &pool, now)?;
    if let (Some(id), Some((_, event))) = (pending, replaces) {
        let event = ActEvent { id: event, who: new.starter };
        cancel(connection, RecordKey { id, ..key }, event, now)?;
    }
    records::create(connection, key, &record)?;
    if !record.is_review() {
        outbox::queue(connection, key, record.message(), now)?;
    }
    let started = new.started(&record, &limits);
    append_event(connection, key, (new.event, new.author()), now, &EventKind::Started(Box::new(started)))?;
    outcomes::keep(connection, new.once.as_ref(), &Outcome::Started(Progress::of(key.id, &record)), now)?;
    Ok(StartOutcome::Started { record, limits })
}
