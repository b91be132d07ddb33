//! The author, the origin and the time of a change.

use crate::{
    access::actor::{Actor, Who},
    id::{MemberId, RequestId, TenantId},
    mode::Mode,
    time::Timestamp,
};
use std::net::IpAddr;

/// The author and the circumstances of a change. Every change of the directory carries them, so that the
/// record of a change belongs to the same transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub who: Who,
    /// The member whose rights apply: the one who signed in, or the one whose key it is.
    pub member: Option<MemberId>,
    /// The tenant of the author, if the author belongs to one.
    pub of: Option<TenantId>,
    /// Whether the author is a test key.
    pub test: bool,
    /// The address that sent the request. Commands and jobs have none.
    pub address: Option<IpAddr>,
    /// The HTTP request that makes the change, if one does.
    pub request: Option<RequestId>,
    pub at: Timestamp,
}

impl Change {
    /// A change that an HTTP request makes.
    pub fn by(actor: &Actor, request: Option<RequestId>, at: Timestamp) -> Self {
        Self {
            who: actor.who,
            member: actor.member,
            of: Some(actor.tenant),
            test: actor.mode == Mode::Test,
            address: actor.address,
            request,
            at,
        }
    }

    /// A change by the operator on the command line.
    pub fn by_operator(at: Timestamp) -> Self {
        Self {
            who: Who::Operator(None),
            member: None,
            of: None,
            test: false,
            address: None,
            request: None,
            at,
        }
    }

    /// A change by a job of the server.
    pub fn by_system(at: Timestamp) -> Self {
        Self { who: Who::System, member: None, of: None, test: false, address: None, request: None, at }
    }
}
