//! Management of the tenant's allowlist. A caller cannot lock itself out without confirming it.

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
    /// The new list lacks the caller's own address, and the caller did not confirm that.
    #[error("the list would lock its author out")]
    LockOut(IpAddr),
    /// A test key tried to change the list.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[source] StoreError),
}

/// Reads the list that applies to all keys of the caller's tenant.
pub async fn read_api_allowlist(replica: &Replica, actor: &Actor) -> Result<Allowlist, AllowlistError> {
    let settings = replica.directory.settings(actor.tenant).await.map_err(AllowlistError::Directory)?;
    Ok(settings.api_allowlist)
}

/// Replaces the list. With `confirmed`, the caller may lock itself out.
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

/// Lists the uses of the tenant's keys, newest first. Each has a flag that says whether the present lists
/// admit its address.
pub async fn list_address_uses(
    replica: &Replica,
    actor: &Actor,
    page: UsePage,
) -> Result<Vec<(AddressUse, bool)>, AllowlistError> {
    let uses = replica.directory.list_address_uses(actor.tenant, page).await;
    let uses = uses.map_err(AllowlistError::Directory)?;
    let view = replica.tenant_view(actor.tenant).map_err(AllowlistError::Directory)?;
    let is_allowed = |one: &AddressUse| {
        // A deleted key is accepted from no address.
        let key = replica.snapshot.key(one.key);
        view.settings.api_allowlist.allows(one.address)
            && key.is_some_and(|key| key.allowlist.allows(one.address))
    };
    Ok(uses.into_iter().map(|one| (one, is_allowed(&one))).collect())
}
