//! What waits for a code: half-way sign-ins and proofs.

use crate::{
    access::key::HashedSecret,
    id::{SessionId, VerificationId},
    people::{account::Account, proof::Proof, session::HalfSignIn},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

#[async_trait]
pub trait PendingCodes: Send + Sync {
    /// Begins a half-way sign-in. The person must have its epoch; else the error is `Moved`.
    async fn begin_half(&self, half: &HalfSignIn) -> Result<(), StoreError>;

    /// The half-way sign-in with this secret, if it has not expired and its person still has its epoch.
    async fn half(
        &self,
        secret: HashedSecret,
        now: Timestamp,
    ) -> Result<Option<(HalfSignIn, Account)>, StoreError>;

    /// Notes that a code was sent. Returns `Moved` if another request did so since, or the row is gone.
    async fn note_half_sent(
        &self,
        half: &HalfSignIn,
        verification: Option<VerificationId>,
    ) -> Result<(), StoreError>;

    /// Counts a try of a recovery code before it is compared. Returns false if the row has none left, or is gone.
    async fn count_recovery_try(&self, secret: HashedSecret, now: Timestamp) -> Result<bool, StoreError>;

    /// Ends a half-way sign-in.
    async fn end_half(&self, secret: HashedSecret) -> Result<(), StoreError>;

    /// Begins a proof in place of the former one of the session. The session must have the epoch of the proof, and
    /// so must the person; else the error is `Moved`.
    async fn begin_proof(&self, proof: &Proof) -> Result<(), StoreError>;

    /// The proof of a session for an act and an object, if it has not expired and the epoch is the same.
    async fn proof(
        &self,
        session: SessionId,
        act: &str,
        object: &str,
        now: Timestamp,
    ) -> Result<Option<Proof>, StoreError>;

    /// Notes that another code was sent. Returns `Moved` if another request did so since.
    async fn note_proof_sent(
        &self,
        proof: &Proof,
        verification: Option<VerificationId>,
    ) -> Result<(), StoreError>;

    /// Uses a proof up, for an act whose own transaction cannot. Returns false if it is gone, expired, has
    /// another digest or another epoch than the person.
    async fn take_proof(&self, proof: &Proof, now: Timestamp) -> Result<bool, StoreError>;
}
