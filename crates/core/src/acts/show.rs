//! Shows the whole phone number of a verification to a person. Each time is in the audit log.

use crate::{
    access::{actor::Actor, change::Change},
    acts::{
        read::{ReadError, read_verification},
        recorded::{Unread, Unrecorded, recorded_read},
    },
    context::Context,
    id::VerificationId,
    phone::PhoneNumber,
    ports::error::StoreError,
    tenant::{limits::LimitHit, system::Part},
};
use serde_json::json;

/// Why a number was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// The member has read as much as it may for now.
    #[error("limit {} refused", .0.name)]
    Limited(LimitHit),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The audit entry could not be written, so nothing was shown.
    #[error("directory")]
    Directory(#[source] StoreError),
    /// The verification cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The phone number of a verification; `None` after an erasure.
pub async fn show_number(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
    by: &Change,
) -> Result<Option<PhoneNumber>, ShowError> {
    context.permit(actor.tenant, Part::verifications(actor)).map_err(ShowError::Directory)?;
    let object = id.to_string();
    let read = async {
        let found = read_verification(context, actor, id, by.at).await?;
        let shown = json!({ "erased": found.to.is_none() });
        Ok((found.to, shown))
    };
    let shown = recorded_read(context, actor.tenant, ("number.show", object.as_str()), by, read).await;
    shown.map_err(|error| match error {
        Unread::Limited(hit) => ShowError::Limited(hit),
        Unread::Uncounted(error) => ShowError::Codes(error),
        Unread::Unrecorded(Unrecorded::NotBegun(error)) => ShowError::Directory(error),
        Unread::Unrecorded(Unrecorded::Failed(error)) => ShowError::Read(error),
    })
}
