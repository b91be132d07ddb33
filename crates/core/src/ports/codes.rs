//! The codes store. Each method is one atomic act: one transaction or one script.

pub mod acts;
pub mod events;
pub mod outbox;
pub mod refusal;

use crate::{
    delivery::places::Places,
    id::{EventId, MessageId, NodeId, RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::{
        codes::{
            acts::{CheckFound, Erasure, NewVerification, Seen, StartOutcome},
            events::{Position, Unrecorded},
            outbox::{Claim, Settled},
        },
        error::StoreError,
    },
    snapshot::ends::{Relay, Relayed},
    tenant::limits::Take,
    time::Timestamp,
    verification::{
        event::Event,
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

/// After this long without a word a worker is dead, and its share that of the others.
pub const WORKER_SILENCE: Duration = Duration::from_secs(6);

/// Live verifications, the limits of numbers, the outbox and the newest events.
///
/// All times are the store's. An act that answers an error has changed
/// nothing, or at most what a repeat of it would find done.
#[async_trait]
#[expect(unused_variables, reason = "the parameters of methods that a test's store leaves out")]
pub trait Codes: Send + Sync {
    /// Counts the start against its limits, makes the verification, queues its
    /// message and notes the event: all or nothing. A refused start takes nothing.
    async fn start(&self, new: NewVerification) -> Result<Answer<StartOutcome>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Evaluates one submitted code; `event` is used if it changes anything.
    async fn check(
        &self,
        key: RecordKey,
        code: SubmittedCode,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Queues another message.
    async fn resend(
        &self,
        key: RecordKey,
        resend: Resend,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Ends the verification on the client's word.
    async fn cancel(
        &self,
        key: RecordKey,
        event: EventId,
    ) -> Result<Option<Seen<CancelOutcome>>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// What came of a request with this Idempotency-Key about this number, if there was one.
    async fn replay(&self, number: Fingerprint, once: &Once) -> Result<Option<Replay>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Begins the count of wrong codes for a number anew and says how many there were.
    async fn clear_guesses(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
    ) -> Result<u16, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Ends the live verifications of a number, and takes number and notes out
    /// of every record of it that stands.
    async fn erase(&self, tenant: TenantId, mode: Mode, number: Fingerprint) -> Result<Erasure, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The record, if it still stands.
    async fn read(&self, key: RecordKey) -> Result<Option<Seen<()>>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The newest pending verification of the listing for the number, else the
    /// newest whose record still stands.
    async fn find(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        listing: Listing,
    ) -> Result<Option<VerificationId>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// What happened to the verification, oldest first, as far as it is not
    /// recorded yet.
    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Takes due messages of the partitions, as many as there are places for, and
    /// holds them for `lease`: one of each tenant in turn, of each the oldest first.
    /// What is left for want of a place is as due as before. Messages whose verification
    /// is over, or that a resend replaced, are dropped here and never handed out; so
    /// are, without a word, those that were delivered, and of those that are awaited
    /// all that are over or replaced.
    async fn claim(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The same for those partitions only in which a message may have become
    /// due since the last look, or was left for want of a place that there is now;
    /// the others wait for a look at all.
    async fn claim_arrived(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        self.claim(partitions, lease, places).await
    }

    /// Notes how a claimed message ended, if the claim is still the newest. A
    /// repeat with the same `event` changes nothing, and answers as the first
    /// until that event is recorded; where there is none, the claim is lost then.
    async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Notes an attempt that failed and extends the lease, if the claim is still
    /// the newest and its message still wanted: it goes on to the next provider.
    /// `Lost` if not; a message that nobody needs is dropped by the next claim.
    async fn note_attempt(
        &self,
        claim: &Claim,
        attempt: FailedAttempt,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Notes what a provider reports of a message. A receipt that comes late or
    /// twice changes nothing that is true.
    async fn receive(&self, report: ReceiptReport) -> Result<Received, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Notes for [`ProviderMessage::BOUND_FOR`] which message it is that a
    /// provider calls so, and gives the receipt that came before; of any number,
    /// one that says delivered.
    async fn bind_provider_message(
        &self,
        message: &ProviderMessage,
        to: (RecordKey, MessageId),
    ) -> Result<Option<ParkedReceipt>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Which message it is that a provider calls so. While that is not known,
    /// leaves the receipt for [`ProviderMessage::PARKED_FOR`] to whoever says it:
    /// either this finds the message, or that finds the receipt.
    async fn find_provider_message(
        &self,
        message: &ProviderMessage,
        park: Option<ParkedReceipt>,
    ) -> Result<Option<(RecordKey, MessageId)>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Takes one from a bucket that no start takes from, all nodes together: zero
    /// if there was one. Else nothing is taken, and this is the wait until one may be there.
    async fn take(&self, take: Take) -> Result<Duration, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Resolves when a message may have become due since the last call; it may
    /// resolve for nothing. Workers poll besides.
    async fn due_arrived(&self) {
        std::future::pending().await
    }

    /// Answers if acts are carried out.
    async fn ping(&self) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Messages that wait, whether due or not; without those that a provider
    /// has and whose receipt is awaited.
    async fn messages_waiting(&self) -> Result<u64, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The oldest events of the partitions that the history does not have yet.
    async fn unrecorded(&self, partitions: Range<u16>, limit: usize) -> Result<Unrecorded, StoreError> {
        Err(StoreError::unsupported())
    }

    /// These are recorded now, and may go. None goes before.
    async fn trim(&self, positions: &[Position]) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// The time up to which the history has every event of every partition,
    /// whoever recorded it.
    async fn recorded_until(&self) -> Result<Timestamp, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Says that this worker lives, and gives the partitions that are its share
    /// among those that do. A worker that says nothing for [`WORKER_SILENCE`]
    /// is dead. Shares may overlap for a moment: no act relies on them.
    async fn share(&self, worker: NodeId, partitions: u16) -> Result<Range<u16>, StoreError> {
        Ok(0..partitions)
    }

    /// This worker ends; the others take its share over at once.
    async fn leave(&self, worker: NodeId) -> Result<(), StoreError> {
        Ok(())
    }

    /// Tells the other nodes, where the store is shared with any.
    async fn relay(&self, relay: &Relay) -> Result<(), StoreError> {
        Ok(())
    }

    /// What the nodes told after the mark, which is empty at first. `None`
    /// where the store is no other node's.
    async fn relayed(&self, mark: &str) -> Result<Option<Relayed>, StoreError> {
        Ok(None)
    }
}
