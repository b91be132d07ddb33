//! `/portal/code`: the code that a sign-in awaits.

use crate::{errors::Errors, shell::Shell, text::Text};
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "code-title";

#[derive(Template)]
#[template(path = "portal/code.html")]
pub struct CodePage {
    pub shell: Shell,
    /// The masked number.
    pub number: String,
    /// When the code ends.
    pub until: String,
    /// When another message may be asked for, if not at once.
    pub again_from: Option<String>,
    /// Whether another message may be asked for at all.
    pub may_resend: bool,
    /// No message can be sent now. Recovery codes still work.
    pub is_away: bool,
}

/// Says that a code was wrong. The page stays as long as tries are left.
pub fn wrong(t: Text, left: u8) -> Errors {
    Errors::one("code", t.one("code-wrong", "left", left))
}
