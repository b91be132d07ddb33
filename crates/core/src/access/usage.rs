//! Which address used which key: what an allowlist is built from.

use crate::{
    id::{KeyId, TenantId},
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
    /// `last_used_at` of the last use on the page.
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
