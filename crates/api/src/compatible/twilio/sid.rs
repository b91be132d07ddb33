//! Twilio's ids: two capitals for the kind, and 32 hexadecimal digits. The digits are the same 16 bytes as in
//! the ids of `/v1`.

use countersign_core::{access::key::Key, id::TenantId};
use std::fmt;

/// The kind of thing that a SID names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tenant.
    Account,
    /// An API key.
    Key,
    /// A profile.
    Service,
    /// A verification.
    Verification,
    /// A message.
    Attempt,
    /// A limit of a profile.
    RateLimit,
    /// A bucket of such a limit.
    Bucket,
    /// A tenant's own message texts.
    Template,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Account => "AC",
            Self::Key => "SK",
            Self::Service => "VA",
            Self::Verification => "VE",
            Self::Attempt => "VL",
            Self::RateLimit => "RK",
            Self::Bucket => "BL",
            Self::Template => "HJ",
        }
    }
}

/// A SID.
pub struct Sid(Kind, [u8; 16]);

impl Sid {
    pub fn new(kind: Kind, bytes: &[u8; 16]) -> Self {
        Self(kind, *bytes)
    }

    /// The bytes of a SID of this kind; `None` for any other text. Capital digits are read too, as Twilio's
    /// own pattern allows.
    pub fn parse(kind: Kind, text: &str) -> Option<[u8; 16]> {
        let digits = text.strip_prefix(kind.prefix())?;
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes)
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:032x}", self.0.prefix(), u128::from_be_bytes(self.1))
    }
}

/// The SID by which Twilio's clients name a tenant.
pub fn account_sid(tenant: TenantId) -> String {
    Sid::new(Kind::Account, tenant.bytes()).to_string()
}

/// Returns whether a user name fits a key: it is the SID of the account or of the key.
pub fn is_user_of(key: &Key, user: &str) -> bool {
    Sid::parse(Kind::Account, user).is_some_and(|account| account == *key.tenant.bytes())
        || Sid::parse(Kind::Key, user).is_some_and(|sid| sid == *key.id.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_is_its_sixteen_bytes() {
        let bytes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255];
        let text = Sid::new(Kind::Service, &bytes).to_string();
        assert_eq!(text, "VA000102030405060708090a0b0c0d0eff");
        assert_eq!(Sid::parse(Kind::Service, &text), Some(bytes));
        assert_eq!(Sid::parse(Kind::Service, &text.replace("0eff", "0EFF")), Some(bytes));
        let plus = format!("VA+{}", &text[3..]);
        for bad in ["", "VA", &text[..33], &format!("{text}0"), &text.replace("VA", "va"), &plus] {
            assert_eq!(Sid::parse(Kind::Service, bad), None, "{bad}");
        }
        assert_eq!(Sid::parse(Kind::Account, &text), None);
        assert_eq!(Sid::parse(Kind::Service, "VAż00102030405060708090a0b0c0d0eff"), None);
    }
}
