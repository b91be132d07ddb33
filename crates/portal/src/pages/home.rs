//! `/portal`: the first page after sign-in.

use crate::shell::Shell;
use askama::Template;

/// The key of the title. It has the value `name`.
pub const TITLE: &str = "home-title";

#[derive(Template)]
#[template(path = "portal/home.html")]
pub struct HomePage {
    pub shell: Shell,
    pub has_2fa: bool,
    /// What the member may do, a sentence each.
    pub may: Vec<String>,
}
