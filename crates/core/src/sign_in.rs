//! Sign-in: how persons prove who they are to the portal, their sessions, and what they change of their own
//! accounts. No key reaches these acts.

pub mod codes;
pub mod purpose;

use crate::{
    context::Context,
    id::RequestId,
    locale::Locale,
    people::invitation::LinkSecret,
    ports::{hasher::Hasher, people::SignInStore, places::Places},
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
