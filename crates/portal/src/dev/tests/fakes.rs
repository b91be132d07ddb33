//! Stores with just the data that the page reads.

use async_trait::async_trait;
use countersign_core::{
    access::actor::Who,
    fakes::codes::{WithoutEventLog, WithoutOutbox, WithoutPeers},
    history::query::{ConversionQuery, HourlyCounts, ListQuery, PastVerification, ReportQuery, WayCounts},
    id::{RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    people::pool::PoolCount,
    ports::{
        codes::{
            Codes,
            acts::{CheckFound, Erasure, NewVerification, Seen, StartOutcome},
            verifications::Verifications,
        },
        error::StoreError,
        history::History,
        inbox::{Inbox, InboxMessage},
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
use std::sync::Mutex;
use tokio::sync::Notify;

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

/// A codes store that has one timeline and nothing else.
#[derive(Default)]
pub struct OneTimeline(pub Mutex<Option<(RecordKey, Vec<Event>)>>);

#[async_trait]
impl Verifications for OneTimeline {
    async fn start(&self, _: NewVerification) -> Result<Answer<StartOutcome>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
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

    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        let known = self.0.lock().unwrap().clone();
        Ok(known.filter(|(known, _)| *known == key).map(|(_, events)| events).unwrap_or_default())
    }

    async fn pool_count(&self, _: [u8; 16]) -> Result<Option<PoolCount>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }
}

#[async_trait]
impl Codes for OneTimeline {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl WithoutOutbox for OneTimeline {}
impl WithoutEventLog for OneTimeline {}
impl WithoutPeers for OneTimeline {}

/// An empty history.
pub struct NoHistory;

#[async_trait]
impl History for NoHistory {
    async fn read(&self, _: RecordKey) -> Result<Option<PastVerification>, StoreError> {
        Err(StoreError::unavailable("no part of this test"))
    }

    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        Ok(Vec::new())
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
