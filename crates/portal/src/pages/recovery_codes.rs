//! `/portal/recovery-codes`: the codes, shown once.

use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "codes-title";

#[derive(Template)]
#[template(path = "portal/recovery_codes.html")]
pub struct RecoveryCodesPage {
    pub shell: Shell,
    pub codes: Vec<String>,
    /// Whether this is the last step of an enrolment.
    pub is_enrolment: bool,
}
