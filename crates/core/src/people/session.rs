//! Sessions of persons, browsers, and attempts to sign in.

use crate::{
    access::key::HashedSecret,
    id::{DeviceId, PersonId, SessionId, SignInId, TenantId, VerificationId},
    people::person::EmailMark,
    phone::Country,
    time::Timestamp,
};
use std::{net::IpAddr, time::Duration};

/// How long a browser's cookie lasts after the last request.
pub const DEVICE_LIFE: Duration = Duration::from_secs(180 * 86_400);
/// How long a half-way sign-in and a proof last.
pub const HALF_LIFE: Duration = Duration::from_secs(600);
/// How long attempts to sign in are kept.
pub const SIGN_INS_KEPT: Duration = Duration::from_secs(180 * 86_400);
/// The longest text of a browser's user agent, in bytes. The rest is cut off.
pub const LONGEST_AGENT: usize = 512;
/// How many wrong recovery codes end a half-way sign-in.
pub const RECOVERY_TRIES: u8 = 5;
/// How many codes a half-way sign-in sends at most.
pub const MOST_SENDS: u8 = 3;
/// The maximum number of sessions of a person. A further one ends the one that was seen longest ago.
pub const MOST_SESSIONS: u32 = 50;

/// What a person showed to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factors {
    Password,
    /// A password, and a code by SMS or a recovery code.
    Code,
}

impl Factors {
    pub const ALL: [Self; 2] = [Self::Password, Self::Code];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|factors| factors.as_str() == text)
    }
}

/// A person who is signed in, in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    /// The hash of the secret in the cookie.
    pub secret: HashedSecret,
    pub person: PersonId,
    /// The epoch of the person under which the session was made. With another epoch the session is over.
    pub epoch: i64,
    pub device: DeviceId,
    /// The tenant that the person entered.
    pub tenant: Option<TenantId>,
    pub factors: Factors,
    /// Whether the session began with the acceptance of an invitation: then the second factor is switched on
    /// without a mailed link.
    pub invited: bool,
    pub signed_in_at: Timestamp,
    pub seen_at: Timestamp,
    pub address: IpAddr,
    /// The sealed message that the next page shows once.
    pub flash: Option<Vec<u8>>,
}

/// One browser. It has a cookie of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    pub secret: HashedSecret,
    /// The text by which the browser calls itself, cut to [`LONGEST_AGENT`].
    pub agent: String,
    pub made_at: Timestamp,
    pub seen_at: Timestamp,
}

/// A browser in which a person finished a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnDevice {
    pub device: Device,
    pub person: PersonId,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub trusted_at: Option<Timestamp>,
    /// When the person last got a mail on an attempt in this browser.
    pub mailed_at: Option<Timestamp>,
}

/// How an attempt to sign in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInOutcome {
    /// The person is signed in.
    Done,
    /// The password was right, and a code was asked for.
    CodeAsked,
    WrongPassword,
    WrongCode,
    WrongRecoveryCode,
    /// The tenant's portal list does not contain the address.
    RefusedByList,
}

impl SignInOutcome {
    pub const ALL: [Self; 6] = [
        Self::Done,
        Self::CodeAsked,
        Self::WrongPassword,
        Self::WrongCode,
        Self::WrongRecoveryCode,
        Self::RefusedByList,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::CodeAsked => "code_asked",
            Self::WrongPassword => "wrong_password",
            Self::WrongCode => "wrong_code",
            Self::WrongRecoveryCode => "wrong_recovery_code",
            Self::RefusedByList => "refused_by_list",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// An attempt to sign in, as a person and the owners of its tenants see it. The store adds up the guesses of
/// strangers: after the fifth of an hour from one address, one row has their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    pub id: SignInId,
    pub at: Timestamp,
    pub outcome: SignInOutcome,
    /// The person of the typed address, if there is one.
    pub person: Option<PersonId>,
    /// The typed address.
    pub email: EmailMark,
    /// The tenant that the person entered or was refused by.
    pub tenant: Option<TenantId>,
    pub address: IpAddr,
    pub country: Option<Country>,
    pub device: Option<DeviceId>,
    pub agent: String,
    /// The number of attempts that this row counts.
    pub count: u32,
}

/// A sign-in whose password was right and whose code is missing. A cookie of its own names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfSignIn {
    pub secret: HashedSecret,
    pub person: PersonId,
    pub epoch: i64,
    /// The browser, if it had a cookie already.
    pub device: Option<DeviceId>,
    /// The verification of the last code that was sent; `None` if none could be sent.
    pub verification: Option<VerificationId>,
    pub sends: u8,
    pub wrong_recovery: u8,
    pub made_at: Timestamp,
    pub expires_at: Timestamp,
}
