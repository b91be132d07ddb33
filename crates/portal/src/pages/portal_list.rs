//! `/portal/ip-lists`: the addresses from which the tenant's people may sign in.

use super::proof::Proof;
use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "list-title";
pub const TITLE_LOCKOUT: &str = "lockout-title";

#[derive(Template)]
#[template(path = "portal/portal_list.html")]
pub struct PortalListPage {
    pub shell: Shell,
    /// A line each: an address or a network, a space, and a description.
    pub entries: String,
    /// Whether the list is on: it has entries.
    pub is_on: bool,
    /// The caller's address.
    pub address: String,
    /// Whether the list covers it.
    pub is_covered: bool,
    pub proof: Proof,
}

/// The list would exclude its author, who has to say so a second time.
#[derive(Template)]
#[template(path = "portal/portal_list_lockout.html")]
pub struct LockoutPage {
    pub shell: Shell,
    pub entries: String,
    pub address: String,
    /// The names of those who would be signed out.
    pub names: Vec<String>,
    pub proof: Proof,
}
