//! Cancel: the client ends a verification, and its code becomes invalid.

use crate::{
    access::{actor::Actor, change::Change},
    acts::{
        read::{ReadError, view},
        recorded::{Unrecorded, recorded_in_person},
        shares::reaches,
        view::Verification,
    },
    context::Context,
    id::{EventId, RecordKey, VerificationId},
    ports::error::StoreError,
    tenant::system::Part,
    time::Timestamp,
    verification::{event::ActEvent, outcome::CancelOutcome, status::Status},
};
use rand::CryptoRng;
use serde_json::json;

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
    /// The audit entry could not be written, so nothing was canceled.
    #[error("directory")]
    Directory(#[source] StoreError),
    /// The verification cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Ends a verification. Canceling it again changes nothing and succeeds. If a member or the operator cancels in
/// person, the audit log has it.
pub async fn cancel_verification(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Verification, CancelError> {
    context.permit(actor.tenant, Part::verifications(actor)).map_err(CancelError::Directory)?;
    let object = id.to_string();
    let act = async {
        let canceled = cancel(context, actor, id, by.at, rng).await?;
        let status = json!({ "status": canceled.status.as_str() });
        Ok((canceled, status))
    };
    let named = ("verification.cancel", object.as_str());
    recorded_in_person(context, actor.tenant, named, by, act).await.map_err(|error| match error {
        Unrecorded::NotBegun(error) => CancelError::Directory(error),
        Unrecorded::Failed(error) => error,
    })
}

async fn cancel(
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
    let event = ActEvent { id: EventId::new(now, id.partition(), rng), who: actor.who };
    let seen = context.codes.cancel(key, event).await.map_err(CancelError::Codes)?;
    let seen = seen.ok_or(CancelError::NotFound)?;
    match seen.outcome {
        CancelOutcome::Canceled | CancelOutcome::Ended(Status::Canceled) => {
            Ok(view(context, key, &seen.record, seen.now)?)
        }
        CancelOutcome::Ended(status) => Err(CancelError::Ended(status)),
    }
}
