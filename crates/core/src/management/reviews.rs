//! Management of review numbers.

use crate::{
    access::{
        actor::{Actor, LiveByTest},
        change::Change,
    },
    code::Code,
    context::{Management, Replica},
    id::ReviewNumberId,
    management::repeat::{made_once, refuse_repeat},
    pack::Writer,
    phone::PhoneNumber,
    ports::error::StoreError,
    tenant::review::{LONGEST, ReviewNumber, SHAPE},
    tenant::system::Part,
    time::Timestamp,
    verification::idempotency::{IdempotencyError, Once},
};
use rand::CryptoRng;

/// Why a review number was not created or deleted.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The tenant has no such review number.
    #[error("no such review number")]
    NotFound,
    /// The phone number already is a review number.
    #[error("the number is a review number already")]
    Exists,
    /// The Idempotency-Key was used before.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A test key tried to change a review number.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// Makes a phone number a review number. Its code is returned only this once.
pub async fn create_review_number(
    management: &Management,
    actor: &Actor,
    to: &PhoneNumber,
    (ends_at, once): (Timestamp, Option<Once>),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(ReviewNumber, Code), ReviewError> {
    management.permit(actor.tenant, Part::Reviews)?;
    actor.refuse_test()?;
    let once = once.as_ref();
    refuse_repeat::<ReviewError>(management, actor.tenant, once, by.at).await?;
    let number = management.keyring.fingerprint(actor.tenant, to);
    let code = Code::generate(SHAPE, rng);
    let mut review = ReviewNumber {
        id: ReviewNumberId::new(by.at, rng),
        tenant: actor.tenant,
        number,
        sealed: Vec::new(),
        ends_at: ends_at.min(by.at + LONGEST),
        created_at: by.at,
    };
    let packed = Writer::default().blob(to.e164().as_bytes()).blob(code.expose().as_bytes()).finish();
    review.sealed = management.keyring.seal(&review.place(), &zeroize::Zeroizing::new(packed), rng);
    let created = management.directory.create_review_number(&review, once, by).await;
    match made_once(management, actor.tenant, once, by.at, created).await {
        // An expired review number is replaced by the new one, so this one is still active.
        Err(ReviewError::Directory(StoreError::Conflict)) => return Err(ReviewError::Exists),
        outcome => outcome?,
    }
    management.catch_up().await;
    Ok((review, code))
}

/// The review numbers of the tenant, including expired ones.
pub async fn list_review_numbers(replica: &Replica, actor: &Actor) -> Result<Vec<ReviewNumber>, ReviewError> {
    replica.directory.list_review_numbers(actor.tenant).await.map_err(ReviewError::Directory)
}

/// Makes a review number an ordinary phone number again.
pub async fn delete_review_number(
    replica: &Replica,
    actor: &Actor,
    id: ReviewNumberId,
    by: &Change,
) -> Result<(), ReviewError> {
    replica.permit(actor.tenant, Part::Reviews)?;
    actor.refuse_test()?;
    let deleted = replica.directory.delete_review_number(actor.tenant, id, by).await;
    let deleted = deleted.map_err(ReviewError::Directory)?;
    replica.catch_up().await;
    if deleted { Ok(()) } else { Err(ReviewError::NotFound) }
}
