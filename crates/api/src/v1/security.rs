//! The security settings of a tenant as JSON, and the body that changes them.

use crate::http::time::parse_time;
use countersign_core::{
    tenant::security::{PasswordAge, PasswordDays, SecurityChange, SecurityRules, SessionIdle, SessionTotal},
    time::Timestamp,
};
use countersign_web::{
    fields::{text, whole},
    problem::Fault,
    request,
    request::given_or_null,
    schema::text_enum,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// `off`: passwords do not age. `remind`: the portal tells the member. `force`: the member must choose another
/// password first.
pub struct PasswordAgeForm;

impl ToSchema for PasswordAgeForm {
    fn name() -> std::borrow::Cow<'static, str> {
        "PasswordAge".into()
    }
}
impl utoipa::PartialSchema for PasswordAgeForm {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        text_enum(PasswordAge::ALL.into_iter().map(PasswordAge::as_str))
    }
}

/// What members must do to sign in to the portal, and how long their sessions last.
#[derive(Serialize, ToSchema)]
pub struct Security {
    /// Since when members must sign in with a code, too; null: never.
    #[schema(required = true, format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    require_2fa: Option<String>,
    /// What happens when a password is older than `password_days`.
    #[schema(value_type = PasswordAgeForm, example = "remind")]
    password_age: &'static str,
    /// After how many days a password is old.
    #[schema(minimum = 1, maximum = 365, example = 30)]
    password_days: u16,
    /// How many seconds a session lasts without a request.
    #[schema(minimum = 300, maximum = 2_592_000, example = 3600)]
    session_idle: u32,
    /// How many seconds a session lasts in all.
    #[schema(minimum = 43_200, maximum = 2_592_000, example = 43200)]
    session_total: u32,
}

impl From<SecurityRules> for Security {
    fn from(rules: SecurityRules) -> Self {
        Self {
            require_2fa: rules.require_2fa.map(|at| at.to_string()),
            password_age: rules.password_age.as_str(),
            password_days: rules.password_days.get(),
            session_idle: rules.session_idle.seconds(),
            session_total: rules.session_total.seconds(),
        }
    }
}

request! {
    /// Changes the security settings. Absent fields stay as they are; null means the default.
    pub struct UpdateSecurity {
        /// Since when members must sign in with a code, too; null: never. A time in the past holds at once.
        #[schema(format = DateTime, example = "2026-01-31T12:00:00Z")]
        require_2fa: Option<Option<Timestamp>> as Option<String> = given_or_null(|value| {
            parse_time(&text(value)?).map(Timestamp::floor_to_millis)
        }),
        /// What happens when a password is older than `password_days`; null: `remind`.
        #[schema(example = "force")]
        password_age: Option<Option<PasswordAge>> as Option<PasswordAgeForm> = given_or_null(password_age),
        /// After how many days a password is old; null: 30.
        #[schema(minimum = 1, maximum = 365, example = 90)]
        password_days: Option<Option<PasswordDays>> as Option<u32> = given_or_null(password_days),
        /// How many seconds a session lasts without a request: 300, 900, 1800, 3600, 14400, 28800, 43200,
        /// 86400, 604800 or 2592000, and at most `session_total`. Null: 3600 (900 for the operator's own
        /// members).
        #[schema(minimum = 300, maximum = 2_592_000, example = 900)]
        session_idle: Option<Option<SessionIdle>> as Option<u32> = given_or_null(|value| {
            choice(value, &SessionIdle::CHOICES, SessionIdle::new)
        }),
        /// How many seconds a session lasts in all: 43200, 86400, 604800 or 2592000. Null: 43200.
        #[schema(minimum = 43_200, maximum = 2_592_000, example = 86400)]
        session_total: Option<Option<SessionTotal>> as Option<u32> = given_or_null(|value| {
            choice(value, &SessionTotal::CHOICES, SessionTotal::new)
        }),
    }
}

impl From<UpdateSecurity> for SecurityChange {
    fn from(asked: UpdateSecurity) -> Self {
        let UpdateSecurity { require_2fa, password_age, password_days, session_idle, session_total } = asked;
        Self { require_2fa, password_age, password_days, session_idle, session_total }
    }
}

fn password_age(value: Value) -> Result<PasswordAge, Fault> {
    PasswordAge::parse(&text(value)?).ok_or(Fault::format("must be off, remind or force"))
}

fn password_days(value: Value) -> Result<PasswordDays, Fault> {
    let days = whole(1..=PasswordDays::MOST.into())(value)?;
    let days = u16::try_from(days).ok().and_then(PasswordDays::new);
    days.ok_or(Fault::new("out_of_range", "must be a whole number from 1 to 365"))
}

fn choice<T>(value: Value, choices: &[u32], new: impl Fn(u32) -> Option<T>) -> Result<T, Fault> {
    let seconds = whole(0..=u32::MAX)(value)?;
    let choices = || choices.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    new(seconds).ok_or_else(|| Fault::new("out_of_range", format!("must be one of {}", choices())))
}
