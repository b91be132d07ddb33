//! The operations on the history: list, report, erase.

pub mod erase;
pub mod list;
pub mod report;
pub mod timeline;

use crate::{
    access::actor::Actor,
    context::Context,
    ports::error::StoreError,
    tenant::profile::{Profile, ProfileName},
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
    /// The codes store did not answer.
    #[error("codes store")]
    Codes(#[source] StoreError),
    /// The database did not answer.
    #[error("database")]
    Database(#[source] StoreError),
}

async fn profile(context: &Context, actor: &Actor, name: &ProfileName) -> Result<Profile, HistoryError> {
    let profile = context.directory.profile(actor.tenant, name).await.map_err(HistoryError::Database)?;
    profile.ok_or(HistoryError::UnknownProfile)
}
