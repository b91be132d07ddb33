//! Stores that know one key and one profile and can start; all else is away.

use crate::{KeyUses, State};
use async_trait::async_trait;
use countersign_core::{
    Context,
    event::Event,
    history::{History, HourlyCounts, ListQuery, PastVerification, ReportQuery},
    id::{EventId, KeyId, ProfileId, TenantId, VerificationId},
    key::{Key, Mode, PresentedKey},
    keyring::{Fingerprint, KeyRing, VersionedKey},
    ports::{
        Claim, Clock, Codes, Directory, KeyChange, NewVerification, Position, Seen, Settled, StartOutcome,
        StoreError, Unrecorded,
    },
    profile::{Policy, Profile, ProfileName},
    scope::Scopes,
    tenant::Tenant,
    time::Timestamp,
    verification::{
        CancelOutcome, CheckOutcome, RecordKey, Resend, ResendOutcome, Settlement, SubmittedCode,
    },
};
use std::{ops::Range, sync::Arc, time::Duration};

pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const TENANT: TenantId = TenantId::from_bytes([7; 16]);

pub struct Stores(Key);

fn presented(mode: Mode) -> PresentedKey {
    PresentedKey::from_secret(mode, KeyId::from_bytes([9; 16]), [1; 32])
}

/// The key as a client presents it.
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

/// The state of an app whose one key holds `scopes`.
pub fn state(mode: Mode, scopes: Scopes, disabled: bool) -> State {
    let secret = presented(mode);
    let stores = Arc::new(Stores(Key {
        id: secret.id,
        tenant: TENANT,
        mode,
        name: "one".to_owned(),
        scopes,
        secret_hash: secret.hash(),
        disabled,
        expires_at: None,
        created_at: NOW,
        last_used_at: None,
        version: 1,
    }));
    let keys = || vec![VersionedKey { version: 1, key: [3; 32] }];
    let keyring = Arc::new(KeyRing::new([2; 32], keys(), keys()).unwrap());
    let context = Context {
        codes: stores.clone(),
        history: stores.clone(),
        directory: stores,
        keyring,
        partitions: 4,
        live_route: true,
    };
    State { context, clock: Arc::new(Noon), key_uses: Arc::new(KeyUses::default()) }
}

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::unavailable("the engine's own words"))
}

#[async_trait]
impl Codes for Stores {
    async fn start(&self, new: NewVerification) -> Result<StartOutcome, StoreError> {
        let mut record = new.record;
        record.expires_at = NOW + new.expires_in;
        record.resend_at = NOW + Duration::from_secs(30);
        Ok(StartOutcome::Started(record))
    }
    async fn check(
        &self,
        _: RecordKey,
        _: SubmittedCode,
        _: EventId,
    ) -> Result<Option<Seen<CheckOutcome>>, StoreError> {
        away()
    }
    async fn resend(
        &self,
        _: RecordKey,
        _: Resend,
        _: EventId,
    ) -> Result<Option<Seen<ResendOutcome>>, StoreError> {
        away()
    }
    async fn cancel(&self, _: RecordKey, _: EventId) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        away()
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
        away()
    }
    async fn claim(&self, _: Range<u16>, _: Duration, _: usize) -> Result<Vec<Claim>, StoreError> {
        away()
    }
    async fn settle(&self, _: &Claim, _: Settlement, _: EventId) -> Result<Settled, StoreError> {
        away()
    }
    async fn due_arrived(&self) {}
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
    async fn backlog(&self) -> Result<u64, StoreError> {
        away()
    }
    async fn unrecorded(&self, _: Range<u16>, _: usize) -> Result<Unrecorded, StoreError> {
        away()
    }
    async fn trim(&self, _: &[Position]) -> Result<(), StoreError> {
        away()
    }
}

#[async_trait]
impl History for Stores {
    async fn read(&self, _: RecordKey) -> Result<Option<PastVerification>, StoreError> {
        Ok(None)
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

#[async_trait]
impl Directory for Stores {
    async fn create_tenant(&self, _: &Tenant, _: &Profile) -> Result<(), StoreError> {
        away()
    }
    async fn tenant(&self, _: TenantId) -> Result<Option<Tenant>, StoreError> {
        away()
    }
    async fn list_tenants(&self, _: Option<TenantId>, _: u16) -> Result<Vec<Tenant>, StoreError> {
        away()
    }
    async fn presented_key(&self, key: KeyId) -> Result<Option<Key>, StoreError> {
        Ok((key == self.0.id).then(|| self.0.clone()))
    }
    async fn create_key(&self, _: &Key) -> Result<(), StoreError> {
        Ok(())
    }
    async fn key(&self, tenant: TenantId, key: KeyId) -> Result<Option<Key>, StoreError> {
        Ok((tenant == TENANT && key == self.0.id).then(|| self.0.clone()))
    }
    async fn list_keys(&self, _: TenantId, _: Option<KeyId>, limit: u16) -> Result<Vec<Key>, StoreError> {
        Ok(vec![self.0.clone(); limit.into()])
    }
    async fn update_key(
        &self,
        _: TenantId,
        _: KeyId,
        change: KeyChange,
        _: Timestamp,
    ) -> Result<Option<Key>, StoreError> {
        let name = change.name.unwrap_or_else(|| self.0.name.clone());
        Ok(Some(Key { name, ..self.0.clone() }))
    }
    async fn delete_key(&self, _: TenantId, _: KeyId, _: Timestamp) -> Result<bool, StoreError> {
        away()
    }
    async fn touch_keys(&self, _: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError> {
        away()
    }
    async fn profile(&self, tenant: TenantId, name: &ProfileName) -> Result<Option<Profile>, StoreError> {
        Ok((*name == ProfileName::default()).then(|| Profile {
            id: ProfileId::from_bytes([5; 16]),
            tenant,
            name: name.clone(),
            policy: Policy::default(),
            created_at: NOW,
        }))
    }
    async fn list_profiles(&self, _: TenantId) -> Result<Vec<Profile>, StoreError> {
        away()
    }
    async fn save_profile(&self, _: &Profile, _: Timestamp) -> Result<(), StoreError> {
        away()
    }
    async fn ping(&self) -> Result<(), StoreError> {
        away()
    }
}
