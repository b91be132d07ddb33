//! What clients do with live verifications.

use crate::{
    id::{EventId, RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::{
        codes::acts::{CheckFound, Erasure, NewVerification, Seen, StartOutcome},
        error::StoreError,
    },
    verification::{
        event::Event,
        idempotency::{Answer, Once, Replay},
        number::Listing,
        outcome::{CancelOutcome, ResendOutcome},
        request::{Resend, SubmittedCode},
    },
};
use async_trait::async_trait;

/// Live verifications and the limits of numbers.
///
/// All times are the store's. An act that answers an error has changed
/// nothing, or at most what a repeat of it would find done.
#[async_trait]
pub trait Verifications: Send + Sync {
    /// Counts the start against its limits, makes the verification, queues its
    /// message and notes the event: all or nothing. A refused start takes nothing.
    async fn start(&self, new: NewVerification) -> Result<Answer<StartOutcome>, StoreError>;

    /// Evaluates one submitted code; `event` is used if it changes anything.
    async fn check(
        &self,
        key: RecordKey,
        code: SubmittedCode,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError>;

    /// Queues another message.
    async fn resend(
        &self,
        key: RecordKey,
        resend: Resend,
        event: EventId,
        once: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError>;

    /// Ends the verification on the client's word.
    async fn cancel(&self, key: RecordKey, event: EventId)
    -> Result<Option<Seen<CancelOutcome>>, StoreError>;

    /// What came of a request with this Idempotency-Key about this number, if there was one.
    async fn replay(&self, number: Fingerprint, once: &Once) -> Result<Option<Replay>, StoreError>;

    /// Begins the count of wrong codes for a number anew and says how many there were.
    async fn clear_guesses(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
    ) -> Result<u16, StoreError>;

    /// Ends the live verifications of a number, and takes number and notes out
    /// of every record of it that stands.
    async fn erase(&self, tenant: TenantId, mode: Mode, number: Fingerprint) -> Result<Erasure, StoreError>;

    /// The record, if it still stands.
    async fn read(&self, key: RecordKey) -> Result<Option<Seen<()>>, StoreError>;

    /// The newest pending verification of the listing for the number, else the
    /// newest whose record still stands.
    async fn find(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        listing: Listing,
    ) -> Result<Option<VerificationId>, StoreError>;

    /// What happened to the verification, oldest first, as far as it is not
    /// recorded yet.
    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError>;
}
