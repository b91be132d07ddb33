//! The traits of a codes store that a test does not use.

use super::not_asked;
use crate::{
    access::actor::Who,
    delivery::places::Places,
    id::{EventId, MessageId, NodeId, RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    people::pool::PoolCount,
    ports::{
        codes::{
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
use async_trait::async_trait;
use std::{ops::Range, time::Duration};

/// A store whose test never uses its [`Verifications`].
pub trait WithoutVerifications: Send + Sync {}

#[async_trait]
impl<T: WithoutVerifications> Verifications for T {
    async fn start(&self, _: NewVerification) -> Result<Answer<StartOutcome>, StoreError> {
        not_asked()
    }

    async fn check(
        &self,
        _: RecordKey,
        _: SubmittedCode,
        _: ActEvent,
        _: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError> {
        not_asked()
    }

    async fn resend(
        &self,
        _: RecordKey,
        _: Resend,
        _: ActEvent,
        _: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
        not_asked()
    }

    async fn replay(&self, _: Fingerprint, _: &Once) -> Result<Option<Replay>, StoreError> {
        not_asked()
    }

    async fn cancel(&self, _: RecordKey, _: ActEvent) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        not_asked()
    }

    async fn clear_guesses(&self, _: TenantId, _: Mode, _: Fingerprint) -> Result<u16, StoreError> {
        not_asked()
    }

    async fn erase(&self, _: TenantId, _: Mode, _: Fingerprint, _: Who) -> Result<Erasure, StoreError> {
        not_asked()
    }

    async fn read(&self, _: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        not_asked()
    }

    async fn find(
        &self,
        _: TenantId,
        _: Mode,
        _: Fingerprint,
        _: Listing,
    ) -> Result<Option<VerificationId>, StoreError> {
        not_asked()
    }

    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        not_asked()
    }

    async fn pool_count(&self, _: [u8; 16]) -> Result<Option<PoolCount>, StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Outbox`].
pub trait WithoutOutbox: Send + Sync {}

#[async_trait]
impl<T: WithoutOutbox> Outbox for T {
    async fn claim(&self, _: Range<u16>, _: Duration, _: Places) -> Result<Vec<Claim>, StoreError> {
        not_asked()
    }

    async fn claim_arrived(&self, _: Range<u16>, _: Duration, _: Places) -> Result<Vec<Claim>, StoreError> {
        not_asked()
    }

    async fn settle(&self, _: &Claim, _: Settlement, _: EventId) -> Result<Settled, StoreError> {
        not_asked()
    }

    async fn note_attempt(&self, _: &Claim, _: FailedAttempt, _: EventId) -> Result<Settled, StoreError> {
        not_asked()
    }

    async fn receive(&self, _: ReceiptReport) -> Result<Received, StoreError> {
        not_asked()
    }

    async fn bind_provider_message(
        &self,
        _: &ProviderMessage,
        _: (RecordKey, MessageId),
    ) -> Result<Option<ParkedReceipt>, StoreError> {
        not_asked()
    }

    async fn find_provider_message(
        &self,
        _: &ProviderMessage,
        _: Option<ParkedReceipt>,
    ) -> Result<Option<(RecordKey, MessageId)>, StoreError> {
        not_asked()
    }

    async fn take(&self, _: Take) -> Result<Duration, StoreError> {
        not_asked()
    }

    async fn due_arrived(&self) {
        std::future::pending().await
    }

    async fn messages_waiting(&self) -> Result<u64, StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`EventLog`].
pub trait WithoutEventLog: Send + Sync {}

#[async_trait]
impl<T: WithoutEventLog> EventLog for T {
    async fn unrecorded(&self, _: Range<u16>, _: usize) -> Result<Unrecorded, StoreError> {
        not_asked()
    }

    async fn trim(&self, _: &[Position]) -> Result<(), StoreError> {
        not_asked()
    }

    async fn recorded_until(&self) -> Result<Timestamp, StoreError> {
        not_asked()
    }
}

/// A store that belongs to one process alone: it has no [`Peers`].
pub trait WithoutPeers: Send + Sync {}

#[async_trait]
impl<T: WithoutPeers> Peers for T {
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
