//! Who acts.

use crate::{
    access::{allowlist::Allowlist, scope::Scopes},
    id::{KeyId, MemberId, TenantId},
    mode::Mode,
    time::Timestamp,
};
use std::net::IpAddr;

/// A test key would change what holds for live keys too. Test keys lie about in
/// scripts and on laptops, so they must not decide what live ones may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a test key does not change what holds for live keys too")]
pub struct LiveByTest;

/// Who acts. Today only `Key` and `Operator(None)` occur: there are no members yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The API key that was presented.
    Key(KeyId),
    /// A person who signed in.
    Member {
        /// Whose rights apply.
        id: MemberId,
        /// The owner who acts as this member.
        acted_by: Option<MemberId>,
    },
    /// The operator: on the command line, or signed in as this member.
    Operator(Option<MemberId>),
    /// A job of the server itself.
    System,
}

/// Who acts in a tenant, and within which bounds.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The tenant that the act belongs to; every store call begins with it.
    pub tenant: TenantId,
    /// Live or test; the two never see each other's data.
    pub mode: Mode,
    /// Who acts.
    pub who: Who,
    /// What the actor may do.
    pub grants: Scopes,
    /// Where the request came from; not where the end user is. The command line has no address.
    pub address: Option<IpAddr>,
    /// When the actor's access ends, if it does.
    pub until: Option<Timestamp>,
    /// The addresses that the actor's key may be used from.
    pub allowlist: Allowlist,
}

impl Actor {
    /// The operator on the command line, who acts for a tenant without any bounds.
    pub fn operator(tenant: TenantId) -> Self {
        Self {
            tenant,
            mode: Mode::Live,
            who: Who::Operator(None),
            grants: Scopes::all(),
            address: None,
            until: None,
            allowlist: Allowlist::default(),
        }
    }

    /// The key that acts, if a key does.
    pub fn key(&self) -> Option<KeyId> {
        if let Who::Key(key) = self.who { Some(key) } else { None }
    }

    /// The actor's address, if `list` would shut it out. A list never shuts out an
    /// actor without an address.
    pub(crate) fn locked_out_by(&self, list: &Allowlist) -> Option<IpAddr> {
        self.address.filter(|address| !list.allows(*address))
    }

    pub(crate) fn refuse_test(&self) -> Result<(), LiveByTest> {
        if self.mode == Mode::Test { Err(LiveByTest) } else { Ok(()) }
    }

    /// The tenant, for an act that changes what live keys feel.
    pub fn live_tenant(&self) -> Result<TenantId, LiveByTest> {
        self.refuse_test().map(|()| self.tenant)
    }
}
