//! The operations on the history: list, report, erase.

pub mod erase;
pub mod list;
pub mod report;
pub mod timeline;

use crate::{
    access::{
        actor::Actor,
        share::{NotShared, Share},
    },
    context::Context,
    id::ProfileId,
    ports::error::StoreError,
    tenant::profile::ProfileName,
};

/// Why an operation on the history failed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The tenant has no such verification in this mode.
    #[error("no such verification")]
    NotFound,
    /// The tenant has no profile of that name.
    #[error("no such profile")]
    UnknownProfile,
    /// The actor's share lacks the profile, or the tenant does.
    #[error(transparent)]
    NotShared(#[from] NotShared),
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The database did not answer.
    #[error("database")]
    Database(#[source] StoreError),
}

/// The profiles that the actor reaches, or only the named one.
async fn shown_profiles(
    context: &Context,
    actor: &Actor,
    name: Option<&ProfileName>,
) -> Result<Share<ProfileId>, HistoryError> {
    let Some(name) = name else { return Ok(actor.profiles.clone()) };
    let named = context.directory.profile(actor.tenant, name).await.map_err(HistoryError::Database)?;
    actor.profiles.demand(named.as_ref().map(|profile| &profile.id))?;
    Ok(Share::one(named.ok_or(HistoryError::UnknownProfile)?.id))
}
