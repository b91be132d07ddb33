//! The security settings of a tenant or of the operator.

use super::parse_tenant_id;
use clap::{Args, Subcommand};
use countersign_core::{
    id::TenantId,
    tenant::{
        OPERATOR,
        security::{PasswordAge, PasswordDays, SecurityChange, SessionIdle, SessionTotal},
    },
    time::Timestamp,
};
use jiff::{civil::Date, tz::TimeZone};

/// Show and change how the members of a tenant sign in to the portal.
#[derive(Debug, Subcommand)]
pub enum SecurityCommand {
    /// Print the settings, one on each line
    Show(SecurityOwner),
    /// Change some of the settings
    Set(SetSecurity),
}

/// Whose members are meant.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct SecurityOwner {
    /// Of this tenant: ten_...
    #[arg(value_parser = parse_tenant_id)]
    tenant: Option<TenantId>,
    /// Of the operator
    #[arg(long)]
    operator: bool,
}

impl SecurityOwner {
    /// The tenant, or the operator's own.
    pub fn id(self) -> TenantId {
        self.tenant.filter(|_| !self.operator).unwrap_or(OPERATOR)
    }
}

/// A value, or the default.
#[derive(Clone, Copy, Debug)]
pub struct OrDefault<T>(Option<T>);

/// Which settings to change.
#[derive(Clone, Copy, Debug, Args)]
pub struct SetSecurity {
    /// Whose settings
    #[command(flatten)]
    pub owner: SecurityOwner,
    #[command(flatten)]
    values: SecurityValues,
}

/// The values of the settings.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = true)]
struct SecurityValues {
    /// Since when members must sign in with a code, too: a date (UTC), a time in RFC 3339, or off
    #[arg(long, value_name = "DATE|off", value_parser = parse_require_2fa)]
    require_2fa: Option<OrDefault<Timestamp>>,
    /// What happens when a password is old: off, remind, force, or default (remind)
    #[arg(long, value_name = "WHAT", value_parser = parse_password_age)]
    password_age: Option<OrDefault<PasswordAge>>,
    /// After how many days a password is old: 1 to 365, or default (30)
    #[arg(long, value_name = "DAYS", value_parser = parse_password_days)]
    password_days: Option<OrDefault<PasswordDays>>,
    /// How long a session lasts without a request: 5m, 15m, 30m, 1h, 4h, 8h, 12h, 1d, 7d, 30d, or default (1h; 15m
    /// for the operator)
    #[arg(long, value_name = "TIME", value_parser = parse_idle)]
    session_idle: Option<OrDefault<SessionIdle>>,
    /// How long a session lasts in all: 12h, 1d, 7d, 30d, or default (12h)
    #[arg(long, value_name = "TIME", value_parser = parse_total)]
    session_total: Option<OrDefault<SessionTotal>>,
}

impl SetSecurity {
    pub fn change(&self) -> SecurityChange {
        let values = &self.values;
        SecurityChange {
            require_2fa: values.require_2fa.map(|value| value.0),
            password_age: values.password_age.map(|value| value.0),
            password_days: values.password_days.map(|value| value.0),
            session_idle: values.session_idle.map(|value| value.0),
            session_total: values.session_total.map(|value| value.0),
        }
    }
}

/// A time of a session in its shortest form: `15m`, `12h`, `7d`.
pub fn span(seconds: u32) -> String {
    match seconds {
        days if days % 86_400 == 0 => format!("{}d", days / 86_400),
        hours if hours % 3_600 == 0 => format!("{}h", hours / 3_600),
        minutes => format!("{}m", minutes / 60),
    }
}

fn or_default<T>(
    text: &str,
    default: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<OrDefault<T>, String> {
    if text == default { Ok(OrDefault(None)) } else { read(text).map(|value| OrDefault(Some(value))) }
}

fn parse_require_2fa(text: &str) -> Result<OrDefault<Timestamp>, String> {
    or_default(text, "off", |text| {
        let problem = |_| "a date such as 2026-12-31, a time such as 2026-12-31T12:00:00Z, or off".to_owned();
        let at = match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => date.to_zoned(TimeZone::UTC).map_err(problem)?.timestamp(),
            _ => text.parse::<jiff::Timestamp>().map_err(problem)?,
        };
        Ok(Timestamp::from_micros(at.as_microsecond()).floor_to_millis())
    })
}

fn parse_password_age(text: &str) -> Result<OrDefault<PasswordAge>, String> {
    or_default(text, "default", |text| {
        PasswordAge::parse(text).ok_or_else(|| "off, remind, force or default".to_owned())
    })
}

fn parse_password_days(text: &str) -> Result<OrDefault<PasswordDays>, String> {
    or_default(text, "default", |text| {
        let days = text.parse().ok().and_then(PasswordDays::new);
        days.ok_or_else(|| format!("1 to {} days, or default", PasswordDays::MOST))
    })
}

fn parse_span<T>(
    text: &str,
    choices: &[u32],
    new: impl Fn(u32) -> Option<T>,
) -> Result<OrDefault<T>, String> {
    or_default(text, "default", |text| {
        let chosen = choices.iter().find(|seconds| span(**seconds) == text);
        let all = || choices.iter().map(|seconds| span(*seconds)).collect::<Vec<_>>().join(", ");
        chosen.and_then(|seconds| new(*seconds)).ok_or_else(|| format!("one of {}, or default", all()))
    })
}

fn parse_idle(text: &str) -> Result<OrDefault<SessionIdle>, String> {
    parse_span(text, &SessionIdle::CHOICES, SessionIdle::new)
}

fn parse_total(text: &str) -> Result<OrDefault<SessionTotal>, String> {
    parse_span(text, &SessionTotal::CHOICES, SessionTotal::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_has_a_text_of_its_own() {
        let texts = SessionIdle::CHOICES.map(span);
        assert_eq!(texts.join(" "), "5m 15m 30m 1h 4h 8h 12h 1d 7d 30d");
        for (seconds, text) in SessionIdle::CHOICES.iter().zip(&texts) {
            assert_eq!(parse_idle(text).unwrap().0.map(SessionIdle::seconds), Some(*seconds));
        }
        assert!(parse_idle("default").unwrap().0.is_none());
        assert!(parse_idle("2h").unwrap_err().contains("5m, 15m"));
        assert!(parse_total("1h").unwrap_err().contains("12h, 1d, 7d, 30d"));
    }

    #[test]
    fn a_date_is_its_first_moment_in_utc() {
        let read = |text| parse_require_2fa(text).map(|value| value.0.map(|at| at.to_string()));
        assert_eq!(read("2026-12-31").unwrap().unwrap(), "2026-12-31T00:00:00.000Z");
        assert_eq!(read("2026-12-31T01:00:00.5+01:00").unwrap().unwrap(), "2026-12-31T00:00:00.500Z");
        assert_eq!(read("off"), Ok(None));
        for bad in ["", "soon", "2026-13-01", "2026-12-31T12:00:00", "default"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
