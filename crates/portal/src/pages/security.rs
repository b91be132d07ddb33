//! `/portal/security`: a person's own second factor, password, address and session.

use super::choice::Choice;
use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "security-title";

#[derive(Template)]
#[template(path = "portal/security.html")]
pub struct SecurityPage {
    pub shell: Shell,
    pub two_factor: Option<TwoFactor>,
    /// Whether it can be switched on: a message can be sent.
    pub is_available: bool,
    /// Whether the tenant demands it.
    pub is_demanded: bool,
    /// When the password was changed.
    pub password_changed: String,
    /// The number of keys that the member governs.
    pub keys: u32,
    pub email: String,
    pub idle: Vec<Choice>,
    pub total: Vec<Choice>,
    /// The longest times that the tenant allows.
    pub most_idle: String,
    pub most_total: String,
}

pub struct TwoFactor {
    /// The masked number.
    pub number: String,
    pub since: String,
    pub codes_left: u8,
}
