//! `/portal/security/rules`: the rules for everyone in the tenant.

use super::{choice::Choice, proof::Proof};
use crate::shell::Shell;
use askama::Template;
use countersign_core::tenant::security::PasswordAge;

/// The key of the title.
pub const TITLE: &str = "rules-title";

#[derive(Template)]
#[template(path = "portal/security_rules.html")]
pub struct RulesPage {
    pub shell: Shell,
    pub tenant: String,
    /// Whether everyone must have a second factor, as it was typed or as it is.
    pub require_2fa: bool,
    /// The day from which it holds, as `2026-12-03`.
    pub require_from: String,
    /// The numbers of members with and without one.
    pub with_2fa: u32,
    pub members: u32,
    /// Whether messages can be sent, without which nobody could sign in.
    pub is_available: bool,
    pub password_age: PasswordAge,
    pub password_days: String,
    pub idle: Vec<Choice>,
    pub total: Vec<Choice>,
    pub proof: Proof,
}

impl RulesPage {
    fn is_off(&self) -> bool {
        self.password_age == PasswordAge::Off
    }

    fn reminds(&self) -> bool {
        self.password_age == PasswordAge::Remind
    }

    fn forces(&self) -> bool {
        self.password_age == PasswordAge::Force
    }
}
