//! The operations of clients on live verifications.

use crate::{
    access::actor::Who,
    id::{RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    people::pool::PoolCount,
    ports::{
        codes::acts::{CheckFound, Erasure, NewVerification, Seen, StartOutcome},
        error::StoreError,
    },
    verification::{
        event::{ActEvent, Event},
        idempotency::{Answer, Once, Replay},
        number::Listing,
        outcome::{CancelOutcome, ResendOutcome},
        request::{Resend, SubmittedCode},
    },
};
use async_trait::async_trait;

/// Live verifications and the limits of phone numbers.
///
/// All times are by the store's clock. If a method returns an error, it has changed nothing, or only what a
/// repeat of it would find done.
#[async_trait]
pub trait Verifications: Send + Sync {
    /// Counts the start against its limits and its message against the member's pool, creates the verification, queues its message and records the
    /// event, or does none of this. A refused start counts against no limit and no pool.
    async fn start(&self, new: NewVerification) -> Result<Answer<StartOutcome>, StoreError>;

    /// Checks one submitted code. `event` is the event if the check changes anything.
    async fn check(
        &self,
        key: RecordKey,
        code: SubmittedCode,
        event: ActEvent,
        once: Option<Once>,
    ) -> Result<Answer<Option<CheckFound>>, StoreError>;

    /// Queues another message.
    async fn resend(
        &self,
        key: RecordKey,
        resend: Resend,
        event: ActEvent,
        once: Option<Once>,
    ) -> Result<Answer<Option<Seen<ResendOutcome>>>, StoreError>;

    /// Ends the verification because the client asked for it.
    async fn cancel(
        &self,
        key: RecordKey,
        event: ActEvent,
    ) -> Result<Option<Seen<CancelOutcome>>, StoreError>;

    /// The stored outcome of a request with this Idempotency-Key about this phone number, if there is one.
    async fn replay(&self, number: Fingerprint, once: &Once) -> Result<Option<Replay>, StoreError>;

    /// Resets the count of wrong codes for a phone number. Returns the old count.
    async fn clear_guesses(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
    ) -> Result<u16, StoreError>;

    /// Ends the live verifications of a phone number, and removes number and notes from all its records.
    async fn erase(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        who: Who,
    ) -> Result<Erasure, StoreError>;

    /// The record, if it has not expired.
    async fn read(&self, key: RecordKey) -> Result<Option<Seen<()>>, StoreError>;

    /// The newest pending verification of the phone number in the lookup group, else the newest whose record
    /// is still in the store.
    async fn find(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        listing: Listing,
    ) -> Result<Option<VerificationId>, StoreError>;

    /// The events of the verification that the history has not recorded yet, oldest first.
    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError>;

    /// The count of the member's pool with this key, if the store has one.
    async fn pool_count(&self, key: [u8; 16]) -> Result<Option<PoolCount>, StoreError>;
}
