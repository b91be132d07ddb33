//! `/portal/reset/{secret}`: sets a new password by a link.

use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "reset-title";

#[derive(Template)]
#[template(path = "portal/reset.html")]
pub struct ResetPage {
    pub shell: Shell,
}
