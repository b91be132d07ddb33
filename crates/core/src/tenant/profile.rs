//! A profile: an app or purpose of a tenant, with its code policy.

use crate::{
    code::{Alphabet, CodeShape},
    id::{ProfileId, TenantId},
    mode::Mode,
    printable::is_printable,
    tenant::limits::{LimitNotes, NamedLimits},
    time::Timestamp,
};
use std::{ops::RangeInclusive, time::Duration};

/// Returns whether a text is 1 to 32 of `[a-z0-9-]`: the form of names within a tenant.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    plain && (1..=32).contains(&text.len())
}

/// The unique name of a profile within its tenant: 1 to 32 of `[a-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(String);

impl ProfileName {
    pub const DEFAULT: &'static str = "default";

    /// Returns `None` unless the text is 1 to 32 of `[a-z0-9-]`.
    pub fn parse(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ProfileName {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

/// The name of a profile that people see: 1 to 32 printable characters on one line, without surrounding
/// spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// The maximum length, in characters.
    pub const MAX: usize = 32;

    /// Returns `None` if the text is empty, too long or not printable.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=Self::MAX).contains(&text.chars().count());
        (fits && text.chars().all(is_printable)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Candidates for the unique name of a profile, made from the display name. The first is the best. The
    /// others have a number at the end, for the case that the name before is taken.
    pub fn unique_names(&self) -> impl Iterator<Item = ProfileName> {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let all: String = self.0.chars().map(plain).collect();
        let words: Vec<_> = all.split('-').filter(|word| !word.is_empty()).collect();
        let stem = if words.is_empty() { "service".to_owned() } else { words.join("-") };
        (1..).map(move |n: u32| {
            let suffix = if n == 1 { String::new() } else { format!("-{n}") };
            let room = Self::MAX - suffix.len();
            let cut = stem.get(..room).unwrap_or(&stem).trim_end_matches('-');
            ProfileName(format!("{cut}{suffix}"))
        })
    }
}

/// The code that a resend sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResendPolicy {
    /// The same code again.
    Same,
    /// A new code. The previous code becomes invalid.
    New,
    /// A new code. The previous code stays valid, but no earlier one.
    NewKeepPrevious,
}

impl ResendPolicy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::New => "new",
            Self::NewKeepPrevious => "new_keep_previous",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Same, Self::New, Self::NewKeepPrevious].into_iter().find(|p| p.as_str() == text)
    }
}

/// The code policy of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The number of characters of a code, 4 to 10.
    pub code_length: u8,
    pub alphabet: Alphabet,
    /// How long a code is valid, 30 s to 10 min (NIST SP 800-63B-4: at most 10 min).
    pub expires_in: Duration,
    /// The number of wrong codes that ends a verification, 1 to 5 (PSD2 RTS Art 4: at most 5).
    pub max_checks: u8,
    /// The maximum number of messages of one verification, 1 to 5.
    pub max_sends: u8,
    pub resend: ResendPolicy,
}

impl Policy {
    /// The values that [`Policy::code_length`] may have.
    pub const CODE_LENGTH: RangeInclusive<u8> = 4..=10;
    /// The values that [`Policy::max_checks`] and [`Policy::max_sends`] may have.
    pub const TRIES: RangeInclusive<u8> = 1..=5;
    /// The values that [`Policy::expires_in`] may have, in seconds.
    pub const EXPIRES_IN: RangeInclusive<u32> = 30..=600;

    /// The default shape of a code; a start may choose another length. In test mode, codes consist of digits.
    pub fn code_shape(&self, mode: Mode) -> CodeShape {
        let alphabet = if mode == Mode::Test { Alphabet::Digits } else { self.alphabet };
        CodeShape { length: self.code_length, alphabet }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            code_length: 6,
            alphabet: Alphabet::Digits,
            expires_in: Duration::from_secs(300),
            max_checks: 5,
            max_sends: 5,
            resend: ResendPolicy::Same,
        }
    }
}

/// A profile, as the directory stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The codes store refers to the profile by this id, so renaming the profile changes nothing there.
    pub id: ProfileId,
    pub tenant: TenantId,
    pub name: ProfileName,
    /// The name that people see, if the tenant has set one.
    pub display_name: Option<DisplayName>,
    pub policy: Policy,
    /// The limits for values that the client names.
    pub limits: NamedLimits,
    /// Notes about limits. A note may exist before its limit does.
    pub limit_notes: LimitNotes,
    pub created_at: Timestamp,
}

impl Profile {
    /// The profile `default` that every new tenant gets.
    pub fn first(id: ProfileId, tenant: TenantId, created_at: Timestamp) -> Self {
        let (name, policy, limits) = (ProfileName::default(), Policy::default(), NamedLimits::default());
        let (display_name, limit_notes) = (None, LimitNotes::default());
        Self { id, tenant, name, display_name, policy, limits, limit_notes, created_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_is_one_printable_line() {
        for good in ["Shop", " Żółw & Co. ", &"ż".repeat(32)] {
            assert_eq!(DisplayName::parse(good).unwrap().as_str(), good.trim());
        }
        for bad in ["", "  ", &"x".repeat(33), "two\nlines", "a\u{202e}b", "\u{200b}"] {
            assert_eq!(DisplayName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn unique_names_follow_from_it() {
        for (display, names) in [
            ("My Shop", ["my-shop", "my-shop-2", "my-shop-3"]),
            ("--A..B--", ["a-b", "a-b-2", "a-b-3"]),
            ("Żółw", ["w", "w-2", "w-3"]),
            ("商店", ["service", "service-2", "service-3"]),
            (
                "abcdefghijklmnopqrstuvwxyz0123 5",
                [
                    "abcdefghijklmnopqrstuvwxyz0123-5",
                    "abcdefghijklmnopqrstuvwxyz0123-2",
                    "abcdefghijklmnopqrstuvwxyz0123-3",
                ],
            ),
        ] {
            let made: Vec<_> = DisplayName::parse(display).unwrap().unique_names().take(3).collect();
            assert_eq!(made.iter().map(ProfileName::as_str).collect::<Vec<_>>(), names, "{display}");
            assert!(made.iter().all(|name| is_name(name.as_str())));
        }
    }
}
