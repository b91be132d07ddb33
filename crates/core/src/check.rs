//! Check: a submitted code is compared and counted in one act.

use crate::{
    Caller, Context,
    code::Code,
    id::{EventId, VerificationId},
    phone::PhoneNumber,
    ports::StoreError,
    profile::ProfileName,
    time::Timestamp,
    verification::{CheckOutcome, RecordKey, SubmittedCode},
};
use rand::CryptoRng;

/// What a check found, and of which verification.
#[derive(Clone, Debug)]
#[must_use]
pub struct Checked {
    /// The verification.
    pub id: VerificationId,
    /// What was found.
    pub outcome: CheckOutcome,
    /// Tries that are left.
    pub attempts_left: u8,
}

/// Why a code was not compared.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// No such verification of this tenant in this mode, or its record is gone.
    #[error("no such verification")]
    NotFound,
    /// The tenant has no profile of that name.
    #[error("no such profile")]
    UnknownProfile,
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[source] StoreError),
}

/// Checks a code against one verification.
pub async fn check_code(
    context: &Context,
    caller: &Caller,
    id: VerificationId,
    code: &Code,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Checked, CheckError> {
    let Caller { tenant, mode, .. } = *caller;
    let macs = context.keyring.code_macs(mode, tenant, id, code);
    let event = EventId::new(now, id.partition(), rng);
    let key = RecordKey { tenant, mode, id };
    let seen = context.codes.check(key, SubmittedCode::new(code, macs), event).await;
    let seen = seen.map_err(CheckError::Codes)?.ok_or(CheckError::NotFound)?;
    Ok(Checked { id, outcome: seen.outcome, attempts_left: seen.record.attempts_left() })
}

/// Checks a code against the number's newest pending verification of the
/// profile, else answers for the newest whose record still stands.
pub async fn check_code_by_number(
    context: &Context,
    caller: &Caller,
    to: &PhoneNumber,
    profile: &ProfileName,
    code: &Code,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Checked, CheckError> {
    let profile = context.directory.profile(caller.tenant, profile).await;
    let profile = profile.map_err(CheckError::Directory)?.ok_or(CheckError::UnknownProfile)?;
    let number = context.keyring.fingerprint(caller.tenant, to);
    let id = context.codes.find(caller.tenant, caller.mode, number, profile.id).await;
    let id = id.map_err(CheckError::Codes)?.ok_or(CheckError::NotFound)?;
    check_code(context, caller, id, code, now, rng).await
}
