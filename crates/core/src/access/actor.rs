//! The actor of an operation.

mod packed;

use crate::{
    access::{
        allowlist::Allowlist,
        scope::{Scope, Scopes},
        share::Share,
    },
    id::{KeyId, MemberId, ProfileId, TenantId},
    mode::Mode,
    time::Timestamp,
};
use std::net::IpAddr;

/// A test key tried to change something that affects live keys too. Test keys lie in scripts and on laptops,
/// so they must not decide what live keys may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a test key does not change what holds for live keys too")]
pub struct LiveByTest;

/// The kind of an actor. Nobody signs in yet: `Member` and `Operator(Some(_))` do not occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// An API key that the client sent.
    Key(KeyId),
    /// A person who signed in.
    Member {
        /// The member whose rights apply.
        id: MemberId,
        /// The owner who acts as this member, if any.
        acted_by: Option<MemberId>,
    },
    /// The operator: on the command line, or signed in as this member.
    Operator(Option<MemberId>),
    /// A job of the server itself.
    System,
}

/// An actor in a tenant, with the bounds of what it may do.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The tenant of the operation. Every call of a store begins with it.
    pub tenant: TenantId,
    /// Live or test. Neither mode sees the other's data.
    pub mode: Mode,
    pub who: Who,
    /// The member whose rights apply: the one who signed in, or the one whose key it is.
    pub member: Option<MemberId>,
    pub grants: Scopes,
    /// The profiles that the actor reaches.
    pub profiles: Share<ProfileId>,
    /// The address that sent the request. It is not the end user's address. The command line has none.
    pub address: Option<IpAddr>,
    /// When the actor's access expires; `None` if it does not.
    pub until: Option<Timestamp>,
    /// The addresses from which the actor's key may be used.
    pub allowlist: Allowlist,
}

impl Actor {
    /// The operator on the command line, who acts for a tenant without any bounds.
    pub fn operator(tenant: TenantId) -> Self {
        Self {
            tenant,
            mode: Mode::Live,
            who: Who::Operator(None),
            member: None,
            profiles: Share::all(),
            grants: Scope::ALL.into_iter().collect(),
            address: None,
            until: None,
            allowlist: Allowlist::default(),
        }
    }

    /// The server itself, which sends the codes for persons.
    pub fn system(tenant: TenantId) -> Self {
        Self { who: Who::System, grants: Scopes::default(), ..Self::operator(tenant) }
    }

    /// The actor's key, if the actor is a key.
    pub fn key(&self) -> Option<KeyId> {
        if let Who::Key(key) = self.who { Some(key) } else { None }
    }

    /// The actor's address, if `list` would refuse it. A list never refuses an actor without an address.
    pub(crate) fn locked_out_by(&self, list: &Allowlist) -> Option<IpAddr> {
        self.address.filter(|address| !list.allows(*address))
    }

    pub(crate) fn refuse_test(&self) -> Result<(), LiveByTest> {
        if self.mode == Mode::Test { Err(LiveByTest) } else { Ok(()) }
    }

    /// Returns the tenant, for an operation that affects live keys; refuses a test key.
    pub fn live_tenant(&self) -> Result<TenantId, LiveByTest> {
        self.refuse_test().map(|()| self.tenant)
    }
}
