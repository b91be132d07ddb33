//! `/portal/tenants`: which tenant to enter.

use crate::shell::Shell;
use askama::Template;

/// The key of the title. It has the value `name`.
pub const TITLE: &str = "tenants-title";

#[derive(Template)]
#[template(path = "portal/tenants.html")]
pub struct TenantsPage {
    pub shell: Shell,
    pub tenants: Vec<TenantChoice>,
}

pub struct TenantChoice {
    pub id: String,
    pub name: String,
    /// The role, and the last visit.
    pub line: String,
}

impl TenantChoice {
    pub fn initials(&self) -> String {
        crate::shell::initials(&self.name)
    }
}
