//! Review numbers: whoever reviews a tenant's app signs in without its phone.
//!
//! Each is made by the tenant, for a time; its code is drawn once and shown
//! once. Nothing is ever sent to it, so the send limits do not count it. All
//! else is as ever: tries, expiry, wrong codes in a row, one approval each.

use crate::{
    Caller, Context, LiveByTest,
    code::{Alphabet, Code, CodeShape},
    id::{ReviewNumberId, TenantId},
    keyring::{Fingerprint, Place, Sealed},
    pack::{Reader, Writer},
    phone::PhoneNumber,
    ports::codes::StoreError,
    tenant::limits::Bucket,
    time::Timestamp,
    verification::idempotency::{IdempotencyError, Once, made_once, refuse_repeat},
};
use rand::CryptoRng;
use std::time::Duration;

/// The longest life of a review number.
pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// Most of them at one tenant.
pub const MOST: u32 = 20;
/// What bounds the starts for one, instead of the send limits.
pub const STARTS: Bucket = Bucket::new(15, 600);
/// Six digits, whatever the profile says: the reviewer is told one code.
const SHAPE: CodeShape = CodeShape { length: 6, alphabet: Alphabet::Digits };

/// A review number, as the directory keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewNumber {
    /// Its id.
    pub id: ReviewNumberId,
    /// The tenant.
    pub tenant: TenantId,
    /// The number.
    pub number: Fingerprint,
    /// Number and code, sealed.
    pub sealed: Vec<u8>,
    /// When it is an ordinary number again.
    pub ends_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ReviewNumber {
    fn place(&self) -> Place {
        let Self { id, tenant, number, .. } = *self;
        Place { kind: Sealed::ReviewNumber, tenant, id: *id.bytes(), number }
    }

    /// The number and its code.
    pub fn open(&self, context: &Context) -> Option<(PhoneNumber, Code)> {
        let packed = context.keyring.open(&self.place(), &self.sealed).ok()?;
        let mut reader = Reader(&packed);
        let to = PhoneNumber::from_e164(&reader.text()?);
        let code = Code::from_record(&zeroize::Zeroizing::new(reader.text()?));
        Some((to, code))
    }

    /// The shape of its code.
    pub const fn shape() -> CodeShape {
        SHAPE
    }
}

/// Why a review number was not made or deleted.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The tenant has no such review number.
    #[error("no such review number")]
    NotFound,
    /// It is one already.
    #[error("the number is a review number already")]
    Exists,
    /// The request bears an Idempotency-Key that was used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// By a test key.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// Makes a number a review number; its code is given this once.
pub async fn create_review_number(
    context: &Context,
    caller: &Caller,
    to: &PhoneNumber,
    (ends_at, once): (Timestamp, Option<Once>),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(ReviewNumber, Code), ReviewError> {
    caller.refuse_test()?;
    let once = once.as_ref();
    refuse_repeat::<ReviewError>(context, caller.tenant, once, now).await?;
    let number = context.keyring.fingerprint(caller.tenant, to);
    let code = Code::generate(SHAPE, rng);
    let mut review = ReviewNumber {
        id: ReviewNumberId::new(now, rng),
        tenant: caller.tenant,
        number,
        sealed: Vec::new(),
        ends_at: ends_at.min(now + LONGEST),
        created_at: now,
    };
    let packed = Writer::default().blob(to.e164().as_bytes()).blob(code.expose().as_bytes()).finish();
    review.sealed = context.keyring.seal(&review.place(), &zeroize::Zeroizing::new(packed), rng);
    let created = context.directory.create_review_number(&review, once, now).await;
    match made_once(context, caller.tenant, once, now, created).await {
        // One that ended gives its place to the new one; this one stands.
        Err(ReviewError::Directory(StoreError::Conflict)) => return Err(ReviewError::Exists),
        outcome => outcome?,
    }
    context.catch_up().await;
    Ok((review, code))
}

/// The review numbers of the tenant, those that ended among them.
pub async fn list_review_numbers(
    context: &Context,
    caller: &Caller,
) -> Result<Vec<ReviewNumber>, ReviewError> {
    context.directory.list_review_numbers(caller.tenant).await.map_err(ReviewError::Directory)
}

/// Makes a review number an ordinary one again.
pub async fn delete_review_number(
    context: &Context,
    caller: &Caller,
    id: ReviewNumberId,
    now: Timestamp,
) -> Result<(), ReviewError> {
    caller.refuse_test()?;
    let deleted = context.directory.delete_review_number(caller.tenant, id, now).await;
    let deleted = deleted.map_err(ReviewError::Directory)?;
    context.catch_up().await;
    if deleted { Ok(()) } else { Err(ReviewError::NotFound) }
}
