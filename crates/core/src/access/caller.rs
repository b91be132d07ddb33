//! The caller of an operation.

use crate::{
    access::{allowlist::Allowlist, scope::Scopes},
    id::{KeyId, TenantId},
    mode::Mode,
    time::Timestamp,
};
use std::net::IpAddr;

/// A test key tried to change something that affects live keys too. Test keys lie in scripts and on laptops,
/// so they must not decide what live keys may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a test key does not change what holds for live keys too")]
pub struct LiveByTest;

/// An authenticated caller: the facts about the API key of the request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant of the key. Every call of a store begins with it.
    pub tenant: TenantId,
    pub key: KeyId,
    /// Live or test. Neither mode sees the other's data.
    pub mode: Mode,
    pub scopes: Scopes,
    /// When the key expires; `None` if it does not.
    pub expires_at: Option<Timestamp>,
    pub allowlist: Allowlist,
    /// The address that sent the request. It is not the end user's address.
    pub address: IpAddr,
}

impl Caller {
    pub(crate) fn refuse_test(&self) -> Result<(), LiveByTest> {
        if self.mode == Mode::Test { Err(LiveByTest) } else { Ok(()) }
    }

    /// Returns the tenant, for an operation that affects live keys; refuses a test key. Operations that the
    /// operator can also run take a tenant instead of a caller, and the API gets the tenant here.
    pub fn live_tenant(&self) -> Result<TenantId, LiveByTest> {
        self.refuse_test().map(|()| self.tenant)
    }
}
