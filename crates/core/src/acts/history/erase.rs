//! Removes a phone number from the records and from the history.

use crate::{access::actor::Actor, acts::history::HistoryError, context::Context, phone::PhoneNumber};

/// The result of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The number of verifications in the history that had the phone number.
    pub verifications: u64,
    /// The number of live verifications that it ended.
    pub canceled: u64,
}

/// Ends the live verifications of a phone number, and removes the number from their records and from the
/// history.
///
/// The counts of limits and wrong codes stay under the keyed hash of the number until they expire, so that
/// nobody can reset a limit by erasing the number.
pub async fn erase_number(
    context: &Context,
    actor: &Actor,
    to: &PhoneNumber,
) -> Result<Erased, HistoryError> {
    let (tenant, mode) = (actor.tenant, actor.mode);
    let number = context.keyring.fingerprint(tenant, to);
    let erasure = context.codes.erase(tenant, mode, number).await.map_err(HistoryError::Codes)?;
    let erased = context.history.erase(tenant, mode, number, erasure.now).await;
    let verifications = erased.map_err(HistoryError::Database)?;
    Ok(Erased { verifications, canceled: erasure.canceled })
}
