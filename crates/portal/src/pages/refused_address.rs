//! A tenant's list refuses the address. The page names the address, and says nothing about the tenant.

use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "refused-title";

#[derive(Template)]
#[template(path = "portal/refused_address.html")]
pub struct RefusedAddressPage {
    pub shell: Shell,
    pub address: String,
    /// The path that was asked for.
    pub again: String,
    /// Whether the person belongs to other tenants.
    pub may_change: bool,
}
