//! A number is taken out of the records and of the history.

use crate::{access::actor::Actor, acts::history::HistoryError, context::Context, phone::PhoneNumber};

/// What an erasure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Verifications of the history that held the number.
    pub verifications: u64,
    /// Live verifications that it ended.
    pub canceled: u64,
}

/// Ends the live verifications of a number and takes it out of their records
/// and of the history.
///
/// What the limits and the wrong codes counted for the number stays under its
/// keyed hash until it ends by itself: an erasure must not be a way around them.
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
