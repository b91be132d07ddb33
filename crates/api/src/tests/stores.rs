//! Stores that know one key and one profile and can carry out a start. Everything else fails.

use crate::{Api, AuthFailures, KeyUses, Strays};
use actix_web::web::Data;
use async_trait::async_trait;
use countersign_core::{
    access::{
        actor::Who,
        address::{TrustedProxies, parse_proxy},
        allowlist::Allowlist,
        change::Change,
        key::{Key, PresentedKey},
        scope::{Scope, Scopes},
        share::Share,
    },
    context::{Context, Management, Replica},
    fakes::{
        codes::{WithoutEventLog, WithoutOutbox, WithoutPeers},
        directory::{
            WithoutAudit, WithoutProfiles, WithoutResources, WithoutReviews, WithoutSettings, WithoutTenants,
            WithoutUses,
        },
        people::{WithoutInvitations, WithoutMembers, WithoutPeople},
    },
    history::query::{ConversionQuery, HourlyCounts, ListQuery, PastVerification, ReportQuery, WayCounts},
    id::{KeyId, ProfileId, RecordKey, TenantId, VerificationId},
    keyring::{Fingerprint, KeyRing, VersionedKey},
    mode::Mode,
    people::{notice::SealedNotice, pool::PoolCount},
    ports::{
        clock::Clock,
        codes::{
            Codes,
            acts::{CheckFound, Erasure, NewVerification, Seen, StartOutcome},
            verifications::Verifications,
        },
        directory::{
            changes::Changes,
            keys::{Judged, KeyChange, Keys, Rotation},
            members::Acting,
        },
        error::StoreError,
        history::History,
    },
    snapshot::{Snapshot, news::News, view::TenantView},
    tenant::{
        OPERATOR, Tenant, TenantName,
        profile::{Profile, ProfileName},
    },
    time::Timestamp,
    verification::{
        event::{ActEvent, Event},
        idempotency::{Answer, Once, Replay},
        number::Listing,
        outcome::{CancelOutcome, ResendOutcome},
        request::{Resend, SubmittedCode},
    },
};
use countersign_web::State;
use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const TENANT: TenantId = TenantId::from_bytes([7; 16]);

pub struct Stores(Key);

fn presented(mode: Mode) -> PresentedKey {
    PresentedKey::from_secret(mode, KeyId::from_bytes([9; 16]), [1; 32])
}

/// The key as a client sends it.
pub fn key_text(mode: Mode) -> String {
    presented(mode).expose().to_string()
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn steady(&self) -> Duration {
        Duration::from_micros(NOW.micros().unsigned_abs())
    }
}

/// A clock whose steady time the test sets.
#[derive(Default)]
pub struct Hand(Mutex<Duration>);

impl Hand {
    pub fn turn(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn steady(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

/// An API with one key, which has `scopes`.
pub fn api(mode: Mode, scopes: Scopes, disabled: bool) -> Api {
    let secret = presented(mode);
    let stores = Arc::new(Stores(Key {
        id: secret.id,
        // The scope of the operator is of no use in another tenant.
        tenant: if scopes.contains(Scope::Operator) { OPERATOR } else { TENANT },
        mode,
        name: "one".to_owned(),
        scopes,
        secret_hash: secret.hash(),
        disabled,
        expires_at: None,
        allowlist: Allowlist::default(),
        replaced_by: None,
        member: None,
        made_by: None,
        profiles: Share::all(),
        created_at: NOW,
        last_used_at: None,
        version: 1,
    }));
    let keys = || vec![VersionedKey { version: 1, key: [3; 32] }];
    let keyring = Arc::new(KeyRing::new([2; 32], keys(), keys()).unwrap());
    let snapshot = Arc::new(snapshot(stores.0.clone()));
    snapshot.mark(Instant::now());
    let management = Management {
        replica: Replica { directory: stores.clone(), snapshot, peers: Some(stores.clone()) },
        keyring,
        gateways: Arc::new(countersign_core::fakes::gateways::NoGateways::default()),
        live_route: true,
    };
    let context = Context {
        management,
        codes: stores.clone(),
        history: stores.clone(),
        webhooks: Arc::new(countersign_core::fakes::webhooks::NoWebhooks),
        partitions: 4,
    };
    let clock: Arc<dyn Clock> = Arc::new(Noon);
    let failures = Arc::new(AuthFailures::new(NonZeroU32::MIN, Arc::clone(&clock)));
    let proxies = TrustedProxies::new(vec![parse_proxy("10.0.0.0/8").unwrap()]).unwrap();
    let strays = Arc::new(Strays::new(Arc::clone(&clock)));
    let key_uses = Arc::new(KeyUses::default());
    let body_timeout = Duration::from_secs(10);
    let state =
        State { context, clock, proxies, public_url: None, secure: false, body_timeout, notices: None };
    Api { state: Data::new(state), key_uses, failures, strays }
}

fn snapshot(key: Key) -> Snapshot {
    let tenant = Tenant::new(key.tenant, TenantName::parse("Acme").unwrap(), NOW);
    let mut view = TenantView::new(tenant);
    let profile = Profile::first(ProfileId::from_bytes([5; 16]), key.tenant, NOW);
    view.profiles.insert(ProfileName::default(), profile);
    let (keys, tenants) = (vec![(key.id, Some(key.clone()))], vec![(key.tenant, Some(view))]);
    let snapshot = Snapshot::default();
    assert!(snapshot.apply(0, News { up_to: 1, keys, tenants, ..News::default() }));
    snapshot
}

#[async_trait]
impl Verifications for Stores {
    async fn start(&self, new: NewVerification) -> Result<Answer<StartOutcome>, StoreError> {
        Ok(Answer::Fresh(StartOutcome::Started { record: new.begun(NOW), limits: Vec::new() }))
    }

    async fn check(
        &self,
        _: RecordKey,
        _: SubmittedCode,
        _: ActEvent,
        _: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError> {
        Err(StoreError::unavailable("the engine's own words"))
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
        Ok(None)
    }

    async fn find(
        &self,
        _: TenantId,
        _: Mode,
        _: Fingerprint,
        _: Listing,
    ) -> Result<Option<VerificationId>, StoreError> {
        Ok(None)
    }

    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn pool_count(&self, _: [u8; 16]) -> Result<Option<PoolCount>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }
}

#[async_trait]
impl Codes for Stores {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl WithoutOutbox for Stores {}
impl WithoutEventLog for Stores {}
impl WithoutPeers for Stores {}

#[async_trait]
impl History for Stores {
    async fn read(&self, _: RecordKey) -> Result<Option<PastVerification>, StoreError> {
        Ok(None)
    }

    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn list(&self, _: TenantId, _: Mode, _: &ListQuery) -> Result<Vec<PastVerification>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn erase(&self, _: TenantId, _: Mode, _: Fingerprint, _: Timestamp) -> Result<u64, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn report(&self, _: TenantId, _: Mode, _: &ReportQuery) -> Result<Vec<HourlyCounts>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn conversion(
        &self,
        _: TenantId,
        _: Mode,
        _: &ConversionQuery,
    ) -> Result<Vec<WayCounts>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }
}

#[async_trait]
impl Keys for Stores {
    async fn presented_key(&self, _: KeyId) -> Result<Option<Key>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn create_key(
        &self,
        _: &Key,
        _: Option<(TenantId, &Once)>,
        _: Option<Acting>,
        _: &[SealedNotice],
        _: &Change,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    async fn rotate_key(
        &self,
        _: &Rotation,
        _: Option<&Once>,
        _: Option<Judged>,
        _: &Change,
    ) -> Result<(), StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn key(&self, tenant: TenantId, key: KeyId) -> Result<Option<Key>, StoreError> {
        Ok((tenant == self.0.tenant && key == self.0.id).then(|| self.0.clone()))
    }

    async fn list_keys(&self, _: TenantId, _: Option<KeyId>, limit: u16) -> Result<Vec<Key>, StoreError> {
        Ok(vec![self.0.clone(); limit.into()])
    }

    async fn update_key(
        &self,
        _: TenantId,
        _: KeyId,
        change: KeyChange,
        _: Option<Judged>,
        _: &Change,
    ) -> Result<Option<Key>, StoreError> {
        let name = change.name.unwrap_or_else(|| self.0.name.clone());
        Ok(Some(Key { name, ..self.0.clone() }))
    }

    async fn delete_key(
        &self,
        _: TenantId,
        _: KeyId,
        _: Option<Judged>,
        _: &Change,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }
}

#[async_trait]
impl Changes for Stores {
    async fn news(&self, _: i64) -> Result<Option<News>, StoreError> {
        Ok(None)
    }

    async fn forget_changes(&self, _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn answered(&self, _: TenantId, _: &Once, _: Timestamp) -> Result<Option<[u8; 16]>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn forget_answered(&self, _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }
}

impl WithoutTenants for Stores {}
impl WithoutUses for Stores {}
impl WithoutAudit for Stores {}
impl WithoutPeople for Stores {}
impl WithoutMembers for Stores {}
impl WithoutInvitations for Stores {}
impl WithoutProfiles for Stores {}
impl WithoutSettings for Stores {}
impl WithoutReviews for Stores {}
impl WithoutResources for Stores {}
