//! The page while the store of persons does not answer: status 503.

use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "unavailable-title";

#[derive(Template)]
#[template(path = "portal/unavailable.html")]
pub struct UnavailablePage {
    pub shell: Shell,
}
