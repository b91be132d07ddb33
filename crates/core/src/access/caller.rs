//! Who calls.

use crate::{
    access::{allowlist::Allowlist, scope::Scopes},
    id::{KeyId, TenantId},
    mode::Mode,
    time::Timestamp,
};
use std::net::IpAddr;

/// A test key would change what holds for live keys too. Test keys lie about in
/// scripts and on laptops, so they must not decide what live ones may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a test key does not change what holds for live keys too")]
pub struct LiveByTest;

/// Who calls: the facts of an accepted API key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant the key belongs to; every store call begins with it.
    pub tenant: TenantId,
    /// The key that was presented.
    pub key: KeyId,
    /// Live or test; the two never see each other's data.
    pub mode: Mode,
    /// What the key may do.
    pub scopes: Scopes,
    /// When the key ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// The addresses that the key may be used from.
    pub allowlist: Allowlist,
    /// Where the request came from; not where the end user is.
    pub address: IpAddr,
}

impl Caller {
    pub(crate) fn refuse_test(&self) -> Result<(), LiveByTest> {
        if self.mode == Mode::Test { Err(LiveByTest) } else { Ok(()) }
    }

    /// The tenant, for an act that changes what live keys feel. Acts that the
    /// operator carries out too ask for a tenant; a caller of the API gets it here.
    pub fn live_tenant(&self) -> Result<TenantId, LiveByTest> {
        self.refuse_test().map(|()| self.tenant)
    }
}
