//! Reads the parameters of a rate limit, and converts the names of limits.

use crate::compatible::twilio::{error::Refusal, form::Form};
use countersign_core::tenant::limits::{LimitName, LimitNotes, LimitScope};
use utoipa::ToSchema;

/// A new rate limit.
#[derive(ToSchema)]
#[schema(as = TwilioRateLimitForm, rename_all = "PascalCase")]
pub struct RateLimitForm {
    /// The name that a start uses.
    #[schema(value_type = String, pattern = "^[a-z0-9_-]{1,32}$")]
    pub unique_name: LimitName,
    /// What the rate limit is for.
    #[schema(max_length = 256)]
    pub description: Option<String>,
}

impl RateLimitForm {
    /// Reads it.
    pub fn read(form: &Form) -> Result<Self, Refusal> {
        let unique_name = limit_name(form.required("UniqueName")?).ok_or_else(|| {
            Refusal::new(400, 60209, "UniqueName format is invalid: it must be 1 to 32 of a-z, 0-9, _ and -")
        })?;
        Ok(Self { unique_name, description: description(form)? })
    }
}

/// A change of a rate limit.
#[derive(ToSchema)]
#[schema(as = TwilioRateLimitUpdate, rename_all = "PascalCase")]
pub struct RateLimitUpdate {
    /// What the rate limit is for.
    #[schema(max_length = 256)]
    pub description: Option<String>,
}

impl RateLimitUpdate {
    /// Reads it.
    pub fn read(form: &Form) -> Result<Self, Refusal> {
        Ok(Self { description: description(form)? })
    }
}

fn description(form: &Form) -> Result<Option<String>, Refusal> {
    form.parsed("Description", |text| {
        let fits = text.chars().count() <= LimitNotes::MAX && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned())
    })
}

/// The limit for the name that a client uses. The names of built-in limits are reserved for `/v1`, so here a
/// limit with such a name gets one more character.
pub fn limit_name(unique: &str) -> Option<LimitName> {
    let own = LimitName::parse(unique)?;
    if own.scope() != LimitScope::Caller {
        return LimitName::parse(&format!("{unique}_"));
    }
    (unique_name(&own) == unique).then_some(own)
}

/// The reverse of [`limit_name`].
pub fn unique_name(name: &LimitName) -> &str {
    let stem = name
        .as_str()
        .strip_suffix('_')
        .filter(|stem| LimitName::parse(stem).is_some_and(|stem| stem.scope() != LimitScope::Caller));
    stem.unwrap_or(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_one_unique_name() {
        for unique in ["signup", "end_user_ip", "number", "a_", "_", "x-1"] {
            let name = limit_name(unique).unwrap();
            assert_eq!(unique_name(&name), unique);
            assert_eq!(name.scope(), LimitScope::Caller, "{unique}");
        }
        for bad in ["", "ipMinutes", "a.b", "end_user_ip_", "number_", &"x".repeat(33)] {
            assert!(limit_name(bad).is_none(), "{bad}");
        }
    }
}
