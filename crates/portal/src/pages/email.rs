//! `/portal/email`: changes the e-mail address.

use super::proof::Proof;
use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "email-title";

#[derive(Template)]
#[template(path = "portal/email.html")]
pub struct EmailPage {
    pub shell: Shell,
    pub current: String,
    /// The new address as it was typed.
    pub email: String,
    /// The address to which a link went, and until when it works.
    pub pending: Option<(String, String)>,
    pub proof: Proof,
}
