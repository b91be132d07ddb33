//! The codes store on Redis. Each operation has a file of its own, which gathers the input of its script and
//! reads the reply. The short operations are here.

use super::{
    approval::Approvals,
    cancel, check,
    events::Backlog,
    limits::Limits,
    link::Link,
    numbers,
    outbox::Outbox,
    pools, receipts, relays, resend,
    server::{self, Servers},
    start,
    store::Store,
    url::RedisUrl,
    wake::Wake,
    workers,
};
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
            outbox::{self as port, Claim, Settled},
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
use std::{ops::Range, sync::Arc, time::Duration};

/// The options for opening the store.
#[derive(Clone)]
pub struct RedisOptions {
    /// The number of partitions of the phone numbers, fixed when the installation is made.
    pub partitions: u16,
    /// The maximum size of the events that wait for the history, in bytes.
    pub event_budget: u64,
    /// The number of replicas that must have an approval before the server answers it.
    pub confirm_replicas: u32,
    /// Identifies the installation. The store refuses nodes with another identity.
    pub identity: Vec<u8>,
    /// A clock that a test sets; otherwise the servers' clocks are used.
    pub clock: Option<Arc<dyn Clock>>,
}

/// The codes store for many machines.
pub struct RedisCodes {
    pub(super) store: Arc<Store>,
    pub(super) limits: Limits,
    pub(super) outbox: Outbox,
    pub(super) backlog: Arc<Backlog>,
    pub(super) approvals: Option<Approvals>,
    pub(super) wake: Wake,
}

impl RedisCodes {
    /// Connects to the servers.
    pub async fn open(url: &RedisUrl, options: RedisOptions) -> Result<Self, StoreError> {
        let RedisOptions { partitions, event_budget, confirm_replicas, identity, clock } = options;
        let store = Arc::new(Store::new(Link::open(url).await?, partitions, clock));
        store.claim_installation(&identity).await?;
        let backlog = Backlog::open(&store, event_budget).await?;
        let approvals = (confirm_replicas > 0).then(|| Approvals::new(confirm_replicas));
        let outbox = Outbox::new(Arc::clone(&store));
        let wake = Wake::new(Arc::clone(&store), outbox.arrivals());
        let limits = Limits::new(Arc::clone(&store));
        Ok(Self { store, limits, outbox, backlog, approvals, wake })
    }

    /// Reaches the same servers by a URL with another password, user or certificates from now on, once they
    /// answer so; whether it is another one. Until then, and after an error, all goes on as before.
    pub async fn change_access(&self, url: &RedisUrl) -> Result<bool, StoreError> {
        let changed = self.store.link.change(url).await?;
        if let Some(approvals) = self.approvals.as_ref().filter(|_| changed) {
            approvals.forget_masters();
        }
        Ok(changed)
    }

    /// Reaches the servers as [`RedisCodes::open`] does, runs a script that only reads in every partition, and
    /// says whether an installation claimed them; with `identity`, only this one may have. It claims nothing.
    pub async fn look(url: &RedisUrl, partitions: u16, identity: Option<&[u8]>) -> Result<bool, StoreError> {
        let store = Arc::new(Store::new(Link::open(url).await?, partitions, None));
        let claimed = store.find_installation(identity).await?;
        Backlog::open(&store, u64::MAX).await?;
        Ok(claimed)
    }

    /// Reads how the servers are configured.
    pub async fn ask_servers(url: &RedisUrl) -> Result<Servers, StoreError> {
        server::ask_all(url).await
    }
}

#[async_trait]
impl Verifications for RedisCodes {
    async fn start(&self, new: NewVerification) -> Result<Answer<StartOutcome>, StoreError> {
        start::start(self, new).await
    }

    async fn check(
        &self,
        key: RecordKey,
        code: SubmittedCode,
        event: ActEvent,
        once: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError> {
        check::check(self, key, code, event, once).await
    }

    async fn resend(
        &self,
        key: RecordKey,
        resend: Resend,
        event: ActEvent,
        once: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
        resend::resend(self, key, resend, event, once).await
    }

    async fn cancel(
        &self,
        key: RecordKey,
        event: ActEvent,
    ) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        cancel::cancel(&self.store, key, event).await
    }

    async fn replay(&self, number: Fingerprint, once: &Once) -> Result<Option<Replay>, StoreError> {
        self.store.replay(number.partition(self.store.partitions), once).await
    }

    async fn clear_guesses(
        &self,
        _: TenantId,
        mode: Mode,
        fingerprint: Fingerprint,
    ) -> Result<u16, StoreError> {
        numbers::clear_guesses(&self.store, mode, fingerprint).await
    }

    async fn erase(
        &self,
        tenant: TenantId,
        mode: Mode,
        fingerprint: Fingerprint,
        who: Who,
    ) -> Result<Erasure, StoreError> {
        numbers::erase(&self.store, tenant, mode, fingerprint, who).await
    }

    async fn read(&self, key: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        self.store.read(key).await
    }

    async fn find(
        &self,
        tenant: TenantId,
        mode: Mode,
        fingerprint: Fingerprint,
        listing: Listing,
    ) -> Result<Option<VerificationId>, StoreError> {
        numbers::find(&self.store, (tenant, mode, fingerprint), listing).await
    }

    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        self.backlog.timeline(key).await
    }

    async fn pool_count(&self, key: [u8; 16]) -> Result<Option<PoolCount>, StoreError> {
        pools::count(&self.store, &key).await
    }
}

#[async_trait]
impl port::Outbox for RedisCodes {
    async fn claim(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        self.outbox.claim(partitions, lease, places).await
    }

    async fn claim_arrived(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        self.outbox.claim_arrived(partitions, lease, places).await
    }

    async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        self.outbox.settle(claim, settlement, event).await
    }

    async fn note_attempt(
        &self,
        claim: &Claim,
        attempt: FailedAttempt,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        self.outbox.note_attempt(claim, attempt, event).await
    }

    async fn receive(&self, report: ReceiptReport) -> Result<Received, StoreError> {
        receipts::receive(&self.store, &report).await
    }

    async fn bind_provider_message(
        &self,
        message: &ProviderMessage,
        to: (RecordKey, MessageId),
    ) -> Result<Option<ParkedReceipt>, StoreError> {
        receipts::bind(&self.store, message, to).await
    }

    async fn find_provider_message(
        &self,
        message: &ProviderMessage,
        park: Option<ParkedReceipt>,
    ) -> Result<Option<(RecordKey, MessageId)>, StoreError> {
        receipts::find(&self.store, message, park).await
    }

    async fn take(&self, take: Take) -> Result<Duration, StoreError> {
        self.limits.take_one(&take).await
    }

    async fn due_arrived(&self) {
        self.outbox.due_arrived().await;
    }

    async fn messages_waiting(&self) -> Result<u64, StoreError> {
        self.backlog.messages_waiting().await
    }
}

#[async_trait]
impl EventLog for RedisCodes {
    async fn unrecorded(&self, partitions: Range<u16>, limit: usize) -> Result<Unrecorded, StoreError> {
        self.backlog.unrecorded(partitions, limit).await
    }

    async fn trim(&self, positions: &[Position]) -> Result<(), StoreError> {
        self.backlog.trim(positions).await
    }

    async fn recorded_until(&self) -> Result<Timestamp, StoreError> {
        self.backlog.recorded_until().await
    }
}

#[async_trait]
impl Peers for RedisCodes {
    async fn share(&self, worker: NodeId, partitions: u16) -> Result<Range<u16>, StoreError> {
        let share = workers::share(&self.store, worker, partitions).await?;
        self.wake.follow(share.clone());
        Ok(share)
    }

    async fn leave(&self, worker: NodeId) -> Result<(), StoreError> {
        self.wake.follow(0..0);
        workers::leave(&self.store, worker).await
    }

    async fn relay(&self, relay: &Relay) -> Result<(), StoreError> {
        relays::tell(&self.store, relay).await
    }

    async fn relayed(&self, mark: &str) -> Result<Option<Relayed>, StoreError> {
        relays::read(&self.store.link, mark).await.map(Some)
    }
}

#[async_trait]
impl Codes for RedisCodes {
    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
