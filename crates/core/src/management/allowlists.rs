//! Management of the tenant's allowlist: nobody locks themselves out unasked.

use crate::{
    Caller, Context, LiveByTest, access::allowlist::Allowlist, ports::codes::StoreError,
    tenant::settings::Setting, time::Timestamp,
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
pub async fn read_api_allowlist(context: &Context, caller: &Caller) -> Result<Allowlist, AllowlistError> {
    let settings = context.directory.settings(caller.tenant).await.map_err(AllowlistError::Directory)?;
    Ok(settings.api_allowlist)
}

/// Puts a list in its place. `confirmed` says that its author may be locked out.
pub async fn replace_api_allowlist(
    context: &Context,
    caller: &Caller,
    list: Allowlist,
    confirmed: bool,
    now: Timestamp,
) -> Result<Allowlist, AllowlistError> {
    caller.refuse_test()?;
    if !confirmed && !list.allows(caller.address) {
        return Err(AllowlistError::LockOut(caller.address));
    }
    let saved =
        context.directory.save_setting(caller.tenant, &Setting::ApiAllowlist(list.clone()), now).await;
    context.catch_up().await;
    saved.map_err(AllowlistError::Directory)?;
    Ok(list)
}
