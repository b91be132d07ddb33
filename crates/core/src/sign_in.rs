//! Sign-in: how persons prove who they are to the portal, their sessions, and what they change of their own
//! accounts. No key reaches these acts.

mod attempt;
pub mod begin;
pub mod codes;
pub mod enter;
pub mod first;
pub mod join;
pub mod late;
pub mod out;
pub mod own;
pub mod proof;
pub mod purpose;
pub mod reminders;
pub mod second;
pub mod signed_in;
pub mod tenants;
pub mod upkeep;
pub mod visit;

use crate::{
    access::{address::customer_network, change::Change},
    context::Context,
    id::RequestId,
    locale::Locale,
    message::binding::Origin,
    people::invitation::LinkSecret,
    ports::{hasher::Hasher, people::SignInStore, places::Places},
    time::Timestamp,
};
use std::{net::IpAddr, sync::Arc};

/// What the acts of sign-in work with.
#[derive(Clone)]
pub struct Entrance {
    pub context: Context,
    pub people: Arc<dyn SignInStore>,
    pub hasher: Arc<dyn Hasher>,
    pub places: Arc<dyn Places>,
    /// The origin of the portal, without a slash at the end: links in mails begin with it.
    pub origin: Arc<str>,
}

impl Entrance {
    /// The host of the portal, if browsers can bind a code to it.
    fn code_host(&self) -> Option<Origin> {
        let host = self.origin.split_once("://")?.1;
        Origin::parse(host.split(':').next()?)
    }
}

/// A browser that sends a request, as the server saw it.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub address: IpAddr,
    /// The text by which the browser calls itself.
    pub agent: String,
    /// The secret in the browser's own cookie, if it sent one.
    pub device: Option<Arc<LinkSecret>>,
    /// The language of the page.
    pub language: Locale,
    pub request: Option<RequestId>,
}

impl Visitor {
    /// The network of the customer, by which waits and hashes count.
    pub fn network(&self) -> IpAddr {
        customer_network(self.address)
    }

    /// A change that a person makes of its own account. In the audit log of each of its tenants, the store names
    /// the member that the person is there.
    pub fn change(&self, at: Timestamp) -> Change {
        Change { address: Some(self.address), request: self.request, ..Change::by_system(at) }
    }
}
