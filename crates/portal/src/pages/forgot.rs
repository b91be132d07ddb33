//! `/portal/forgot`: asks for a link to set a new password. The answer is the same for every address.

use crate::shell::Shell;
use askama::Template;

/// The key of the title.
pub const TITLE: &str = "forgot-title";
pub const TITLE_SENT: &str = "forgot-sent-title";

#[derive(Template)]
#[template(path = "portal/forgot.html")]
pub struct ForgotPage {
    pub shell: Shell,
    pub email: String,
}

#[derive(Template)]
#[template(path = "portal/forgot_sent.html")]
pub struct ForgotSentPage {
    pub shell: Shell,
}
