//! Read: the record while it exists, then the history.

use crate::{
    access::actor::Actor,
    acts::{
        history::{HistoryError, list::read_past},
        view::Verification,
    },
    context::Context,
    id::{RecordKey, VerificationId},
    ports::error::StoreError,
    tenant::system::Part,
    time::Timestamp,
    verification::{
        contact::{Contact, UnreadableContact},
        record::Record,
    },
};

/// Why a verification cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The tenant has no such verification in this mode, or it is no longer stored.
    #[error("no such verification")]
    NotFound,
    /// Its sealed values cannot be opened with the keys of this node.
    #[error(transparent)]
    Unreadable(#[from] UnreadableContact),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// Its record has expired, and the history did not answer.
    #[error(transparent)]
    History(HistoryError),
}

/// Reads a verification: from its record while that exists, then from the history.
pub async fn read_verification(
    context: &Context,
    actor: &Actor,
    id: VerificationId,
    now: Timestamp,
) -> Result<Verification, ReadError> {
    context.permit(actor.tenant, Part::verifications(actor)).map_err(ReadError::Codes)?;
    let key = RecordKey { tenant: actor.tenant, mode: actor.mode, id };
    let found = match context.codes.read(key).await.map_err(ReadError::Codes)? {
        Some(seen) => view(context, key, &seen.record, seen.now)?,
        None => {
            let past = read_past(context, key, now).await.map_err(ReadError::History)?;
            past.ok_or(ReadError::NotFound)?
        }
    };
    if actor.profiles.admits(&found.profile_id) { Ok(found) } else { Err(ReadError::NotFound) }
}

/// The record as its tenant sees it.
pub(crate) fn view(
    context: &Context,
    key: RecordKey,
    record: &Record,
    now: Timestamp,
) -> Result<Verification, ReadError> {
    if record.contact.is_empty() {
        return Ok(Verification::erased(context, key, record, now));
    }
    let contact = Contact::open(&context.keyring, key, record)?;
    Ok(Verification::new(key, record, now, contact))
}
