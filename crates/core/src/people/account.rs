//! What a person signs in with. It is never in the copy in memory: without the database nobody signs in.

use crate::{
    id::PersonId,
    keyring::{Fingerprint, KeyRing, OpenError, Place, Sealed},
    people::{
        password::PasswordText,
        person::{EmailMark, Person},
        recovery::RecoveryMark,
    },
    phone::PhoneNumber,
    tenant::{
        OPERATOR,
        security::{SessionIdle, SessionTotal},
    },
    time::Timestamp,
};
use rand::CryptoRng;

/// A person with its password and its phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub person: Person,
    /// `None` until the person has set one: nobody signs in without a password.
    pub password: Option<PasswordText>,
    pub password_at: Option<Timestamp>,
    /// The number that gets the codes. With it, two-factor authentication is on.
    pub phone: Option<OwnPhone>,
    /// The lengths of sessions that the person chose. A tenant's shorter ones win.
    pub idle: Option<SessionIdle>,
    pub total: Option<SessionTotal>,
    /// When the reset of the second factor that an owner began takes effect.
    pub reset_2fa_at: Option<Timestamp>,
}

/// A phone number of a person that a first code confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPhone {
    /// The number, sealed.
    pub sealed: Vec<u8>,
    pub mark: PhoneMark,
    pub confirmed_at: Timestamp,
}

/// A keyed hash of a person's phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PhoneMark(pub [u8; 16]);

impl PhoneMark {
    pub fn of(number: &PhoneNumber, keyring: &KeyRing) -> Self {
        Self(keyring.hash("person-phone", OPERATOR, &[number.e164().as_bytes()]))
    }
}

/// The owner of a sealed number: a person, and the number itself.
fn place(kind: Sealed, person: PersonId, mark: PhoneMark) -> Place {
    Place { kind, tenant: OPERATOR, id: *person.bytes(), number: Fingerprint(mark.0) }
}

impl OwnPhone {
    pub fn new(
        person: PersonId,
        number: &PhoneNumber,
        keyring: &KeyRing,
        confirmed_at: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let mark = PhoneMark::of(number, keyring);
        let sealed = keyring.seal(&place(Sealed::Phone, person, mark), number.e164().as_bytes(), rng);
        Self { sealed, mark, confirmed_at }
    }

    /// The number. Returns `None` if the key ring cannot open it.
    pub fn open(&self, person: PersonId, keyring: &KeyRing) -> Option<PhoneNumber> {
        let opened = keyring.open(&place(Sealed::Phone, person, self.mark), &self.sealed).ok()?;
        PhoneNumber::parse(std::str::from_utf8(&opened).ok()?).ok()
    }

    /// The same number, sealed with the primary key.
    pub fn resealed(
        &self,
        person: PersonId,
        keyring: &KeyRing,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, OpenError> {
        keyring.reseal(&place(Sealed::Phone, person, self.mark), &self.sealed, rng)
    }
}

/// A change that a person makes of its own account. Each one raises the epoch unless it says otherwise: all
/// sessions, half-way sign-ins, proofs and reset links that were made before end with it.
#[derive(Clone, Debug)]
pub enum AccountChange {
    /// Sets the password. The former one joins the remembered ones, and no device is trusted any more.
    Password(PasswordText),
    /// Replaces the hash of the same password by one with the present figures. It raises nothing.
    Rehash(PasswordText),
    /// Switches two-factor authentication on, with the codes for a lost phone.
    TwoFactorOn(OwnPhone, Vec<RecoveryMark>),
    /// Another number. The codes for a lost phone stay.
    Phone(OwnPhone),
    /// Removes the phone and the recovery codes.
    TwoFactorOff,
    /// Replaces the recovery codes.
    RecoveryCodes(Vec<RecoveryMark>),
    /// Another e-mail address: its mark, and the identity sealed with it.
    Email(EmailMark, Vec<u8>),
    /// Ends all sessions. With `forget_devices`, no device but the kept session's belongs to the person.
    SignOutEverywhere { forget_devices: bool },
    /// The name, the language and the zone; `Person` has all three. It raises nothing.
    Profile(Person),
    /// The lengths of sessions. It raises nothing.
    SessionLengths(Option<SessionIdle>, Option<SessionTotal>),
    /// An owner begins, or the person stops, a reset of the second factor. It raises nothing.
    ResetTwoFactorAt(Option<Timestamp>),
}

impl AccountChange {
    /// Whether everything that was begun or signed in before ends.
    pub fn raises(&self) -> bool {
        match self {
            Self::Rehash(_) | Self::Profile(_) | Self::SessionLengths(..) | Self::ResetTwoFactorAt(_) => {
                false
            }
            Self::Password(_)
            | Self::TwoFactorOn(..)
            | Self::Phone(_)
            | Self::TwoFactorOff
            | Self::RecoveryCodes(_)
            | Self::Email(..)
            | Self::SignOutEverywhere { .. } => true,
        }
    }

    /// Whether two such changes that read the same account exclude each other. What asks for no proof does not.
    pub fn raises_version(&self) -> bool {
        self.raises() || matches!(self, Self::ResetTwoFactorAt(_))
    }

    /// The act in the audit log of each tenant of the person; `None` if it is not audited.
    pub const fn action(&self) -> Option<&'static str> {
        Some(match self {
            Self::Password(_) => "person.password",
            Self::TwoFactorOn(..) => "person.two_factor_on",
            Self::Phone(_) => "person.phone",
            Self::TwoFactorOff => "person.two_factor_off",
            Self::RecoveryCodes(_) => "person.recovery_codes",
            Self::Email(..) => "person.email",
            Self::SignOutEverywhere { .. } => "portal.sign_out_everywhere",
            Self::Profile(_) => "person.profile",
            Self::ResetTwoFactorAt(Some(_)) => "person.two_factor_reset",
            Self::ResetTwoFactorAt(None) => "person.two_factor_reset_stop",
            Self::Rehash(_) | Self::SessionLengths(..) => return None,
        })
    }
}
