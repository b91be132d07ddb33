//! Turns the errors of a tenant's settings into problems.

use super::{
    answer::Problem,
    stores::{codes, directory},
    table::ProblemCode,
};
use countersign_core::{
    access::actor::LiveByTest,
    management::{
        allowlists::AllowlistError, keys::KeyError, owners::OwnersOnly, profiles::ProfileError,
        reviews::ReviewError, security::SecurityError, settings::SettingError, tenants::TenantError,
    },
};
use std::net::IpAddr;

/// The new allowlist would refuse its own author.
fn lock_out(address: IpAddr) -> Problem {
    let detail = format!(
        "The list does not admit {address}, from which you call: you would be locked out. Send `confirm: true` if you mean it."
    );
    Problem::new(ProblemCode::Conflict, detail)
}

impl From<LiveByTest> for Problem {
    fn from(_: LiveByTest) -> Self {
        Self::new(
            ProblemCode::InsufficientScope,
            "It holds for live keys too, so a test key does not change it; use a live key.",
        )
    }
}

impl From<OwnersOnly> for Problem {
    fn from(_: OwnersOnly) -> Self {
        Self::new(
            ProblemCode::InsufficientScope,
            "Only an owner in the portal and the operator of the server change this; a key only reads it.",
        )
    }
}

impl From<SecurityError> for Problem {
    fn from(error: SecurityError) -> Self {
        match error {
            SecurityError::OwnersOnly(error) => error.into(),
            SecurityError::IdleBeyondTotal(_) => Self::field(
                ProblemCode::InvalidRequest,
                "session_idle",
                "out_of_range",
                "must not be longer than session_total",
            ),
            SecurityError::NoPortalRoute => Self::new(
                ProblemCode::Conflict,
                "`require_2fa` cannot hold: the tenant `portal`, which would send the codes, has no route.",
            ),
            SecurityError::Directory(error) => directory(error),
        }
    }
}

impl From<AllowlistError> for Problem {
    fn from(error: AllowlistError) -> Self {
        match error {
            AllowlistError::LockOut(address) => lock_out(address),
            AllowlistError::LiveByTest(error) => error.into(),
            AllowlistError::OwnersOnly(error) => error.into(),
            // The API replaces whole lists, so no change fails to fit the list.
            AllowlistError::Change(error) => {
                Self::new(ProblemCode::Conflict, format!("The list was not changed: {error}."))
            }
            AllowlistError::Directory(error) => directory(error),
        }
    }
}

impl From<ProfileError> for Problem {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::NotFound => Self::not_found("There is no such profile."),
            ProfileError::NotShared(error) => error.into(),
            ProfileError::Default => {
                Self::new(ProblemCode::Conflict, "Every tenant has the profile `default`; change it instead.")
            }
            ProfileError::LiveByTest(error) => error.into(),
            ProfileError::Directory(error) => directory(error),
        }
    }
}

impl From<ReviewError> for Problem {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::NotFound => Self::not_found("There is no such review number."),
            ReviewError::Exists => Self::new(ProblemCode::Conflict, "The number is a review number already."),
            ReviewError::Idempotency(error) => error.into(),
            ReviewError::LiveByTest(error) => error.into(),
            ReviewError::Directory(error) => directory(error),
        }
    }
}

impl From<SettingError> for Problem {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::NotFound => Self::not_found("There is no such limit."),
            SettingError::LiveByTest(error) => error.into(),
            SettingError::Codes(error) => codes(error),
            SettingError::Directory(error) => directory(error),
        }
    }
}

impl From<TenantError> for Problem {
    fn from(error: TenantError) -> Self {
        match error {
            TenantError::NotFound => Self::not_found("There is no such tenant."),
            TenantError::Erasing => {
                Self::new(ProblemCode::Conflict, "The tenant was deleted, and its data is being erased.")
            }
            TenantError::Idempotency(error) => error.into(),
            TenantError::Key(error) => error.into(),
            TenantError::Directory(error) => directory(error),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NotFound => Self::not_found("There is no such key."),
            KeyError::NotOfTenant(_) => Self::field(
                ProblemCode::InvalidRequest,
                "scopes",
                "invalid_format",
                "must hold only scopes of a tenant's keys; `operator` is none of them",
            ),
            KeyError::BeyondOwnScopes(_) => Self::new(
                ProblemCode::InsufficientScope,
                "A key grants, changes and deletes only what it holds itself.",
            ),
            KeyError::NotOwn => Self::new(
                ProblemCode::InsufficientScope,
                "A member governs only keys of its own. An owner governs those of others and of the company within \
                its own limits. A key of the company governs no owner's key.",
            ),
            KeyError::BeyondOwnProfiles => Self::new(
                ProblemCode::InsufficientScope,
                "A key makes, changes and rotates only keys that reach no more profiles than itself.",
            ),
            KeyError::BeyondOwnAllowlist => Self::new(
                ProblemCode::Conflict,
                "The key you use has an allowlist; that of a key it makes, changes or rotates must lie within it.",
            ),
            KeyError::LockOut(address) => lock_out(address),
            KeyError::NotInUse => {
                Self::new(ProblemCode::Conflict, "The key is disabled or has ended; make another one.")
            }
            KeyError::Replaced(successor) => {
                let detail = format!("The key was rotated before; rotate {successor}, which took its place.");
                Self::new(ProblemCode::Conflict, detail)
            }
            KeyError::Idempotency(error) => error.into(),
            KeyError::LiveByTest => {
                Self::new(ProblemCode::InsufficientScope, "A test key makes only test keys.")
            }
            KeyError::OwnKey => Self::new(
                ProblemCode::Conflict,
                "A key cannot disable, end or delete itself; use another one.",
            ),
            KeyError::BeyondOwnExpiry(own) => {
                let detail = format!(
                    "The key you use ends at {own}; `expires_at` of a key it makes or changes must not be later."
                );
                Self::new(ProblemCode::Conflict, detail)
            }
            KeyError::Directory(error) => directory(error),
        }
    }
}
