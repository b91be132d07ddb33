//! `/portal/members/{id}/sign-ins`: an owner's view of a member's sign-ins in this tenant.

use super::devices::{SessionRow, SignInRow};
use crate::shell::Shell;
use askama::Template;

/// The key of the title. It has the value `name`.
pub const TITLE: &str = "member-sign-ins-title";

#[derive(Template)]
#[template(path = "portal/member_sign_ins.html")]
pub struct MemberSignInsPage {
    pub shell: Shell,
    pub member: String,
    pub has_2fa: bool,
    /// Whether this tenant is the member's only one: only then may its owner reset the second factor.
    pub may_reset: bool,
    /// When a reset that was asked for happens.
    pub resets_at: Option<String>,
    pub sessions: Vec<SessionRow>,
    pub activity: Vec<SignInRow>,
    pub older: Option<String>,
}
