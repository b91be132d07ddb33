//! `/portal/signed-out`

use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "signed-out-title";

#[derive(Template)]
#[template(path = "portal/signed_out.html")]
pub struct SignedOutPage {
    pub shell: Shell,
}
