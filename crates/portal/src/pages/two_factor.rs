//! `/portal/two-factor`: a phone for the codes, in three steps. The third is the page of recovery codes.

use super::proof::Proof;
use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "phone-title";
pub const TITLE_CHANGE: &str = "phone-change-title";
pub const TITLE_CODE: &str = "phone-code-title";

/// The first step: the number, and a proof.
#[derive(Template)]
#[template(path = "portal/two_factor.html")]
pub struct PhonePage {
    pub shell: Shell,
    pub phone: String,
    pub proof: Proof,
    /// Whether this replaces a number.
    pub is_change: bool,
    /// From when the tenant demands it.
    pub demanded_from: Option<String>,
    /// The tenant demands it now: there is no way around.
    pub is_demanded: bool,
    /// Whether a message can be sent at all.
    pub is_available: bool,
}

/// The second step: the code that was sent to the number.
#[derive(Template)]
#[template(path = "portal/two_factor_code.html")]
pub struct PhoneCodePage {
    pub shell: Shell,
    pub number: String,
    pub until: String,
    pub again_from: Option<String>,
}
