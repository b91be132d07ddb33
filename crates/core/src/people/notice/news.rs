//! What a notice reports.

use super::LinkPath;
use crate::{
    people::person::PersonName, phone::Country, printable::is_printable, tenant::TenantName, time::Timestamp,
};
use std::net::IpAddr;

/// Words from outside, such as the name of a browser: at most 64 printable characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(String);

impl Words {
    const MAX: usize = 64;

    /// Leaves out what cannot be printed, and cuts the rest.
    pub fn new(text: &str) -> Self {
        Self(text.trim().chars().filter(|c| is_printable(*c)).take(Self::MAX).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The actor who switched a second factor off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Person,
    Owner,
    Operator,
}

/// One of the two allowlists of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Api,
    Portal,
}

/// What a notice reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody is invited to a tenant.
    Invitation {
        tenant: TenantName,
        invited_by: Option<PersonName>,
        link: LinkPath,
        expires: Timestamp,
    },
    /// Somebody typed the person's password on an unknown device. `finished`: the sign-in succeeded.
    NewDevice {
        at: Timestamp,
        finished: bool,
        address: IpAddr,
        country: Option<Country>,
        browser: Words,
        os: Words,
        /// Signs out everywhere.
        link: LinkPath,
    },
    PasswordChanged {
        at: Timestamp,
    },
    /// A link that sets a new password.
    ResetPassword {
        link: LinkPath,
        expires: Timestamp,
    },
    TwoFactorOn,
    TwoFactorOff {
        at: Timestamp,
        by: By,
    },
    /// Codes go to another number: its last digits. The mail goes to the person, the SMS to the former number.
    NumberChanged {
        at: Timestamp,
        ends_with: Words,
    },
    RecoveryCodeUsed {
        left: u32,
    },
    RecoveryCodesMade,
    /// To a new address, which becomes the person's with this link.
    ConfirmAddress {
        link: LinkPath,
        expires: Timestamp,
    },
    /// To the former address.
    AddressChanging {
        /// The new address, masked.
        to: Words,
        /// Keeps the former address.
        undo: LinkPath,
    },
    /// To the address that an undo put back.
    AddressRestored {
        at: Timestamp,
    },
    /// To the address that an undo took away. It may be a thief's, so it does not name the other one.
    AddressLeft {
        at: Timestamp,
    },
    /// The operator gave the person another address. To both addresses.
    AddressSet {
        at: Timestamp,
        /// The new address, masked.
        to: Words,
    },
    /// The operator signed the person out everywhere.
    SignedOut {
        at: Timestamp,
    },
    /// A tenant demands two-factor sign-in of a person who has none.
    EnrolTwoFactor {
        tenant: TenantName,
        link: LinkPath,
        expires: Timestamp,
    },
    /// An owner switches two-factor sign-in off for a person who lost the phone.
    TwoFactorResetStarted {
        tenant: TenantName,
        effective: Timestamp,
        /// Signs out everywhere, which also stops the reset.
        cancel: LinkPath,
    },
    /// The password is `days` old. `forced`: it must be changed before the portal is used.
    PasswordOld {
        days: u32,
        forced: bool,
    },

    // To the owners of a tenant.
    NewOwner {
        tenant: TenantName,
        name: PersonName,
    },
    MemberTwoFactorOff {
        tenant: TenantName,
        name: PersonName,
    },
    /// `by` is `None` for the operator.
    ListChanged {
        tenant: TenantName,
        list: List,
        by: Option<Words>,
    },
    /// A member or a key may show codes.
    CodesRevealGranted {
        tenant: TenantName,
        to: Words,
    },
    PoolAt80 {
        tenant: TenantName,
        member: PersonName,
        used: u32,
        of: u32,
    },
}

impl News {
    /// The kind, as the stores and the metrics name it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Invitation { .. } => "invitation",
            Self::NewDevice { .. } => "new_device",
            Self::PasswordChanged { .. } => "password_changed",
            Self::ResetPassword { .. } => "reset_password",
            Self::TwoFactorOn => "two_factor_on",
            Self::TwoFactorOff { .. } => "two_factor_off",
            Self::NumberChanged { .. } => "number_changed",
            Self::RecoveryCodeUsed { .. } => "recovery_code_used",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::ConfirmAddress { .. } => "confirm_address",
            Self::AddressChanging { .. } => "address_changing",
            Self::AddressRestored { .. } => "address_restored",
            Self::AddressLeft { .. } => "address_left",
            Self::AddressSet { .. } => "address_set",
            Self::SignedOut { .. } => "signed_out",
            Self::EnrolTwoFactor { .. } => "enrol_two_factor",
            Self::TwoFactorResetStarted { .. } => "two_factor_reset_started",
            Self::PasswordOld { .. } => "password_old",
            Self::NewOwner { .. } => "new_owner",
            Self::MemberTwoFactorOff { .. } => "member_two_factor_off",
            Self::ListChanged { .. } => "list_changed",
            Self::CodesRevealGranted { .. } => "codes_reveal_granted",
            Self::PoolAt80 { .. } => "pool_at_80",
        }
    }

    /// When the notice has no use any more, because its link has expired. It is not sent afterwards.
    pub const fn useless_from(&self) -> Option<Timestamp> {
        match self {
            Self::Invitation { expires, .. }
            | Self::ResetPassword { expires, .. }
            | Self::ConfirmAddress { expires, .. }
            | Self::EnrolTwoFactor { expires, .. } => Some(*expires),
            _ => None,
        }
    }
}
