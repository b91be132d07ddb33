//! The codes store on SQLite. Each method is one transaction of the writer, or a read.

use super::{
    acts::{self, answer},
    backlog::{self, Backlog},
    buckets,
    clock::StoreClock,
    outbox, pools, receipts,
    records::{self, load, number_key},
    settle::{self, Held},
    start::start,
};
use crate::sqlite::{Database, Options, sqlite_error};
use async_trait::async_trait;
use countersign_core::{
    access::actor::Who,
    delivery::places::Places,
    id::{EventId, MessageId, NodeId, RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    people::pool::PoolCount,
    ports::{
        clock::Clock,
        codes::{
            Codes,
            acts::{CheckFound, Erasure, NewVerification, Seen, StartOutcome},
            events::{EventLog, Position, Unrecorded},
            outbox::{Claim, Outbox, Settled},
            peers::Peers,
            verifications::Verifications,
        },
        error::StoreError,
    },
    snapshot::ends::{Relay, Relayed},
    tenant::limits::Take,
    time::Timestamp,
    verification::{
        event::{ActEvent, Event},
        idempotency::{Answer, Once, Replay},
        number::Listing,
        outcome::{CancelOutcome, ResendOutcome},
        receipt::{FailedAttempt, ParkedReceipt, ProviderMessage, ReceiptReport, Received},
        request::{Resend, SubmittedCode},
        settlement::Settlement,
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

/// The codes store of one machine. The server locks the data folder, so no other process writes this file.
pub struct SqliteCodes {
    database: Database,
    clock: Arc<StoreClock>,
    due: Notify,
    /// The tenant that the last claim reached when it had no room for all messages.
    after: Mutex<Option<TenantId>>,
    backlog: Arc<Backlog>,
}

/// The options for opening the store.
#[derive(Clone, Copy, Debug)]
pub struct CodesOptions {
    /// Whether a power cut may lose no committed operation.
    pub full_sync: bool,
    /// The maximum size of the events that wait for the history, in bytes.
    pub event_budget: u64,
}

impl SqliteCodes {
    /// Opens the file, and creates it if it does not exist.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>, options: CodesOptions) -> Result<Self, StoreError> {
        let database = Database::open(path, Options { full_sync: options.full_sync })?;
        let arrange = |connection: &Connection| {
            connection.execute_batch(include_str!("schema.sql")).map_err(sqlite_error)?;
            records::add_authors(connection)
        };
        database.write(arrange).await?;
        let clock = Arc::new(StoreClock::new(clock));
        let now = clock.now();
        let backlog = Arc::new(Backlog::new(options.event_budget));
        let count = backlog.clone();
        let begin = move |connection: &Connection| {
            records::pull_back(connection, now)?;
            // The waiting events are counted once here, and then with each start.
            count.begin(connection, now)
        };
        database.write(begin).await?;
        Ok(Self { database, clock, due: Notify::new(), after: Mutex::default(), backlog })
    }

    pub fn file(&self) -> &Database {
        &self.database
    }
}

#[async_trait]
impl Verifications for SqliteCodes {
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
        event: ActEvent,
        once: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError> {
        let clock = self.clock.clone();
        let check = move |c: &Connection| {
            let now = clock.now();
            answer(c, once.as_ref(), now, || acts::check(c, key, &code, event, once.as_ref(), now))
        };
        self.database.write(check).await
    }

    async fn resend(
        &self,
        key: RecordKey,
        resend: Resend,
        event: ActEvent,
        once: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
        let clock = self.clock.clone();
        let act = move |connection: &Connection| {
            let now = clock.now();
            answer(connection, once.as_ref(), now, || {
                acts::resend(connection, key, &resend, event, once.as_ref(), now)
            })
        };
        let answer = self.database.write(act).await?;
        if matches!(&answer, Answer::Fresh(Some(Seen { outcome: ResendOutcome::Queued, .. }))) {
            self.due.notify_one();
        }
        Ok(answer)
    }

    async fn cancel(
        &self,
        key: RecordKey,
        event: ActEvent,
    ) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        let clock = self.clock.clone();
        self.database.write(move |connection| acts::cancel(connection, key, event, clock.now())).await
    }

    async fn replay(&self, _: Fingerprint, once: &Once) -> Result<Option<Replay>, StoreError> {
        let clock = self.clock.clone();
        self.database.peek(|connection| super::outcomes::find(connection, once, clock.now())).await
    }

    async fn clear_guesses(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
    ) -> Result<u16, StoreError> {
        let clock = self.clock.clone();
        let clear =
            move |c: &Connection| acts::clear_guesses(c, &number_key(tenant, mode, number), clock.now());
        self.database.write(clear).await
    }

    async fn erase(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        who: Who,
    ) -> Result<Erasure, StoreError> {
        let clock = self.clock.clone();
        let erase = move |c: &Connection| acts::erase(c, (tenant, mode, number), who, clock.now());
        self.database.write(erase).await
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
        let find = move |c: &Connection| acts::find(c, (tenant, mode, number), listing, clock.now());
        self.database.peek(find).await
    }

    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        self.database.read(move |connection| records::timeline(connection, key)).await
    }

    async fn pool_count(&self, key: [u8; 16]) -> Result<Option<PoolCount>, StoreError> {
        self.database.peek(|connection| pools::count(connection, &key)).await
    }
}

#[async_trait]
impl Outbox for SqliteCodes {
    async fn claim(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        let clock = self.clock.clone();
        let due = clock.now();
        // Most polls find nothing due, and a read needs no commit.
        let look = |c: &Connection| Ok((records::anything_to_sweep(c, due)?, outbox::anything_due(c, due)?));
        let (to_sweep, to_claim) = self.database.peek(look).await?;
        if to_sweep {
            // The sweep is a transaction of its own, so that neither it nor the claim can prevent the other.
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

    async fn claim_arrived(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        self.claim(partitions, lease, places).await
    }

    async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        let (clock, held) = (self.clock.clone(), Held::of(claim));
        let settle = move |c: &Connection| settle::settle(c, held, settlement.clone(), event, clock.now());
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
        let (clock, held) = (self.clock.clone(), Held::of(claim));
        let note = move |c: &Connection| settle::note_attempt(c, held, attempt.clone(), event, clock.now());
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

    async fn messages_waiting(&self) -> Result<u64, StoreError> {
        self.database.read(outbox::waiting).await
    }
}

#[async_trait]
impl EventLog for SqliteCodes {
    async fn unrecorded(&self, partitions: Range<u16>, limit: usize) -> Result<Unrecorded, StoreError> {
        let clock = self.clock.clone();
        // Ask the writer for the time: every earlier operation has then been committed, so the following read
        // sees all events up to this time.
        let now = self.database.write(move |_| Ok(clock.now())).await?;
        let read = move |connection: &Connection| backlog::unrecorded(connection, partitions, limit);
        let events = self.database.read(read).await?;
        Ok(Unrecorded { drained: events.len() < limit, events, now, backlog: self.backlog.read() })
    }

    async fn trim(&self, positions: &[Position]) -> Result<(), StoreError> {
        let (clock, backlog, positions) = (self.clock.clone(), self.backlog.clone(), positions.to_vec());
        self.database.write(move |connection| backlog.trim(connection, &positions, clock.now())).await
    }

    async fn recorded_until(&self) -> Result<Timestamp, StoreError> {
        let clock = self.clock.clone();
        // Ask the writer: an event that is missing then does not exist or has been recorded.
        self.database.write(move |c| Ok(backlog::oldest(c)?.unwrap_or_else(|| clock.now()))).await
    }
}

#[async_trait]
impl Peers for SqliteCodes {
    async fn share(&self, _: NodeId, partitions: u16) -> Result<Range<u16>, StoreError> {
        Ok(0..partitions)
    }

    async fn leave(&self, _: NodeId) -> Result<(), StoreError> {
        Ok(())
    }

    async fn relay(&self, _: &Relay) -> Result<(), StoreError> {
        Ok(())
    }

    async fn relayed(&self, _: &str) -> Result<Option<Relayed>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl Codes for SqliteCodes {
    async fn ping(&self) -> Result<(), StoreError> {
        self.database.write(|_| Ok(())).await
    }
}
