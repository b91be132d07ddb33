//! Removes a phone number from the records and from the history.

use crate::{
    access::{actor::Actor, change::Change},
    acts::{
        history::HistoryError,
        recorded::{Unrecorded, recorded},
    },
    context::Context,
    phone::PhoneNumber,
    tenant::system::Part,
};
use serde_json::json;

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
    by: &Change,
) -> Result<Erased, HistoryError> {
    context.permit(actor.tenant, Part::verifications(actor)).map_err(HistoryError::Database)?;
    let (tenant, mode) = (actor.tenant, actor.mode);
    let number = context.keyring.fingerprint(tenant, to);
    let act = async {
        let erasure = context.codes.erase(tenant, mode, number, by.who).await.map_err(HistoryError::Codes)?;
        let erased = context.history.erase(tenant, mode, number, erasure.now).await;
        let verifications = erased.map_err(HistoryError::Database)?;
        let counts = json!({ "verifications": verifications, "canceled": erasure.canceled });
        Ok((Erased { verifications, canceled: erasure.canceled }, counts))
    };
    // The entries name no part of the number: it must be gone afterwards.
    recorded(context, tenant, ("number.erase", mode.as_str()), by, act).await.map_err(|error| match error {
        Unrecorded::NotBegun(error) => HistoryError::Database(error),
        Unrecorded::Failed(error) => error,
    })
}
