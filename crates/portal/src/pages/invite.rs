//! `/portal/invite/{tenant}/{invitation}/{secret}`: an invitation to a tenant.

use super::choice::Choice;
use crate::shell::Shell;
use askama::Template;

/// The key of the title. It has the value `tenant`.
pub const TITLE: &str = "invite-title";

#[derive(Template)]
#[template(path = "portal/invite.html")]
pub struct InvitePage {
    pub shell: Shell,
    pub tenant: String,
    pub email: String,
    pub until: String,
    /// What the member will be allowed to do, a sentence each.
    pub may: Vec<String>,
    pub reader: Reader,
}

/// Who looks at the invitation, as far as this browser tells. Nothing is said of whether the address is known.
pub enum Reader {
    /// Nobody is signed in.
    Stranger { name: String, phone: Option<String>, languages: Vec<Choice>, zones: Vec<Choice> },
    /// The invited person is signed in.
    Invited,
    /// Somebody else is signed in.
    Other,
}
