//! The security settings of a tenant: what its members must do to sign in, and how long their sessions last.

use crate::{id::TenantId, tenant::OPERATOR, time::Timestamp};
use std::fmt;

/// What happens when a password is older than the tenant's number of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordAge {
    Off,
    /// The portal reminds the member.
    Remind,
    /// The member must choose another password first.
    Force,
}

impl PasswordAge {
    pub const ALL: [Self; 3] = [Self::Off, Self::Remind, Self::Force];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Remind => "remind",
            Self::Force => "force",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|age| age.as_str() == text)
    }
}

/// A number of days after which a password is old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordDays(u16);

impl PasswordDays {
    pub const MOST: u16 = 365;
    pub const DEFAULT: Self = Self(30);

    pub fn new(days: u16) -> Option<Self> {
        (1..=Self::MOST).contains(&days).then_some(Self(days))
    }

    pub const fn get(self) -> u16 {
        self.0
    }
}

/// How long a session lasts without a request of its member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionIdle(u32);

impl SessionIdle {
    /// The possible values in seconds: 5, 15, 30 min, 1, 4, 8, 12 h, 1, 7, 30 d.
    pub const CHOICES: [u32; 10] =
        [300, 900, 1_800, 3_600, 14_400, 28_800, 43_200, 86_400, 604_800, 2_592_000];
    const DEFAULT: Self = Self(3_600);
    /// Members of the operator reach every tenant.
    const OF_OPERATOR: Self = Self(900);

    pub fn new(seconds: u32) -> Option<Self> {
        Self::CHOICES.contains(&seconds).then_some(Self(seconds))
    }

    pub const fn seconds(self) -> u32 {
        self.0
    }
}

/// How long a session lasts in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTotal(u32);

impl SessionTotal {
    /// The possible values in seconds: 12 h, 1, 7, 30 d.
    pub const CHOICES: [u32; 4] = [43_200, 86_400, 604_800, 2_592_000];
    const DEFAULT: Self = Self(43_200);

    pub fn new(seconds: u32) -> Option<Self> {
        Self::CHOICES.contains(&seconds).then_some(Self(seconds))
    }

    pub const fn seconds(self) -> u32 {
        self.0
    }
}

/// What a tenant set itself. `None` means the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// When the rule begins that members sign in with a code too; `None` if they need none.
    pub require_2fa: Option<Timestamp>,
    pub password_age: Option<PasswordAge>,
    pub password_days: Option<PasswordDays>,
    pub session_idle: Option<SessionIdle>,
    pub session_total: Option<SessionTotal>,
}

/// A change of the security settings. `None` leaves a setting as it is, `Some(None)` resets it to its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityChange {
    pub require_2fa: Option<Option<Timestamp>>,
    pub password_age: Option<Option<PasswordAge>>,
    pub password_days: Option<Option<PasswordDays>>,
    pub session_idle: Option<Option<SessionIdle>>,
    pub session_total: Option<Option<SessionTotal>>,
}

impl From<Security> for SecurityChange {
    /// A change after which everything is as in `security`.
    fn from(security: Security) -> Self {
        let Security { require_2fa, password_age, password_days, session_idle, session_total } = security;
        Self {
            require_2fa: Some(require_2fa),
            password_age: Some(password_age),
            password_days: Some(password_days),
            session_idle: Some(session_idle),
            session_total: Some(session_total),
        }
    }
}

/// The session could be idle for longer than it may last in all, so it would never end by being idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session may not be idle for longer than it lasts in all: {idle} s of {total} s")]
pub struct IdleBeyondTotal {
    pub idle: u32,
    pub total: u32,
}

/// The security settings that hold for a tenant, with the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityRules {
    pub require_2fa: Option<Timestamp>,
    pub password_age: PasswordAge,
    pub password_days: PasswordDays,
    pub session_idle: SessionIdle,
    pub session_total: SessionTotal,
}

impl Security {
    /// The rules of the tenant that has these settings.
    pub fn rules(&self, tenant: TenantId) -> SecurityRules {
        let idle = if tenant == OPERATOR { SessionIdle::OF_OPERATOR } else { SessionIdle::DEFAULT };
        SecurityRules {
            require_2fa: self.require_2fa,
            password_age: self.password_age.unwrap_or(PasswordAge::Remind),
            password_days: self.password_days.unwrap_or(PasswordDays::DEFAULT),
            session_idle: self.session_idle.unwrap_or(idle),
            session_total: self.session_total.unwrap_or(SessionTotal::DEFAULT),
        }
    }

    /// The settings after a change.
    #[must_use]
    pub fn with(&self, change: &SecurityChange) -> Self {
        Self {
            require_2fa: change.require_2fa.unwrap_or(self.require_2fa),
            password_age: change.password_age.unwrap_or(self.password_age),
            password_days: change.password_days.unwrap_or(self.password_days),
            session_idle: change.session_idle.unwrap_or(self.session_idle),
            session_total: change.session_total.unwrap_or(self.session_total),
        }
    }

    /// Refuses settings that contradict each other in this tenant, with its defaults.
    pub fn check(&self, tenant: TenantId) -> Result<(), IdleBeyondTotal> {
        let rules = self.rules(tenant);
        let (idle, total) = (rules.session_idle.seconds(), rules.session_total.seconds());
        if idle > total { Err(IdleBeyondTotal { idle, total }) } else { Ok(()) }
    }

    /// Whether everything is at its default.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the stored form. It ignores names that only a newer release knows.
    pub fn parse(text: &str) -> Option<Self> {
        let mut security = Self::default();
        for field in text.split_whitespace() {
            let (name, value) = field.split_once('=')?;
            match name {
                REQUIRE_2FA => security.require_2fa = Some(Timestamp::from_micros(value.parse().ok()?)),
                PASSWORD_AGE => security.password_age = Some(PasswordAge::parse(value)?),
                PASSWORD_DAYS => {
                    security.password_days = Some(PasswordDays::new(value.parse().ok()?)?);
                }
                SESSION_IDLE => security.session_idle = Some(SessionIdle::new(value.parse().ok()?)?),
                SESSION_TOTAL => security.session_total = Some(SessionTotal::new(value.parse().ok()?)?),
                _ => {}
            }
        }
        Some(security)
    }
}

const REQUIRE_2FA: &str = "require_2fa";
const PASSWORD_AGE: &str = "password_age";
const PASSWORD_DAYS: &str = "password_days";
const SESSION_IDLE: &str = "session_idle";
const SESSION_TOTAL: &str = "session_total";

impl fmt::Display for Security {
    /// Writes what the tenant set, as SQL stores it: `password_age=force session_idle=900`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: Option<u32>| value.map(|value| value.to_string());
        let fields = [
            (REQUIRE_2FA, self.require_2fa.map(|at| at.micros().to_string())),
            (PASSWORD_AGE, self.password_age.map(|age| age.as_str().to_owned())),
            (PASSWORD_DAYS, number(self.password_days.map(|days| days.get().into()))),
            (SESSION_IDLE, number(self.session_idle.map(SessionIdle::seconds))),
            (SESSION_TOTAL, number(self.session_total.map(SessionTotal::seconds))),
        ];
        let set = fields.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        f.write_str(&set.collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId::from_bytes([7; 16]);

    fn set() -> Security {
        Security {
            require_2fa: Some(Timestamp::from_millis(1_800_000_000_000)),
            password_age: Some(PasswordAge::Force),
            password_days: PasswordDays::new(90),
            session_idle: SessionIdle::new(900),
            session_total: SessionTotal::new(86_400),
        }
    }

    #[test]
    fn the_stored_form_is_read_as_it_is_written() {
        let text = "require_2fa=1800000000000000 password_age=force password_days=90 session_idle=900 \
                    session_total=86400";
        assert_eq!(set().to_string(), text);
        assert_eq!(Security::parse(text), Some(set()));
        assert_eq!(Security::parse(""), Some(Security::default()));
        assert_eq!(Security::default().to_string(), "");
        let newer = Security::parse("colour=red session_idle=900").unwrap();
        assert_eq!(newer, Security { session_idle: SessionIdle::new(900), ..Security::default() });
        for bad in [
            "session_idle",
            "session_idle=901",
            "session_total=3600",
            "password_age=never",
            "password_days=0",
            "password_days=366",
            "require_2fa=soon",
        ] {
            assert_eq!(Security::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_defaults_hold_for_what_is_not_set() {
        let rules = Security::default().rules(TENANT);
        assert_eq!(rules.require_2fa, None);
        assert_eq!((rules.password_age, rules.password_days.get()), (PasswordAge::Remind, 30));
        assert_eq!((rules.session_idle.seconds(), rules.session_total.seconds()), (3_600, 43_200));
        assert_eq!(Security::default().rules(OPERATOR).session_idle.seconds(), 900);
        let own = Security { session_idle: SessionIdle::new(300), ..Security::default() };
        assert_eq!(own.rules(OPERATOR).session_idle.seconds(), 300, "a setting counts before the default");
    }

    #[test]
    fn a_change_leaves_resets_or_sets() {
        let change = SecurityChange {
            require_2fa: Some(None),
            password_days: Some(None),
            session_idle: Some(SessionIdle::new(604_800)),
            session_total: Some(SessionTotal::new(604_800)),
            ..SecurityChange::default()
        };
        let changed = set().with(&change);
        let expected = Security {
            require_2fa: None,
            password_age: Some(PasswordAge::Force),
            password_days: None,
            session_idle: SessionIdle::new(604_800),
            session_total: SessionTotal::new(604_800),
        };
        assert_eq!(changed, expected);
        assert_eq!(changed.with(&SecurityChange::default()), expected);
        assert_eq!(set().with(&expected.clone().into()), expected);
    }

    #[test]
    fn idle_is_never_longer_than_total_also_with_defaults() {
        let of = |idle: Option<u32>, total: Option<u32>| Security {
            session_idle: idle.and_then(SessionIdle::new),
            session_total: total.and_then(SessionTotal::new),
            ..Security::default()
        };
        for (idle, total, refused) in [
            (None, None, None),
            (Some(43_200), None, None),
            (Some(86_400), None, Some((86_400, 43_200))),
            (Some(604_800), Some(604_800), None),
            (Some(604_800), Some(86_400), Some((604_800, 86_400))),
            (None, Some(2_592_000), None),
        ] {
            let checked = of(idle, total).check(TENANT);
            let expected = refused.map_or(Ok(()), |(idle, total)| Err(IdleBeyondTotal { idle, total }));
            assert_eq!(checked, expected, "{idle:?} of {total:?}");
        }
        let (idle, total) = (SessionIdle::OF_OPERATOR.seconds(), SessionTotal::CHOICES[0]);
        assert!(
            idle <= total && SessionIdle::DEFAULT.seconds() <= total,
            "every total goes with the default"
        );
    }
}
