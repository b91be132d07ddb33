//! Check: one operation compares a submitted code and counts it.

use crate::{
    access::{actor::Actor, share::NotShared},
    acts::shares::{profile, reaches},
    code::{Code, payment::Transaction},
    context::Context,
    id::{EventId, RecordKey, VerificationId},
    phone::PhoneNumber,
    ports::{codes::acts::CheckFound, error::StoreError},
    tenant::profile::ProfileName,
    tenant::system::Part,
    time::Timestamp,
    verification::{
        event::ActEvent,
        idempotency::{Answer, IdempotencyError, Once, Outcome, Replay},
        number::Listing,
        outcome::CheckOutcome,
        request::SubmittedCode,
    },
};
use rand::CryptoRng;

/// The result of a check, and the verification that it was for.
#[derive(Clone, Debug)]
#[must_use]
pub struct Checked {
    pub id: VerificationId,
    pub outcome: CheckOutcome,
    /// The tries that are left.
    pub attempts_left: u8,
    /// Whether this repeats the answer of an earlier request.
    pub replayed: bool,
}

/// Why a code was not compared.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The tenant has no such verification in this mode, or its record has expired.
    #[error("no such verification")]
    NotFound,
    /// The tenant has no profile of that name.
    #[error("no such profile")]
    UnknownProfile,
    /// The actor's share lacks the profile, or the tenant does.
    #[error(transparent)]
    NotShared(#[from] NotShared),
    /// The Idempotency-Key was used before.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[source] StoreError),
}

/// A submitted code, and the request's Idempotency-Key.
#[derive(Clone, Debug)]
pub struct Submitted<'a> {
    /// The code that the user typed.
    pub code: &'a Code,
    /// The payment that the code must confirm, if any.
    pub transaction: Option<&'a Transaction>,
    /// The hashes of the Idempotency-Key, if the request has one.
    pub once: Option<Once>,
}

impl<'a> Submitted<'a> {
    /// A code without a payment and without an Idempotency-Key.
    pub fn plain(code: &'a Code) -> Self {
        Self { code, transaction: None, once: None }
    }
}

/// Checks a code against one verification.
pub async fn check_code(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
    submitted: Submitted<'_>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Checked, CheckError> {
    context.permit(actor.tenant, Part::verifications(actor)).map_err(CheckError::Directory)?;
    let Submitted { code, transaction, once } = submitted;
    let key = RecordKey { tenant: actor.tenant, mode: actor.mode, id };
    if !reaches(context, actor, key).await.map_err(CheckError::Codes)? {
        return Err(CheckError::NotFound);
    }
    let payment = transaction.map(Transaction::digest);
    let macs = context.keyring.code_macs(key, payment.as_ref(), code);
    let payment = payment.map(|payment| context.keyring.payment_mark(key, &payment));
    let submitted = SubmittedCode { payment, ..SubmittedCode::new(code, macs) };
    let event = ActEvent { id: EventId::new(now, id.partition(), rng), who: actor.who };
    let found = context.codes.check(key, submitted, event, once).await;
    match found.map_err(CheckError::Codes)? {
        Answer::Fresh(found) => {
            let CheckFound { outcome, attempts_left } = found.ok_or(CheckError::NotFound)?;
            Ok(Checked { id, outcome, attempts_left, replayed: false })
        }
        Answer::Replay(replay) => replayed(replay),
    }
}

fn replayed(replay: Replay) -> Result<Checked, CheckError> {
    match replay {
        Replay::Outcome(Outcome::Checked { id, outcome, attempts_left }) => {
            Ok(Checked { id, outcome, attempts_left, replayed: true })
        }
        Replay::Outcome(_) | Replay::Mismatch => Err(IdempotencyError::Mismatch.into()),
    }
}

/// Checks a code against the newest pending verification of the phone number in the profile. If none is
/// pending, answers for the newest whose record is still in the store.
pub async fn check_code_by_number(
    context: &Context,
    actor: &Actor,
    to: &PhoneNumber,
    name: &ProfileName,
    submitted: Submitted<'_>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Checked, CheckError> {
    let view = context.tenant_view(actor.tenant).map_err(CheckError::Directory)?;
    let profile = profile(actor, &view, name)?.ok_or(CheckError::UnknownProfile)?;
    check_listed(context, actor, to, Listing::of(profile.id), submitted, now, rng).await
}

/// Checks a code against the newest pending verification in a lookup group. If none is pending, answers for
/// the newest whose record is still in the store.
pub(crate) async fn check_listed(
    context: &Context,
    actor: &Actor,
    to: &PhoneNumber,
    listing: Listing,
    submitted: Submitted<'_>,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Checked, CheckError> {
    // The first request may have checked a verification that is no longer the newest pending one.
    let number = context.keyring.fingerprint(actor.tenant, to);
    if let Some(once) = &submitted.once
        && let Some(replay) = context.codes.replay(number, once).await.map_err(CheckError::Codes)?
    {
        return match replay {
            // A check by id also makes the store wait until an approval has the replicas that it needs.
            Replay::Outcome(Outcome::Checked { id, .. }) => {
                check_code(context, actor, id, submitted, now, rng).await
            }
            other => replayed(other),
        };
    }
    let id = context.codes.find(actor.tenant, actor.mode, number, listing).await;
    let id = id.map_err(CheckError::Codes)?.ok_or(CheckError::NotFound)?;
    check_code(context, actor, id, submitted, now, rng).await
}
