//! Stores that hold just what the page reads.

use async_trait::async_trait;
use countersign_core::{
    console::{Inbox, InboxMessage},
    event::Event,
    history::{History, HourlyCounts, ListQuery, PastVerification, ReportQuery},
    id::{EventId, KeyId, ProfileId, TenantId, VerificationId},
    key::{Key, Mode},
    keyring::Fingerprint,
    ports::{
        Claim, Codes, Directory, KeyChange, NewVerification, Position, Seen, Settled, StartOutcome,
        StoreError, Unrecorded,
    },
    profile::{Profile, ProfileName},
    tenant::Tenant,
    time::Timestamp,
    verification::{
        CancelOutcome, CheckOutcome, RecordKey, Resend, ResendOutcome, Settlement, SubmittedCode,
    },
};
use std::{ops::Range, sync::Mutex, time::Duration};
use tokio::sync::Notify;

fn absent<T>() -> Result<T, StoreError> {
    Err(StoreError::unavailable("the page does not use this"))
}

/// An inbox in memory.
#[derive(Default)]
pub struct MemoryInbox {
    messages: Mutex<Vec<InboxMessage>>,
    arrived: Notify,
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn put(&self, message: &InboxMessage) -> Result<(), StoreError> {
        self.messages.lock().unwrap().insert(0, message.clone());
        self.arrived.notify_waiters();
        Ok(())
    }

    async fn list(&self, to: Option<&str>, limit: u16) -> Result<Vec<InboxMessage>, StoreError> {
        let messages = self.messages.lock().unwrap();
        let chosen = messages.iter().filter(|message| to.is_none_or(|to| message.to == to));
        Ok(chosen.take(limit.into()).cloned().collect())
    }

    async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// Codes that know one timeline, and nothing else.
#[derive(Default)]
pub struct OneTimeline(pub Mutex<Option<(RecordKey, Vec<Event>)>>);

#[async_trait]
impl Codes for OneTimeline {
    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        let known = self.0.lock().unwrap().clone();
        Ok(known.filter(|(known, _)| *known == key).map(|(_, events)| events).unwrap_or_default())
    }

    async fn start(&self, _: NewVerification) -> Result<StartOutcome, StoreError> {
        absent()
    }

    async fn check(
        &self,
        _: RecordKey,
        _: SubmittedCode,
        _: EventId,
    ) -> Result<Option<Seen<CheckOutcome>>, StoreError> {
        absent()
    }

    async fn resend(
        &self,
        _: RecordKey,
        _: Resend,
        _: EventId,
    ) -> Result<Option<Seen<ResendOutcome>>, StoreError> {
        absent()
    }

    async fn cancel(&self, _: RecordKey, _: EventId) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        absent()
    }

    async fn read(&self, _: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        absent()
    }

    async fn find(
        &self,
        _: TenantId,
        _: Mode,
        _: Fingerprint,
        _: ProfileId,
    ) -> Result<Option<VerificationId>, StoreError> {
        absent()
    }

    async fn claim(&self, _: Range<u16>, _: Duration, _: usize) -> Result<Vec<Claim>, StoreError> {
        absent()
    }

    async fn settle(&self, _: &Claim, _: Settlement, _: EventId) -> Result<Settled, StoreError> {
        absent()
    }

    async fn due_arrived(&self) {}

    async fn ping(&self) -> Result<(), StoreError> {
        absent()
    }

    async fn backlog(&self) -> Result<u64, StoreError> {
        absent()
    }

    async fn unrecorded(&self, _: Range<u16>, _: usize) -> Result<Unrecorded, StoreError> {
        absent()
    }

    async fn trim(&self, _: &[Position]) -> Result<(), StoreError> {
        absent()
    }
}

/// A history of nothing.
pub struct NoHistory;

#[async_trait]
impl History for NoHistory {
    async fn read(&self, _: RecordKey) -> Result<Option<PastVerification>, StoreError> {
        absent()
    }
    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
    }
    async fn list(&self, _: TenantId, _: Mode, _: &ListQuery) -> Result<Vec<PastVerification>, StoreError> {
        absent()
    }
    async fn erase(&self, _: TenantId, _: Mode, _: Fingerprint, _: Timestamp) -> Result<u64, StoreError> {
        absent()
    }
    async fn report(&self, _: TenantId, _: Mode, _: &ReportQuery) -> Result<Vec<HourlyCounts>, StoreError> {
        absent()
    }
}

/// A directory that the page never asks.
pub struct NoDirectory;

#[async_trait]
impl Directory for NoDirectory {
    async fn create_tenant(&self, _: &Tenant, _: &Profile) -> Result<(), StoreError> {
        absent()
    }

    async fn tenant(&self, _: TenantId) -> Result<Option<Tenant>, StoreError> {
        absent()
    }

    async fn list_tenants(&self, _: Option<TenantId>, _: u16) -> Result<Vec<Tenant>, StoreError> {
        absent()
    }

    async fn presented_key(&self, _: KeyId) -> Result<Option<Key>, StoreError> {
        absent()
    }

    async fn create_key(&self, _: &Key) -> Result<(), StoreError> {
        absent()
    }

    async fn key(&self, _: TenantId, _: KeyId) -> Result<Option<Key>, StoreError> {
        absent()
    }

    async fn list_keys(&self, _: TenantId, _: Option<KeyId>, _: u16) -> Result<Vec<Key>, StoreError> {
        absent()
    }

    async fn update_key(
        &self,
        _: TenantId,
        _: KeyId,
        _: KeyChange,
        _: Timestamp,
    ) -> Result<Option<Key>, StoreError> {
        absent()
    }

    async fn delete_key(&self, _: TenantId, _: KeyId, _: Timestamp) -> Result<bool, StoreError> {
        absent()
    }

    async fn touch_keys(&self, _: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError> {
        absent()
    }

    async fn profile(&self, _: TenantId, _: &ProfileName) -> Result<Option<Profile>, StoreError> {
        absent()
    }

    async fn list_profiles(&self, _: TenantId) -> Result<Vec<Profile>, StoreError> {
        absent()
    }

    async fn save_profile(&self, _: &Profile, _: Timestamp) -> Result<(), StoreError> {
        absent()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        absent()
    }
}
