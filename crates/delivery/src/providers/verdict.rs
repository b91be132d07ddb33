//! The meaning of an answer: what happens next, without the reason.

use crate::provider::SendError;
use std::time::Duration;

/// A [`SendError`] without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Retry,
    Reject,
    Decline,
    Throttle,
    Account,
    Unknown,
}

impl Verdict {
    /// The meaning of an HTTP status, for a provider that says no more.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            // A redirect means that the configured URL of the API is wrong.
            300..=399 | 401 | 402 | 403 | 407 => Self::Account,
            408 | 425 | 503 => Self::Retry,
            429 => Self::Throttle,
            400..=499 => Self::Decline,
            // The provider may have sent the message before it failed.
            _ => Self::Unknown,
        }
    }

    /// The error with its reason, and with the wait if its kind has one.
    pub(super) fn error(self, reason: String, after: Option<Duration>) -> SendError {
        match self {
            Self::Retry => SendError::Retry { reason, after },
            Self::Reject => SendError::Reject { reason },
            Self::Decline => SendError::Decline { reason },
            Self::Throttle => SendError::Throttle { reason, after },
            Self::Account => SendError::Account { reason },
            Self::Unknown => SendError::Unknown { reason },
        }
    }
}

/// The error for a status alone.
pub(super) fn status_error(status: u16, after: Option<Duration>) -> SendError {
    Verdict::of_status(status).error(format!("HTTP {status}"), after)
}
