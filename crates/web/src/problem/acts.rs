//! Turns the errors of operations on verifications into problems.

use super::{
    answer::Problem,
    json::RefusingLimit,
    stores::{codes, codes_unavailable, directory},
    table::ProblemCode,
};
use countersign_core::{
    access::share::NotShared,
    acts::{
        cancel::CancelError,
        check::CheckError,
        families::FamilyError,
        history::HistoryError,
        read::ReadError,
        resend::ResendError,
        sending::{Opening, SendingError},
        shares::ShareError,
        show::ShowError,
        start::request::StartError,
    },
    tenant::limits::{LimitHit, LimitScope},
    verification::{guesses::GuessWait, idempotency::IdempotencyError, status::Status},
};
use std::{sync::Arc, time::Duration};

/// The wait that a refusal names while events wait for the database: the longest pause between its retries.
const BACKLOG_WAIT: Duration = Duration::from_secs(5);
/// The wait that a refusal names when an operator must first configure a provider.
const ROUTE_WAIT: Duration = Duration::from_secs(60);

const NO_VERIFICATION: &str = "There is no such verification.";

fn no_route() -> Problem {
    Problem::new(ProblemCode::NoRoute, "No provider is configured for live messages.").retry_after(ROUTE_WAIT)
}

fn ended(status: Status) -> Problem {
    let detail = format!("The verification is {}.", status.as_str());
    Problem::new(ProblemCode::VerificationEnded, detail)
}

fn unknown_profile() -> Problem {
    Problem::field(ProblemCode::InvalidRequest, "profile", "not_found", "names no profile of the tenant")
}

pub(super) fn limited(hit: LimitHit) -> Problem {
    let detail = format!("The limit {} refused the request.", hit.name);
    refused_by(ProblemCode::RateLimited, detail, hit)
}

fn refused_by(code: ProblemCode, detail: String, hit: LimitHit) -> Problem {
    let limit = RefusingLimit { name: hit.name, scope: hit.scope };
    Problem::new(code, detail).with_limit(limit).with_states(hit.states).retry_after(hit.retry_after)
}

fn outside_hours(Opening { at, wait, zone }: Opening) -> Problem {
    let detail = match at {
        Some(at) => format!(
            "The member of this key sends only in its sending hours; the next begin at {}.",
            zone.write(at)
        ),
        None => "The member of this key has no sending hours in the next two weeks.".to_owned(),
    };
    let problem = Problem::new(ProblemCode::OutsideHours, detail);
    match wait {
        Some(wait) => problem.retry_after(wait),
        None => problem,
    }
}

fn pool_exhausted(hit: LimitHit) -> Problem {
    let (left, of) = hit.states.first().map_or((0, 0), |state| (state.remaining, state.max));
    let detail = format!(
        "The message does not fit into the pool of the member of this key: {left} of {of} message parts are left \
            in this month."
    );
    refused_by(ProblemCode::PoolExhausted, detail, hit)
}

/// Too many wrong codes in a row: the server compares no code for a while.
pub fn guess_limit(wait: GuessWait) -> Problem {
    let (name, scope, whose) = if wait.of_number {
        ("guesses_number", LimitScope::Number, "for this number")
    } else {
        ("guesses_end_user_ip", LimitScope::EndUserIp, "from this end user's address")
    };
    let detail = format!("Too many wrong codes in a row {whose}; no code was compared and no try used.");
    let limit = RefusingLimit { name: name.to_owned(), scope: scope.as_str() };
    Problem::new(ProblemCode::GuessLimit, detail).with_limit(limit).retry_after(wait.wait)
}

impl From<IdempotencyError> for Problem {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Mismatch => Self::new(
                ProblemCode::IdempotencyMismatch,
                "This Idempotency-Key was used for another request; use a fresh one.",
            ),
            IdempotencyError::SecretShown => Self::new(
                ProblemCode::SecretAlreadyShown,
                "The first request with this Idempotency-Key was carried out, and its secret is kept nowhere. \
                    If it is lost, list what was made, delete it, and make another.",
            ),
        }
    }
}

impl From<SendingError> for Problem {
    fn from(error: SendingError) -> Self {
        match error {
            SendingError::OutsideHours(opening) => outside_hours(opening),
            SendingError::MessageTooLong { parts, most } => {
                let detail = format!(
                    "The message has {parts} parts, and a message of the member of this key has at most {most}."
                );
                Self::new(ProblemCode::MessageTooLong, detail)
            }
            SendingError::PoolExhausted(hit) => pool_exhausted(hit),
        }
    }
}

impl From<NotShared> for Problem {
    fn from(_: NotShared) -> Self {
        Self::new(
            ProblemCode::NotShared,
            "It is not in the share of the API key or its member, or it concerns the whole tenant.",
        )
    }
}

impl From<ShareError> for Problem {
    fn from(error: ShareError) -> Self {
        match error {
            ShareError::NotShared(error) => error.into(),
            ShareError::Directory(error) => directory(error),
        }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::UnknownProfile => unknown_profile(),
            StartError::UnknownTemplate => {
                let message = "names no template of the tenant";
                Self::field(ProblemCode::InvalidRequest, "template", "not_found", message)
            }
            StartError::UnknownSender => {
                Self::field(ProblemCode::InvalidRequest, "sender", "not_found", "is no sender of the tenant")
            }
            StartError::NotShared(error) => error.into(),
            StartError::TextTooLong => {
                let message = "makes the message longer than an Android app can read";
                Self::field(ProblemCode::InvalidRequest, "app_hash", "too_long", message)
            }
            StartError::CountryNotAllowed(country) => {
                let country =
                    country.map_or("of this number".to_owned(), |country| country.as_str().to_owned());
                let detail = format!("The tenant's country list does not allow the country {country}.");
                Self::new(ProblemCode::CountryNotAllowed, detail)
            }
            StartError::UnknownLimit(name) => {
                let message = "names no limit of the tenant or the profile";
                let field = format!("limits.{}", name.as_str());
                Self::field(ProblemCode::InvalidRequest, &field, "not_found", message)
            }
            StartError::Idempotency(error) => error.into(),
            StartError::NumberBlocked => Self::new(ProblemCode::NumberBlocked, "The number is blocked."),
            StartError::Limited(hit) => limited(hit),
            StartError::Sending(error) => error.into(),
            StartError::NoRoute => no_route(),
            StartError::HistoryBacklog => {
                let detail = "The database is away and its backlog is full; nothing was made.";
                Self::new(ProblemCode::HistoryBacklog, detail).retry_after(BACKLOG_WAIT)
            }
            StartError::Codes(error) => codes(error),
            StartError::Directory(error) => directory(error),
        }
    }
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::NotFound => Self::not_found(NO_VERIFICATION),
            CheckError::UnknownProfile => unknown_profile(),
            CheckError::NotShared(error) => error.into(),
            CheckError::Idempotency(error) => error.into(),
            CheckError::Codes(error) => codes(error),
            CheckError::Directory(error) => directory(error),
        }
    }
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound => Self::not_found(NO_VERIFICATION),
            ResendError::TooSoon(wait) => {
                let detail = "The cooldown since the last message still runs.";
                Self::new(ProblemCode::ResendTooSoon, detail).retry_after(wait)
            }
            ResendError::SendsExhausted => {
                Self::new(ProblemCode::SendsExhausted, "All messages of this verification are used.")
            }
            ResendError::Limited(hit) => limited(hit),
            ResendError::Sending(error) => error.into(),
            ResendError::Ended(status) => ended(status),
            ResendError::NoRoute => no_route(),
            ResendError::NotShared(error) => error.into(),
            ResendError::Idempotency(error) => error.into(),
            ResendError::Open(error) => codes_unavailable().caused_by(Arc::new(error)),
            ResendError::Codes(error) => codes(error),
            ResendError::Directory(error) => directory(error),
            ResendError::Read(error) => error.into(),
        }
    }
}

impl From<FamilyError> for Problem {
    fn from(error: FamilyError) -> Self {
        match error {
            FamilyError::Start(error) => error.into(),
            FamilyError::Resend(error) => error.into(),
        }
    }
}

impl From<ShowError> for Problem {
    fn from(error: ShowError) -> Self {
        match error {
            ShowError::Limited(hit) => limited(hit),
            ShowError::Codes(error) => codes(error),
            ShowError::Directory(error) => directory(error),
            ShowError::Read(error) => error.into(),
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Self::not_found(NO_VERIFICATION),
            CancelError::Ended(status) => ended(status),
            CancelError::Codes(error) => codes(error),
            CancelError::Directory(error) => directory(error),
            CancelError::Read(error) => error.into(),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => Self::not_found(NO_VERIFICATION),
            ReadError::Unreadable(_) => codes_unavailable().caused_by(Arc::new(error)),
            ReadError::Codes(error) => codes(error),
            ReadError::History(error) => error.into(),
        }
    }
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::NotFound => Self::not_found(NO_VERIFICATION),
            HistoryError::UnknownProfile => unknown_profile(),
            HistoryError::NotShared(error) => error.into(),
            HistoryError::Codes(error) => codes(error),
            HistoryError::Database(error) => directory(error),
        }
    }
}
