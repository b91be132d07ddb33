//! Management of the tenant's allowlist: nobody locks themselves out unasked.

use crate::{
    access::{
        actor::{Actor, LiveByTest},
        allowlist::Allowlist,
        change::Change,
        usage::{AddressUse, UsePage},
    },
    context::Replica,
    ports::error::StoreError,
    tenant::settings::Setting,
};
use std::net::IpAddr;

/// Why an allowlist was not read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum AllowlistError {
    /// The caller's own address is not on the new list, and it was not confirmed.
    #[error("the list would lock its author out")]
    LockOut(IpAddr),
    /// By a test key.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[source] StoreError),
}

/// Reads the list that holds for all keys of the caller's tenant.
pub async fn read_api_allowlist(replica: &Replica, actor: &Actor) -> Result<Allowlist, AllowlistError> {
    let settings = replica.directory.settings(actor.tenant).await.map_err(AllowlistError::Directory)?;
    Ok(settings.api_allowlist)
}

/// Puts a list in its place. `confirmed` says that its author may be locked out.
pub async fn replace_api_allowlist(
    replica: &Replica,
    actor: &Actor,
    list: Allowlist,
    confirmed: bool,
    by: &Change,
) -> Result<Allowlist, AllowlistError> {
    actor.refuse_test()?;
    if !confirmed && let Some(address) = actor.locked_out_by(&list) {
        return Err(AllowlistError::LockOut(address));
    }
    let saved = replica.directory.save_setting(actor.tenant, &Setting::ApiAllowlist(list.clone()), by).await;
    replica.catch_up().await;
    saved.map_err(AllowlistError::Directory)?;
    Ok(list)
}

/// Lists uses of the tenant's keys, newest first, each with whether the lists
/// as they are by.at admit it.
pub async fn list_address_uses(
    replica: &Replica,
    actor: &Actor,
    page: UsePage,
) -> Result<Vec<(AddressUse, bool)>, AllowlistError> {
    let uses = replica.directory.list_address_uses(actor.tenant, page).await;
    let uses = uses.map_err(AllowlistError::Directory)?;
    let view = replica.tenant_view(actor.tenant).map_err(AllowlistError::Directory)?;
    let is_allowed = |one: &AddressUse| {
        // A key that is gone is accepted from nowhere.
        let key = replica.snapshot.key(one.key);
        view.settings.api_allowlist.allows(one.address)
            && key.is_some_and(|key| key.allowlist.allows(one.address))
    };
    Ok(uses.into_iter().map(|one| (one, is_allowed(&one))).collect())
}
