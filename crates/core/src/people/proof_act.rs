//! The acts for which a person gives a fresh proof: the password again, and a code if the person has a phone.

/// An act that needs proof. The code's message names it, so that a person sees what somebody else wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActName {
    /// Another phone number for codes.
    Phone,
    /// Another e-mail address.
    Email,
    Password,
    TwoFactorOff,
    RecoveryCodes,
    /// Who is an owner.
    Owner,
    /// A key made or rotated.
    Key,
    Member,
    Invitation,
    /// One of the two allowlists.
    List,
    /// The security settings.
    Rules,
    Provider,
    Webhook,
    RevokeAll,
    Delete,
    TrustDevice,
    /// The second factor of another person.
    TwoFactorReset,
}

impl ActName {
    pub const ALL: [Self; 17] = [
        Self::Phone,
        Self::Email,
        Self::Password,
        Self::TwoFactorOff,
        Self::RecoveryCodes,
        Self::Owner,
        Self::Key,
        Self::Member,
        Self::Invitation,
        Self::List,
        Self::Rules,
        Self::Provider,
        Self::Webhook,
        Self::RevokeAll,
        Self::Delete,
        Self::TrustDevice,
        Self::TwoFactorReset,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Password => "password",
            Self::TwoFactorOff => "two_factor_off",
            Self::RecoveryCodes => "recovery_codes",
            Self::Owner => "owner",
            Self::Key => "key",
            Self::Member => "member",
            Self::Invitation => "invitation",
            Self::List => "list",
            Self::Rules => "rules",
            Self::Provider => "provider",
            Self::Webhook => "webhook",
            Self::RevokeAll => "revoke_all",
            Self::Delete => "delete",
            Self::TrustDevice => "trust_device",
            Self::TwoFactorReset => "two_factor_reset",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_are_read_as_they_are_written() {
        for act in ActName::ALL {
            assert_eq!(ActName::parse(act.as_str()), Some(act));
        }
        assert_eq!(ActName::parse("sign_in"), None);
    }
}
