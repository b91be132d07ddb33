//! `/portal/recovery`: a recovery code in place of the code.

use crate::{errors::Errors, shell::Shell, text::Text};
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "recovery-title";

#[derive(Template)]
#[template(path = "portal/recovery.html")]
pub struct RecoveryPage {
    pub shell: Shell,
}

pub fn wrong(t: Text) -> Errors {
    Errors::one("recovery", t.get("recovery-wrong"))
}
