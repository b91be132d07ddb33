//! Scopes: what a key may do. Each API operation requires one scope; some operations of compatible APIs require
//! two.

/// One permission of a key. The text form is the one of the OpenAPI security section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Scope {
    /// Start, resend and cancel verifications.
    VerificationsStart,
    /// Check codes.
    VerificationsCheck,
    /// Read verifications and their timelines.
    VerificationsRead,
    /// See whole phone numbers instead of masked ones.
    NumbersRead,
    ReportsRead,
    /// Read settings, keys and members.
    SettingsRead,
    /// Change settings.
    SettingsWrite,
    /// Create, change and delete keys.
    KeysWrite,
    /// Change members and invitations.
    MembersWrite,
    /// Read the audit log.
    AuditRead,
    /// Call the API that is compatible with SMSAPI's authenticator.
    CompatSmsapi,
    /// Call the API that is compatible with Twilio Verify.
    CompatTwilio,
    /// Call the API of CAMARA's One Time Password SMS.
    CompatCamara,
    /// See codes in clear text in the answers of the SMSAPI-compatible API. No operation requires this scope;
    /// it only changes what such answers contain.
    CodesReveal,
    /// Manage tenants. Only keys of the operator hold it.
    Operator,
}

impl Scope {
    /// Every scope, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::VerificationsStart,
        Self::VerificationsCheck,
        Self::VerificationsRead,
        Self::NumbersRead,
        Self::ReportsRead,
        Self::SettingsRead,
        Self::SettingsWrite,
        Self::KeysWrite,
        Self::MembersWrite,
        Self::AuditRead,
        Self::CompatSmsapi,
        Self::CompatTwilio,
        Self::CompatCamara,
        Self::CodesReveal,
        Self::Operator,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerificationsStart => "verifications:start",
            Self::VerificationsCheck => "verifications:check",
            Self::VerificationsRead => "verifications:read",
            Self::NumbersRead => "numbers:read",
            Self::ReportsRead => "reports:read",
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::KeysWrite => "keys:write",
            Self::MembersWrite => "members:write",
            Self::AuditRead => "audit:read",
            Self::CompatSmsapi => "compat:smsapi",
            Self::CompatTwilio => "compat:twilio",
            Self::CompatCamara => "compat:camara",
            Self::CodesReveal => "codes:reveal",
            Self::Operator => "operator",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope a tenant's key can have.
    pub fn all() -> Self {
        Scope::ALL.into_iter().filter(|scope| *scope != Scope::Operator).collect()
    }

    /// Every scope of a tenant but the one that shows codes. A key gets that one only if its maker asks for it.
    pub fn all_but_codes() -> Self {
        Self::all().iter().filter(|scope| *scope != Scope::CodesReveal).collect()
    }

    /// The scopes that are in both sets.
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Returns whether this set contains every scope of `other`. A key may give a new key only scopes that it
    /// has itself.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes of the set, in the order of the documentation.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | (1 << scope as u8)))
    }
}

impl std::fmt::Display for Scopes {
    /// Writes the scopes with spaces between them, as OAuth 2 and SQL have them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}
