//! `/portal/setup/{secret}`: makes the operator's first person.

use super::choice::Choice;
use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "setup-title";

#[derive(Template)]
#[template(path = "portal/setup.html")]
pub struct SetupPage {
    pub shell: Shell,
    pub name: String,
    pub email: String,
    pub languages: Vec<Choice>,
    pub zones: Vec<Choice>,
}
