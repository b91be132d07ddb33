//! `/portal/profile`: name, language, time zone; the end of the account.

use super::choice::Choice;
use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "profile-title";

#[derive(Template)]
#[template(path = "portal/profile.html")]
pub struct ProfilePage {
    pub shell: Shell,
    pub name: String,
    pub languages: Vec<Choice>,
    pub zones: Vec<Choice>,
}
