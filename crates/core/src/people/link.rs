//! Links in mails. Each is good once. Reading the page of a link changes nothing.

use crate::{access::key::HashedSecret, id::PersonId, time::Timestamp};
use std::time::Duration;

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// Makes the operator's first person.
    SetUp,
    /// Sets another password.
    Reset,
    /// Ends all sessions that were made before its use.
    SignOutEverywhere,
    /// Confirms another e-mail address. The link carries that address.
    ConfirmAddress,
    /// Puts the former e-mail address back. The link carries that address.
    UndoAddress,
    /// Switches two-factor authentication on, because a tenant demands it.
    EnrolTwoFactor,
}

impl LinkKind {
    pub const ALL: [Self; 6] = [
        Self::SetUp,
        Self::Reset,
        Self::SignOutEverywhere,
        Self::ConfirmAddress,
        Self::UndoAddress,
        Self::EnrolTwoFactor,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetUp => "set_up",
            Self::Reset => "reset",
            Self::SignOutEverywhere => "sign_out_everywhere",
            Self::ConfirmAddress => "confirm_address",
            Self::UndoAddress => "undo_address",
            Self::EnrolTwoFactor => "enrol_two_factor",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub const fn life(self) -> Duration {
        Duration::from_secs(match self {
            Self::Reset => 30 * 60,
            Self::SetUp | Self::ConfirmAddress | Self::EnrolTwoFactor => 86_400,
            Self::SignOutEverywhere | Self::UndoAddress => 7 * 86_400,
        })
    }

    /// Whether the link ends when the person's epoch rises. The links that undo something must outlast the
    /// thief's change.
    pub const fn ends_with_epoch(self) -> bool {
        matches!(self, Self::Reset | Self::ConfirmAddress | Self::EnrolTwoFactor)
    }

    /// The maximum number of links of this kind of one person in an hour.
    pub const fn most_an_hour(self) -> u32 {
        match self {
            Self::SetUp => u32::MAX,
            Self::Reset | Self::ConfirmAddress | Self::EnrolTwoFactor => 3,
            Self::SignOutEverywhere | Self::UndoAddress => 20,
        }
    }
}

/// A link that was not used yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The hash of the secret in the link.
    pub secret: HashedSecret,
    pub kind: LinkKind,
    /// The person of the link; a link for set-up has none.
    pub person: Option<PersonId>,
    pub epoch: i64,
    /// What the link carries, sealed.
    pub sealed: Option<Vec<u8>>,
    pub made_at: Timestamp,
    pub expires_at: Timestamp,
}
