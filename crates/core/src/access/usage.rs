//! The addresses that used each key. A tenant can make an allowlist from them.

use crate::{
    id::{KeyId, TenantId},
    time::Timestamp,
};
use std::{net::IpAddr, time::Duration};

/// The maximum number of addresses stored for one key. The address that was unused for longest is deleted
/// first.
pub const MOST_ADDRESSES: u16 = 1_000;
/// How long an address is stored after its last use.
pub const KEPT: Duration = Duration::from_secs(90 * 24 * 3_600);

/// The uses of one key from one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressUse {
    pub tenant: TenantId,
    pub key: KeyId,
    pub address: IpAddr,
    /// How often the server accepted the key from there.
    pub uses: u64,
    /// How often an allowlist refused the key from there.
    pub refused: u64,
    /// The first use, accepted or refused.
    pub first_used_at: Timestamp,
    /// The last use, accepted or refused.
    pub last_used_at: Timestamp,
}

/// The position at which a page of uses ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsePosition {
    /// `last_used_at` of the last use on the page.
    pub last_used_at: Timestamp,
    pub key: KeyId,
    pub address: IpAddr,
}

/// The uses to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsePage {
    /// Lists only the uses of this key.
    pub key: Option<KeyId>,
    /// Lists only uses after this position.
    pub after: Option<UsePosition>,
    /// The maximum number of uses on the page.
    pub limit: u16,
}
