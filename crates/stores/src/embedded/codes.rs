//! Codes on SQLite: each act loads the packed records, asks the core for the
//! transition, and writes them back, in one transaction.

use super::{
    backlog::{self, Backlog},
    buckets,
    clock::StoreClock,
    outbox, outcomes, receipts,
    records::{self, append_event, load, load_number, number_key, save, save_number},
};
use crate::sqlite::{Database, Options, sqlite_error};
use async_trait::async_trait;
use countersign_core::{
    event::{CancelReason, Event, EventKind},
    id::{EventId, MessageId, TenantId, VerificationId},
    idempotency::{Answer, Once, Outcome, Progress, Replay},
    key::Mode,
    keyring::Fingerprint,
    limits::Take,
    number::{Listing, NumberRecord, Standing},
    places::Places,
    ports::{
        CheckFound, Claim, Clock, Codes, Erasure, NewVerification, Position, Seen, Settled, StartOutcome,
        StoreError, Unrecorded,
    },
    receipt::{FailedAttempt, ParkedReceipt, ProviderMessage, ReceiptReport, Received},
    refusal::Refusal,
    time::Timestamp,
    verification::{
        CancelOutcome, Record, RecordKey, Resend, ResendOutcome, Settlement, Status, SubmittedCode,
    },
};
use rusqlite::Connection;
use std::{
    ops::Range,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// The codes store of one machine. The data folder is locked by the server, so
/// nobody else writes this file.
pub struct SqliteCodes {
    database: Database,
    clock: Arc<StoreClock>,
    due: Notify,
    /// The tenant whom the last claim came to, where there was no room for all.
    after: Mutex<Option<TenantId>>,
    backlog: Arc<Backlog>,
}

/// How the store is opened.
#[derive(Clone, Copy, Debug)]
pub struct CodesOptions {
    /// Closes the window of a power cut.
    pub full_sync: bool,
    /// Bytes of events that may wait for the history.
    pub event_budget: u64,
}

impl SqliteCodes {
    /// Opens the file, or makes it.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>, options: CodesOptions) -> Result<Self, StoreError> {
        let database = Database::open(path, Options { full_sync: options.full_sync })?;
        database.write(|c| c.execute_batch(include_str!("schema.sql")).map_err(sqlite_error)).await?;
        let clock = Arc::new(StoreClock::new(clock));
        let now = clock.now();
        let backlog = Arc::new(Backlog::new(options.event_budget));
        let count = backlog.clone();
        let begin = move |connection: &Connection| {
            records::pull_back(connection, now)?;
            // What waits is counted once here, and from then on with each start.
            count.begin(connection, now)
        };
        database.write(begin).await?;
        Ok(Self { database, clock, due: Notify::new(), after: Mutex::default(), backlog })
    }

    /// The file.
    pub fn file(&self) -> &Database {
        &self.database
    }
}

#[async_trait]
impl Codes for SqliteCodes {
    async fn start(&self, new: NewVerification) -> Result<Answer<StartOutcome>, StoreError> {
        let (clock, backlog) = (self.clock.clone(), self.backlog.clone());
        let act = move |connection: &Connection| {
            let now = clock.now();
            answer(connection, new.once.as_ref(), now, || {
                let history_backlog = backlog.is_full(connection)?;
                start(connection, &new, history_backlog, now)
            })
        };
        let started = self.database.write(act).await?;
        if matches!(started, Answer::Fresh(StartOutcome::Started { .. })) {
            self.due.notify_one();
        }
        Ok(started)
    }

    async fn check(
        &self,
        key: RecordKey,
        code: SubmittedCode,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError> {
        let clock = self.clock.clone();
        let check = move |c: &Connection| {
            let now = clock.now();
            answer(c, once.as_ref(), now, || check(c, key, &code, event, once.as_ref(), now))
        };
        self.database.write(check).await
    }

    async fn resend(
        &self,
        key: RecordKey,
        resend: Resend,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
        let clock = self.clock.clone();
        let act = move |connection: &Connection| {
            let now = clock.now();
            answer(connection, once.as_ref(), now, || {
                let seen = change(connection, key, event, now, |connection, record, now| {
                    let mut after = record.clone();
                    let outcome = after.resend(&resend, now);
                    if outcome != ResendOutcome::Queued {
                        return Ok((outcome, None));
                    }
                    let look = buckets::look(connection, &resend.takes, now)?;
                    if let Some(hit) = look.hit(&resend.takes) {
                        return Ok((ResendOutcome::Limited(hit), None));
                    }
                    buckets::take(connection, &look)?;
                    *record = after;
                    if !record.review {
                        outbox::queue(connection, key, resend.message, now)?;
                    }
                    let (send, new_code) = (record.sends, resend.new_code.is_some());
                    Ok((outcome, Some(EventKind::Resent { message: resend.message, send, new_code })))
                })?;
                if let Some(Seen { outcome: ResendOutcome::Queued, record, .. }) = &seen {
                    let progress = Progress::of(key.id, record);
                    outcomes::keep(connection, once.as_ref(), &Outcome::Resent(progress), now)?;
                }
                Ok(seen)
            })
        };
        let seen = self.database.write(act).await?;
        self.due.notify_one();
        Ok(seen)
    }

    async fn replay(&self, _: Fingerprint, once: &Once) -> Result<Option<Replay>, StoreError> {
        let clock = self.clock.clone();
        self.database.peek(|connection| outcomes::find(connection, once, clock.now())).await
    }

    async fn clear_guesses(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
    ) -> Result<u16, StoreError> {
        let clock = self.clock.clone();
        let clear = move |connection: &Connection| {
            let key = number_key(tenant, mode, number);
            let mut record = load_number(connection, &key)?;
            let counted = record.guesses.clear(clock.now());
            save_number(connection, &key, &record)?;
            Ok(counted)
        };
        self.database.write(clear).await
    }

    async fn erase(&self, tenant: TenantId, mode: Mode, number: Fingerprint) -> Result<Erasure, StoreError> {
        let clock = self.clock.clone();
        let erase = move |c: &Connection| erase(c, (tenant, mode, number), clock.now());
        self.database.write(erase).await
    }

    async fn cancel(
        &self,
        key: RecordKey,
        event: EventId,
    ) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        let clock = self.clock.clone();
        self.database.write(move |connection| cancel(connection, key, event, clock.now())).await
    }

    async fn read(&self, key: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        let clock = self.clock.clone();
        let read = move |connection: &Connection| {
            let now = clock.now();
            Ok(load(connection, key, now)?.map(|record| Seen { outcome: (), record, now }))
        };
        self.database.peek(read).await
    }

    async fn find(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        listing: Listing,
    ) -> Result<Option<VerificationId>, StoreError> {
        let clock = self.clock.clone();
        let find = move |connection: &Connection| {
            let now = clock.now();
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
        };
        self.database.peek(find).await
    }

    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        self.database.read(move |connection| records::timeline(connection, key)).await
    }

    async fn claim(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        let clock = self.clock.clone();
        let due = clock.now();
        // Most polls find nothing, and reading is free of commits.
        let look = |c: &Connection| Ok((records::anything_to_sweep(c, due)?, outbox::anything_due(c, due)?));
        let (to_sweep, to_claim) = self.database.peek(look).await?;
        if to_sweep {
            // An act of its own: neither may keep the other from being done.
            self.database.write(move |connection| records::sweep(connection, due)).await?;
        }
        if !to_claim {
            return Ok(Vec::new());
        }
        let after = *self.after.lock().unwrap_or_else(PoisonError::into_inner);
        let claim = move |connection: &Connection| {
            let (partitions, places, now) = (partitions.clone(), places.clone(), clock.now());
            outbox::claim(connection, outbox::Claiming { partitions, lease, places, now }, after)
        };
        let outbox::Claimed { claims, after, more } = self.database.write(claim).await?;
        *self.after.lock().unwrap_or_else(PoisonError::into_inner) = after;
        if more {
            self.due.notify_one();
        }
        Ok(claims)
    }

    async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        let (clock, held) = (self.clock.clone(), outbox::Held::of(claim));
        let settle = move |c: &Connection| outbox::settle(c, held, settlement.clone(), event, clock.now());
        let settled = self.database.write(settle).await?;
        self.due.notify_one();
        Ok(settled)
    }

    async fn note_attempt(
        &self,
        claim: &Claim,
        attempt: FailedAttempt,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        let (clock, held) = (self.clock.clone(), outbox::Held::of(claim));
        let note = move |c: &Connection| outbox::note_attempt(c, held, attempt.clone(), event, clock.now());
        self.database.write(note).await
    }

    async fn receive(&self, report: ReceiptReport) -> Result<Received, StoreError> {
        let clock = self.clock.clone();
        self.database.write(move |connection| receipts::receive(connection, &report, clock.now())).await
    }

    async fn bind_provider_message(
        &self,
        message: &ProviderMessage,
        to: (RecordKey, MessageId),
    ) -> Result<Option<ParkedReceipt>, StoreError> {
        let (clock, message) = (self.clock.clone(), message.clone());
        self.database.write(move |connection| receipts::bind(connection, &message, to, clock.now())).await
    }

    async fn find_provider_message(
        &self,
        message: &ProviderMessage,
        park: Option<ParkedReceipt>,
    ) -> Result<Option<(RecordKey, MessageId)>, StoreError> {
        let (clock, message) = (self.clock.clone(), message.clone());
        let find = move |c: &Connection| receipts::find(c, &message, park.clone(), clock.now());
        self.database.write(find).await
    }

    async fn take(&self, take: Take) -> Result<Duration, StoreError> {
        let clock = self.clock.clone();
        self.database.write(move |connection| buckets::take_one(connection, &take, clock.now())).await
    }

    async fn due_arrived(&self) {
        self.due.notified().await;
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.database.write(|_| Ok(())).await
    }

    async fn messages_waiting(&self) -> Result<u64, StoreError> {
        self.database.read(outbox::waiting).await
    }

    async fn unrecorded(&self, partitions: Range<u16>, limit: usize) -> Result<Unrecorded, StoreError> {
        let clock = self.clock.clone();
        // Asked of the writer: every act before this one is then committed, so
        // what is read next holds all events up to that time.
        let now = self.database.write(move |_| Ok(clock.now())).await?;
        let read = move |connection: &Connection| backlog::unrecorded(connection, partitions, limit);
        let events = self.database.read(read).await?;
        Ok(Unrecorded { drained: events.len() < limit, events, now, backlog: self.backlog.read() })
    }

    async fn recorded_until(&self) -> Result<Timestamp, StoreError> {
        let clock = self.clock.clone();
        // Asked of the writer: what is not among the events then, is none or recorded.
        self.database.write(move |c| Ok(backlog::oldest(c)?.unwrap_or_else(|| clock.now()))).await
    }

    async fn trim(&self, positions: &[Position]) -> Result<(), StoreError> {
        let (clock, backlog, positions) = (self.clock.clone(), self.backlog.clone(), positions.to_vec());
        self.database.write(move |connection| backlog.trim(connection, &positions, clock.now())).await
    }
}

/// Carries an act out unless a request with its Idempotency-Key did before.
fn answer<T>(
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

/// Loads a record, lets `act` change it, and writes it back with the event that `act` says.
fn change<T>(
    connection: &Connection,
    key: RecordKey,
    event: EventId,
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
        append_event(connection, key, event, now, &kind)?;
    }
    Ok(Some(Seen { outcome, record, now }))
}

fn erase(
    connection: &Connection,
    (tenant, mode, number): (TenantId, Mode, Fingerprint),
    now: Timestamp,
) -> Result<Erasure, StoreError> {
    let mut canceled = 0;
    for standing in load_number(connection, &number_key(tenant, mode, number))?.standing {
        let key = RecordKey { tenant, mode, id: standing.id };
        // A verification is erased once, so its own id, turned over, is unique among events.
        let event = EventId::from_bytes(standing.id.bytes().map(|byte| !byte));
        change(connection, key, event, now, |_, record, now| {
            let ended = record.cancel(now) == CancelOutcome::Canceled;
            canceled += u64::from(ended);
            record.contact.clear();
            record.code.clear();
            Ok(((), ended.then_some(EventKind::Canceled(CancelReason::Client))))
        })?;
    }
    Ok(Erasure { canceled, now })
}

fn check(
    connection: &Connection,
    key: RecordKey,
    code: &SubmittedCode,
    event: EventId,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<CheckFound>, StoreError> {
    let seen = change(connection, key, event, now, |connection, record, now| {
        let number_key = number_key(key.tenant, key.mode, record.number);
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

fn cancel(
    connection: &Connection,
    key: RecordKey,
    event: EventId,
    now: Timestamp,
) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
    change(connection, key, event, now, |_, record, now| {
        let outcome = record.cancel(now);
        let canceled = outcome == CancelOutcome::Canceled;
        Ok((outcome, canceled.then_some(EventKind::Canceled(CancelReason::Client))))
    })
}

/// The pending verification of a listing of which one is pending at most: the
/// newest whose record stands, if it is.
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

fn start(
    connection: &Connection,
    new: &NewVerification,
    history_backlog: bool,
    now: Timestamp,
) -> Result<StartOutcome, StoreError> {
    let key = new.key;
    let number_key = number_key(key.tenant, key.mode, new.record.number);
    let mut number = load_number(connection, &number_key)?;
    let pending = match &new.exclusive {
        Some(exclusive) => pending(connection, key, &number, exclusive.listing, now)?,
        None => None,
    };
    let replaces = new.exclusive.and_then(|exclusive| exclusive.replaces);
    let changed = pending.is_some() && pending != replaces.map(|(id, _)| id);
    let look = buckets::look(connection, &new.takes, now)?;
    let (mut limits, number_hit) = match number.admit(&new.number_limits, now) {
        Ok(states) => (states, None),
        Err(hit) => (Vec::new(), Some(hit)),
    };
    let refusal = Refusal { outer: look.hit(&new.takes), history_backlog, changed, number: number_hit };
    if let Some(refused) = refusal.first() {
        return Ok(refused);
    }
    limits.extend_from_slice(&look.states);
    let record = new.begun(now);
    let standing = Standing { id: key.id, listing: new.listing(), until: record.kept_until() };
    number.stand(standing, now);
    save_number(connection, &number_key, &number)?;
    buckets::take(connection, &look)?;
    if let (Some(id), Some((_, event))) = (pending, replaces) {
        cancel(connection, RecordKey { id, ..key }, event, now)?;
    }
    records::create(connection, key, &record)?;
    if !record.review {
        outbox::queue(connection, key, record.message, now)?;
    }
    let started = new.started(&record, &limits);
    append_event(connection, key, new.event, now, &EventKind::Started(Box::new(started)))?;
    outcomes::keep(connection, new.once.as_ref(), &Outcome::Started(Progress::of(key.id, &record)), now)?;
    Ok(StartOutcome::Started { record, limits })
}
