//! By whom, from where and when something is changed.

use crate::{
    access::actor::{Actor, Who},
    id::RequestId,
    time::Timestamp,
};
use std::net::IpAddr;

/// The author and the circumstances of a change. Every change of the directory carries them, so
/// that what is recorded of it belongs to the same transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who makes it.
    pub who: Who,
    /// The address that the request came from. Commands and jobs have none.
    pub address: Option<IpAddr>,
    /// The HTTP request that asks for it, if one does.
    pub request: Option<RequestId>,
    /// When it is made.
    pub at: Timestamp,
}

impl Change {
    /// A change that an HTTP request asks for.
    pub fn by(actor: &Actor, request: Option<RequestId>, at: Timestamp) -> Self {
        Self { who: actor.who, address: actor.address, request, at }
    }

    /// A change by the operator on the command line.
    pub fn by_operator(at: Timestamp) -> Self {
        Self { who: Who::Operator(None), address: None, request: None, at }
    }

    /// A change by a job of the server.
    pub fn by_system(at: Timestamp) -> Self {
        Self { who: Who::System, address: None, request: None, at }
    }
}
