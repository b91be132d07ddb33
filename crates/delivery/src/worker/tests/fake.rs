//! An outbox and a directory in memory, just enough for one worker. The stores' own tests check the rules of
//! real stores.

use crate::{Accounts, AddressPolicy, Outbound, providers::Means};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        scope::Scopes,
        share::Share,
    },
    acts::start::{request::StartRequest, start_verification},
    context::{Context, Management, Replica},
    delivery::places::Places,
    fakes::{
        codes::{WithoutEventLog, WithoutPeers},
        directory::NoDirectory,
        history::NoHistory,
    },
    id::{EventId, KeyId, MessageId, ProfileId, RecordKey, TenantId, VerificationId},
    keyring::{Fingerprint, KeyRing, VersionedKey},
    mode::Mode,
    people::pool::PoolCount,
    phone::magic::parse_number,
    ports::{
        clock::Clock,
        codes::{
            Codes,
            acts::{CheckFound, Erasure, NewVerification, Seen, StartOutcome},
            outbox::{Claim, Outbox, Settled},
            verifications::Verifications,
        },
        error::StoreError,
    },
    snapshot::{Snapshot, news::News, view::TenantView},
    tenant::{
        Tenant, TenantName,
        limits::Take,
        profile::{Profile, ProfileName},
    },
    time::Timestamp,
    verification::{
        event::{ActEvent, Event},
        idempotency::{Answer, Once, Replay},
        layout::RECORD,
        number::Listing,
        outcome::{CancelOutcome, ResendOutcome},
        receipt::{FailedAttempt, ParkedReceipt, ProviderMessage, ReceiptReport, Received},
        record::Record,
        request::{Resend, SubmittedCode},
        settlement::{Phase, Settlement},
    },
};
use std::{
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000)
    }

    fn steady(&self) -> Duration {
        Duration::from_millis(1_790_000_000_000)
    }
}

/// Accounts without any entry.
pub(super) fn accounts() -> Arc<Accounts> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let outbound = Outbound::new(AddressPolicy::default()).unwrap();
    let means = Means { outbound, clock: Arc::new(Fixed), reports: mpsc::channel(1).0 };
    let key = || vec![VersionedKey { version: 1, key: [3; 32] }];
    let keyring = Arc::new(KeyRing::new([5; 32], key(), key()).unwrap());
    Arc::new(Accounts::new(means, keyring, mpsc::channel(1).0))
}

pub(super) fn context(codes: &Arc<MemoryCodes>) -> Context {
    let key = || vec![VersionedKey { version: 1, key: [3; 32] }];
    let management = Management {
        replica: Replica {
            directory: Arc::new(NoDirectory),
            snapshot: Arc::new(company()),
            peers: Some(codes.clone()),
        },
        keyring: Arc::new(KeyRing::new([5; 32], key(), key()).unwrap()),
        gateways: Arc::new(countersign_core::fakes::gateways::NoGateways::default()),
        live_route: true,
    };
    Context {
        management,
        codes: codes.clone(),
        history: Arc::new(NoHistory),
        webhooks: Arc::new(countersign_core::fakes::webhooks::NoWebhooks),
        partitions: 4,
    }
}

/// Queues a message through core, as a client's call would.
pub(super) async fn start(codes: &Arc<MemoryCodes>, mode: Mode, to: &str) {
    let caller = Actor {
        tenant: TenantId::from_bytes([1; 16]),
        who: Who::Key(KeyId::from_bytes([1; 16])),
        mode,
        member: None,
        profiles: Share::all(),
        grants: Scopes::all(),
        until: None,
        allowlist: Default::default(),
        address: Some(std::net::Ipv4Addr::LOCALHOST.into()),
    };
    let request = StartRequest::plain(parse_number(to).unwrap());
    let mut rng = rand::make_rng::<rand::rngs::StdRng>();
    start_verification(&context(codes), &caller, request, None, Fixed.now(), &mut rng).await.unwrap();
}

pub(super) fn spoil_code(claim: &mut Claim) {
    let mut packed = claim.record.pack();
    // The sealed code is the last value.
    *packed.last_mut().unwrap() ^= 1;
    claim.record = Record::unpack(&packed).unwrap();
}

pub(super) fn spoil_contact(claim: &mut Claim) {
    let mut packed = claim.record.pack();
    // The sealed contact is the first value behind the fixed part.
    packed[RECORD.last().unwrap().last() + 2] ^= 1;
    claim.record = Record::unpack(&packed).unwrap();
}

#[derive(Default)]
struct State {
    waiting: Vec<(Instant, Claim)>,
    settlements: Vec<Settlement>,
    claims: usize,
    is_down: bool,
    failing_settlements: usize,
}

#[derive(Default)]
pub(super) struct MemoryCodes {
    state: Mutex<State>,
    due: Notify,
}

impl MemoryCodes {
    pub(super) fn settlements(&self) -> Vec<Settlement> {
        self.state.lock().unwrap().settlements.clone()
    }

    pub(super) fn claims(&self) -> usize {
        self.state.lock().unwrap().claims
    }

    pub(super) fn change(&self, change: fn(&mut Claim)) {
        self.state.lock().unwrap().waiting.iter_mut().for_each(|(_, claim)| change(claim));
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.state.lock().unwrap().is_down = is_down;
    }

    pub(super) fn fail_settlements(&self, times: usize) {
        self.state.lock().unwrap().failing_settlements = times;
    }
}

#[async_trait::async_trait]
impl Verifications for MemoryCodes {
    async fn start(&self, new: NewVerification) -> Result<Answer<StartOutcome>, StoreError> {
        let (message, record) = (new.record.message(), new.record.clone());
        let claim = Claim { key: new.key, message, attempt: 0, phase: Phase::Send, record };
        self.state.lock().unwrap().waiting.push((Instant::now(), claim));
        self.due.notify_one();
        Ok(Answer::Fresh(StartOutcome::Started { record: new.record, limits: Vec::new() }))
    }

    async fn check(
        &self,
        _: RecordKey,
        _: SubmittedCode,
        _: ActEvent,
        _: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn resend(
        &self,
        _: RecordKey,
        _: Resend,
        _: ActEvent,
        _: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn replay(&self, _: Fingerprint, _: &Once) -> Result<Option<Replay>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn cancel(&self, _: RecordKey, _: ActEvent) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn clear_guesses(&self, _: TenantId, _: Mode, _: Fingerprint) -> Result<u16, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn erase(&self, _: TenantId, _: Mode, _: Fingerprint, _: Who) -> Result<Erasure, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn read(&self, _: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn find(
        &self,
        _: TenantId,
        _: Mode,
        _: Fingerprint,
        _: Listing,
    ) -> Result<Option<VerificationId>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn pool_count(&self, _: [u8; 16]) -> Result<Option<PoolCount>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }
}

#[async_trait::async_trait]
impl Outbox for MemoryCodes {
    async fn claim(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        mut places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        let (mut state, now) = (self.state.lock().unwrap(), Instant::now());
        state.claims += 1;
        if state.is_down {
            return Err(StoreError::unavailable("down"));
        }
        let due = |(at, claim): &&mut (Instant, Claim)| {
            *at <= now && partitions.contains(&claim.key.id.partition())
        };
        let mut taken = Vec::new();
        for (at, claim) in state.waiting.iter_mut().filter(due) {
            if places.room(claim.key.tenant) > 0 {
                places.take(claim.key.tenant);
                *at = now + lease;
                claim.attempt += 1;
                taken.push(claim.clone());
            }
        }
        Ok(taken)
    }

    async fn claim_arrived(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        self.claim(partitions, lease, places).await
    }

    async fn settle(&self, claim: &Claim, settlement: Settlement, _: EventId) -> Result<Settled, StoreError> {
        let mut state = self.state.lock().unwrap();
        if state.failing_settlements > 0 {
            state.failing_settlements -= 1;
            return Err(StoreError::unavailable("busy"));
        }
        let held = |(_, c): &(Instant, Claim)| c.message == claim.message && c.attempt == claim.attempt;
        let Some(index) = state.waiting.iter().position(held) else { return Ok(Settled::Lost) };
        let (_, mut claim) = state.waiting.remove(index);
        if let Some((after, phase)) = claim.phase.next(&settlement) {
            claim.phase = phase;
            state.waiting.push((Instant::now() + after, claim));
        }
        state.settlements.push(settlement);
        Ok(Settled::Done)
    }

    async fn note_attempt(&self, _: &Claim, _: FailedAttempt, _: EventId) -> Result<Settled, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn receive(&self, _: ReceiptReport) -> Result<Received, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn bind_provider_message(
        &self,
        _: &ProviderMessage,
        _: (RecordKey, MessageId),
    ) -> Result<Option<ParkedReceipt>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn find_provider_message(
        &self,
        _: &ProviderMessage,
        _: Option<ParkedReceipt>,
    ) -> Result<Option<(RecordKey, MessageId)>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn take(&self, _: Take) -> Result<Duration, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn due_arrived(&self) {
        self.due.notified().await;
    }

    async fn messages_waiting(&self) -> Result<u64, StoreError> {
        Ok(self.state.lock().unwrap().waiting.len() as u64)
    }
}

#[async_trait::async_trait]
impl Codes for MemoryCodes {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl WithoutEventLog for MemoryCodes {}
impl WithoutPeers for MemoryCodes {}

fn company() -> Snapshot {
    let (id, name) = (TenantId::from_bytes([1; 16]), TenantName::parse("Acme").unwrap());
    let mut view = TenantView::new(Tenant::new(id, name, Fixed.now()));
    let profile = Profile::first(ProfileId::from_bytes([1; 16]), id, Fixed.now());
    view.profiles.insert(ProfileName::default(), profile);
    let snapshot = Snapshot::default();
    assert!(snapshot.apply(0, News { up_to: 1, tenants: vec![(id, Some(view))], ..News::default() }));
    snapshot
}
