//! Which address used which key: what an allowlist is built from.

use crate::{
    Caller, Context,
    id::{KeyId, TenantId},
    management::allowlists::AllowlistError,
    time::Timestamp,
};
use std::{net::IpAddr, time::Duration};

/// Most addresses that are kept for one key; those unused for longest go first.
pub const MOST_ADDRESSES: u16 = 1_000;
/// How long an address is kept after its last use.
pub const KEPT: Duration = Duration::from_secs(90 * 24 * 3_600);

/// The uses of one key from one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressUse {
    /// The tenant of the key.
    pub tenant: TenantId,
    /// The key.
    pub key: KeyId,
    /// Where it was used.
    pub address: IpAddr,
    /// How often it was accepted.
    pub uses: u64,
    /// How often an allowlist refused it.
    pub refused: u64,
    /// The first of these.
    pub first_used_at: Timestamp,
    /// The last of these.
    pub last_used_at: Timestamp,
}

/// Where a page of uses ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsePosition {
    /// When the last one on it was.
    pub last_used_at: Timestamp,
    /// Its key.
    pub key: KeyId,
    /// Its address.
    pub address: IpAddr,
}

/// Which uses to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsePage {
    /// Of this key alone.
    pub key: Option<KeyId>,
    /// Those after this one.
    pub after: Option<UsePosition>,
    /// At most so many.
    pub limit: u16,
}

/// Lists uses of the tenant's keys, newest first, each with whether the lists
/// as they are now admit it.
pub async fn list_address_uses(
    context: &Context,
    caller: &Caller,
    page: UsePage,
) -> Result<Vec<(AddressUse, bool)>, AllowlistError> {
    let uses = context.directory.list_address_uses(caller.tenant, page).await;
    let uses = uses.map_err(AllowlistError::Directory)?;
    let view = context.tenant_view(caller.tenant).map_err(AllowlistError::Directory)?;
    let is_allowed = |one: &AddressUse| {
        // A key that is gone is accepted from nowhere.
        let key = context.snapshot.key(one.key);
        view.settings.api_allowlist.allows(one.address)
            && key.is_some_and(|key| key.allowlist.allows(one.address))
    };
    Ok(uses.into_iter().map(|one| (one, is_allowed(&one))).collect())
}
