//! Turns the errors of members and invitations into problems.

use super::{answer::Problem, stores::directory, table::ProblemCode};
use countersign_core::{
    management::reach::MemberError,
    people::{cover::NotCovered, invitation::MOST_SENDS},
};

fn refused(detail: &'static str) -> Problem {
    Problem::new(ProblemCode::InsufficientScope, detail)
}

impl From<NotCovered> for Problem {
    fn from(error: NotCovered) -> Self {
        match error {
            NotCovered::Oneself => refused("No member changes its own membership; another one must do it."),
            NotCovered::Owners => refused(
                "Only an owner or the operator makes, changes and removes owners. A key without a member never does.",
            ),
            NotCovered::Forbidden(_) => Self::field(
                ProblemCode::InvalidRequest,
                "permissions",
                "invalid_format",
                "must hold only scopes of a tenant's keys; `operator` is none of them",
            ),
            NotCovered::Scopes(_) => {
                refused("You grant, change and remove only permissions that you have yourself.")
            }
            NotCovered::Hours => refused(
                "The hours must be within your own. Hours of another time zone never are, unless you have no bound.",
            ),
            NotCovered::Shares => refused("The shares must be within your own."),
            NotCovered::Pool => refused("The monthly pool must not be larger than your own."),
            NotCovered::Parts => refused("`most_parts` must not be more than your own."),
            NotCovered::BoundKey => refused(
                "The key you use expires or has an allowlist. A person has neither, so such a key invites nobody and \
                gives members nothing more.",
            ),
        }
    }
}

impl From<MemberError> for Problem {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::NotFound => Self::not_found("There is no such member or invitation."),
            MemberError::Exists => Self::new(
                ProblemCode::Conflict,
                "The address belongs to a member of the tenant, or has an invitation already.",
            ),
            MemberError::MadeBefore => Self::new(
                ProblemCode::Conflict,
                "The first request with this Idempotency-Key made an invitation, which was accepted or withdrawn \
                since.",
            ),
            MemberError::Idempotency(error) => error.into(),
            MemberError::SentTooOften => Self::new(
                ProblemCode::Conflict,
                format!("An invitation is sent at most {MOST_SENDS} times; delete it and make another one."),
            ),
            MemberError::SentTooSoon(wait) => {
                let detail = "The last mail of the invitation went out just now; wait before the next one.";
                Self::new(ProblemCode::Conflict, detail).retry_after(wait)
            }
            MemberError::BadLink => Self::not_found("The link is void."),
            MemberError::NotCovered(error) => error.into(),
            MemberError::NoRights => {
                refused("The key, or the member that it belongs to, has no rights over members any more.")
            }
            MemberError::LiveByTest(error) => error.into(),
            MemberError::Directory(error) => directory(error),
        }
    }
}
