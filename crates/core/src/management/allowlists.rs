//! Management of the tenant's two allowlists: one for its keys, one for the portal. A caller cannot lock itself out
//! without confirming it.

use crate::{
    access::{
        actor::{Actor, LiveByTest},
        allowlist::{Allowlist, ListChange, ListChangeError},
        change::Change,
        usage::{AddressUse, UsePage},
    },
    context::Replica,
    id::TenantId,
    management::owners::{OwnersOnly, refuse_all_but_owners, revise},
    ports::error::StoreError,
    tenant::settings::{Setting, Settings},
    tenant::system::Part,
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
    /// Somebody else than an owner or the operator tried to change the list of the portal.
    #[error(transparent)]
    OwnersOnly(#[from] OwnersOnly),
    /// The change does not fit the list.
    #[error(transparent)]
    Change(#[from] ListChangeError),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// Reads the list that applies to all keys of the caller's tenant.
pub async fn read_api_allowlist(replica: &Replica, actor: &Actor) -> Result<Allowlist, AllowlistError> {
    Ok(replica.directory.settings(actor.tenant).await?.api_allowlist)
}

/// Replaces the list. With `confirmed`, the caller may lock itself out.
pub async fn replace_api_allowlist(
    replica: &Replica,
    actor: &Actor,
    list: Allowlist,
    confirmed: bool,
    by: &Change,
) -> Result<Allowlist, AllowlistError> {
    replica.permit(actor.tenant, Part::Keys)?;
    actor.refuse_test()?;
    if !confirmed && let Some(address) = actor.locked_out_by(&list) {
        return Err(AllowlistError::LockOut(address));
    }
    let saved = replica.directory.save_setting(actor.tenant, &Setting::ApiAllowlist(list.clone()), by).await;
    replica.catch_up().await;
    saved?;
    Ok(list)
}

/// Reads the list of the addresses from which the tenant's members may use the portal.
pub async fn read_portal_allowlist(replica: &Replica, tenant: TenantId) -> Result<Allowlist, AllowlistError> {
    Ok(replica.directory.settings(tenant).await?.portal_allowlist)
}

/// Changes the list of the portal, for an owner or the operator. With `confirmed`, the new list may exclude the
/// caller's own address.
pub async fn change_portal_allowlist(
    replica: &Replica,
    actor: &Actor,
    change: ListChange,
    confirmed: bool,
    by: &Change,
) -> Result<Allowlist, AllowlistError> {
    refuse_all_but_owners::<AllowlistError>(replica, actor).await?;
    let revised = revise(replica, actor.tenant, by, |settings: &Settings| {
        let was = settings.portal_allowlist.clone();
        let list = was.changed(change.clone())?;
        match actor.locked_out_by(&list) {
            Some(address) if !confirmed => Err(AllowlistError::LockOut(address)),
            _ => Ok((list.clone(), (Setting::PortalAllowlist(was), Setting::PortalAllowlist(list)))),
        }
    });
    revised.await
}

/// Lists the uses of the tenant's keys, newest first. Each has a flag that says whether the present lists
/// admit its address.
pub async fn list_address_uses(
    replica: &Replica,
    actor: &Actor,
    page: UsePage,
) -> Result<Vec<(AddressUse, bool)>, AllowlistError> {
    let uses = replica.directory.list_address_uses(actor.tenant, page).await?;
    let view = replica.tenant_view(actor.tenant)?;
    let is_allowed = |one: &AddressUse| {
        // A deleted key is accepted from no address.
        let key = replica.snapshot.key(one.key);
        view.settings.api_allowlist.allows(one.address)
            && key.is_some_and(|key| key.allowlist.allows(one.address))
    };
    Ok(uses.into_iter().map(|one| (one, is_allowed(&one))).collect())
}
