//! Cancel: the client ends a verification, and its code becomes invalid.

use crate::{
    access::actor::Actor,
    acts::{
        read::{ReadError, view},
        shares::reaches,
        view::Verification,
    },
    context::Context,
    id::{EventId, RecordKey, VerificationId},
    ports::error::StoreError,
    time::Timestamp,
    verification::{outcome::CancelOutcome, status::Status},
};
use rand::CryptoRng;

/// Why a verification was not canceled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// The tenant has no such verification in this mode, or its record has expired.
    #[error("no such verification")]
    NotFound,
    /// The verification had ended before.
    #[error("the verification is over")]
    Ended(Status),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The verification cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Ends a verification. Canceling it again changes nothing and succeeds.
pub async fn cancel_verification(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Verification, CancelError> {
    let key = RecordKey { tenant: actor.tenant, mode: actor.mode, id };
    if !reaches(context, actor, key).await.map_err(CancelError::Codes)? {
        return Err(CancelError::NotFound);
    }
    let event = EventId::new(now, id.partition(), rng);
    let seen = context.codes.cancel(key, event).await.map_err(CancelError::Codes)?;
    let seen = seen.ok_or(CancelError::NotFound)?;
    match seen.outcome {
        CancelOutcome::Canceled | CancelOutcome::Ended(Status::Canceled) => {
            Ok(view(context, key, &seen.record, seen.now)?)
        }
        CancelOutcome::Ended(status) => Err(CancelError::Ended(status)),
    }
}
