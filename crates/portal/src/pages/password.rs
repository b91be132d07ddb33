//! `/portal/password`: changes the password.

use super::proof::Proof;
use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "password-title";
pub const TITLE_FORCED: &str = "password-forced-title";

#[derive(Template)]
#[template(path = "portal/password.html")]
pub struct PasswordPage {
    pub shell: Shell,
    /// At the step of the code the new password is typed once more: no page contains a password.
    pub proof: Proof,
}

/// The only page that opens while the tenant demands a new password.
#[derive(Template)]
#[template(path = "portal/password_forced.html")]
pub struct ForcedPasswordPage {
    pub shell: Shell,
    pub proof: Proof,
    /// The greatest age in days.
    pub days: u16,
}
