//! The links of notices.

use crate::{
    id::{InvitationId, TenantId},
    people::invitation::LinkSecret,
};
use zeroize::Zeroizing;

/// The path of a link in a notice. The sender puts the configured origin in front of it, so that no notice leads
/// anywhere else. Its Debug does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkPath(Zeroizing<String>);

/// The longest path: an invitation with its ids and its secret needs 129 characters.
const LONGEST: usize = 160;

impl LinkPath {
    /// The page that accepts an invitation.
    pub fn invitation(tenant: TenantId, invitation: InvitationId, secret: &LinkSecret) -> Self {
        Self::below(&format!("invite/{tenant}/{invitation}"), secret)
    }

    /// The page that makes the operator's first person.
    pub fn setup(secret: &LinkSecret) -> Self {
        Self::below("setup", secret)
    }

    /// The page that sets a new password.
    pub fn reset(secret: &LinkSecret) -> Self {
        Self::below("reset", secret)
    }

    /// The page with one button: sign out everywhere, confirm an address, or undo its change.
    pub fn mail(secret: &LinkSecret) -> Self {
        Self::below("mail", secret)
    }

    /// The page that switches two-factor sign-in on, because a tenant demands it.
    pub fn two_factor(secret: &LinkSecret) -> Self {
        Self::below("two-factor", secret)
    }

    fn below(page: &str, secret: &LinkSecret) -> Self {
        Self(Zeroizing::new(format!("/portal/{page}/{}", *secret.expose())))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/_-".contains(&byte);
        let fits = text.len() <= LONGEST && text.starts_with("/portal/") && text.bytes().all(plain);
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }
}

impl std::fmt::Debug for LinkPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkPath")
    }
}
