//! An outbox and a directory in memory: just enough for one worker. The rules
//! of a real store are held by the stores' own tests.

use countersign_core::{
    Caller, Context,
    event::Event,
    history::{History, HourlyCounts, ListQuery, PastVerification, ReportQuery},
    id::{EventId, KeyId, ProfileId, TenantId, VerificationId},
    key::{Key, Mode},
    keyring::{Fingerprint, KeyRing, VersionedKey},
    ports::{
        Claim, Clock, Codes, Directory, KeyChange, NewVerification, Phase, Position, Seen, Settled,
        StartOutcome, StoreError, Unrecorded,
    },
    profile::{Policy, Profile, ProfileName},
    read::Metadata,
    scope::Scopes,
    start::{StartRequest, start_verification},
    tenant::{Tenant, TenantName},
    testmode::parse_number,
    time::Timestamp,
    verification::{
        CancelOutcome, CheckOutcome, RecordKey, Resend, ResendOutcome, Settlement, SubmittedCode,
    },
};
use std::{
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

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

pub(super) fn context(codes: &Arc<MemoryCodes>) -> Context {
    let key = || vec![VersionedKey { version: 1, key: [3; 32] }];
    Context {
        codes: codes.clone(),
        directory: Arc::new(Company),
        history: Arc::new(NoHistory),
        keyring: Arc::new(KeyRing::new([5; 32], key(), key()).unwrap()),
        partitions: 4,
        live_route: true,
    }
}

/// Queues a message through the core, as a client's call would.
pub(super) async fn start(codes: &Arc<MemoryCodes>, mode: Mode, to: &str) {
    let caller = Caller {
        tenant: TenantId::from_bytes([1; 16]),
        key: KeyId::from_bytes([1; 16]),
        mode,
        scopes: Scopes::all(),
        expires_at: None,
    };
    let request = StartRequest {
        to: parse_number(to).unwrap(),
        profile: ProfileName::default(),
        code_length: None,
        expires_in: None,
        origin: None,
        app_hash: None,
        metadata: Metadata::default(),
    };
    let mut rng = rand::make_rng::<rand::rngs::StdRng>();
    start_verification(&context(codes), &caller, request, Fixed.now(), &mut rng).await.unwrap();
}

pub(super) fn spoil_code(claim: &mut Claim) {
    *claim.record.code.last_mut().unwrap() ^= 1;
}

pub(super) fn spoil_contact(claim: &mut Claim) {
    *claim.record.contact.last_mut().unwrap() ^= 1;
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
impl Codes for MemoryCodes {
    async fn start(&self, new: NewVerification) -> Result<StartOutcome, StoreError> {
        let (message, record) = (new.record.message, new.record.clone());
        let claim = Claim { key: new.key, message, attempt: 0, phase: Phase::Send, record };
        self.state.lock().unwrap().waiting.push((Instant::now(), claim));
        self.due.notify_one();
        Ok(StartOutcome::Started(new.record))
    }

    async fn check(
        &self,
        _: RecordKey,
        _: SubmittedCode,
        _: EventId,
    ) -> Result<Option<Seen<CheckOutcome>>, StoreError> {
        Ok(None)
    }

    async fn resend(
        &self,
        _: RecordKey,
        _: Resend,
        _: EventId,
    ) -> Result<Option<Seen<ResendOutcome>>, StoreError> {
        Ok(None)
    }

    async fn cancel(&self, _: RecordKey, _: EventId) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        Ok(None)
    }

    async fn read(&self, _: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        Ok(None)
    }

    async fn find(
        &self,
        _: TenantId,
        _: Mode,
        _: Fingerprint,
        _: ProfileId,
    ) -> Result<Option<VerificationId>, StoreError> {
        Ok(None)
    }

    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }

    async fn claim(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let (mut state, now) = (self.state.lock().unwrap(), Instant::now());
        state.claims += 1;
        if state.is_down {
            return Err(StoreError::unavailable("down"));
        }
        let due = |(at, claim): &&mut (Instant, Claim)| {
            *at <= now && partitions.contains(&claim.key.id.partition())
        };
        let taken = state.waiting.iter_mut().filter(due).take(limit).map(|(at, claim)| {
            *at = now + lease;
            claim.attempt += 1;
            claim.clone()
        });
        Ok(taken.collect())
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
        let next = match &settlement {
            Settlement::Accepted { receipt: Some((delivery, after)), .. } => {
                claim.phase = Phase::Receipt(*delivery);
                Some(*after)
            }
            Settlement::Retry { after, .. } => Some(*after),
            _ => None,
        };
        state.waiting.extend(next.map(|after| (Instant::now() + after, claim)));
        state.settlements.push(settlement);
        Ok(Settled::Done)
    }

    async fn due_arrived(&self) {
        self.due.notified().await;
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn backlog(&self) -> Result<u64, StoreError> {
        Ok(self.state.lock().unwrap().waiting.len() as u64)
    }

    async fn unrecorded(&self, _: Range<u16>, _: usize) -> Result<Unrecorded, StoreError> {
        away()
    }

    async fn trim(&self, _: &[Position]) -> Result<(), StoreError> {
        away()
    }
}

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::unavailable("a worker does not ask for this"))
}

struct NoHistory;

#[async_trait::async_trait]
impl History for NoHistory {
    async fn read(&self, _: RecordKey) -> Result<Option<PastVerification>, StoreError> {
        away()
    }
    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        away()
    }
    async fn list(&self, _: TenantId, _: Mode, _: &ListQuery) -> Result<Vec<PastVerification>, StoreError> {
        away()
    }
    async fn erase(&self, _: TenantId, _: Mode, _: Fingerprint, _: Timestamp) -> Result<u64, StoreError> {
        away()
    }
    async fn report(&self, _: TenantId, _: Mode, _: &ReportQuery) -> Result<Vec<HourlyCounts>, StoreError> {
        away()
    }
}

/// A directory that knows one company and cannot be changed.
struct Company;

#[async_trait::async_trait]
impl Directory for Company {
    async fn create_tenant(&self, _: &Tenant, _: &Profile) -> Result<(), StoreError> {
        Err(StoreError::Conflict)
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let name = TenantName::parse("Acme").unwrap();
        Ok(Some(Tenant { id, name, created_at: Fixed.now() }))
    }

    async fn list_tenants(&self, _: Option<TenantId>, _: u16) -> Result<Vec<Tenant>, StoreError> {
        Ok(Vec::new())
    }

    async fn presented_key(&self, _: KeyId) -> Result<Option<Key>, StoreError> {
        Ok(None)
    }

    async fn create_key(&self, _: &Key) -> Result<(), StoreError> {
        Err(StoreError::Conflict)
    }

    async fn key(&self, _: TenantId, _: KeyId) -> Result<Option<Key>, StoreError> {
        Ok(None)
    }

    async fn list_keys(&self, _: TenantId, _: Option<KeyId>, _: u16) -> Result<Vec<Key>, StoreError> {
        Ok(Vec::new())
    }

    async fn update_key(
        &self,
        _: TenantId,
        _: KeyId,
        _: KeyChange,
        _: Timestamp,
    ) -> Result<Option<Key>, StoreError> {
        Ok(None)
    }

    async fn delete_key(&self, _: TenantId, _: KeyId, _: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn touch_keys(&self, _: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn profile(&self, tenant: TenantId, name: &ProfileName) -> Result<Option<Profile>, StoreError> {
        let (id, name) = (ProfileId::from_bytes([1; 16]), name.clone());
        Ok(Some(Profile { id, tenant, name, policy: Policy::default(), created_at: Fixed.now() }))
    }

    async fn list_profiles(&self, _: TenantId) -> Result<Vec<Profile>, StoreError> {
        Ok(Vec::new())
    }

    async fn save_profile(&self, _: &Profile, _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Conflict)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
