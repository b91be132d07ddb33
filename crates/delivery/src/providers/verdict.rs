//! What an answer means for what happens next, before it has its words.

use crate::provider::SendError;
use std::time::Duration;

/// A [`SendError`] without reason.
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
    /// What an HTTP status means from somebody who says no more.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            // Nobody redirects an API that is called where it is.
            300..=399 | 401 | 402 | 403 | 407 => Self::Account,
            408 | 425 | 503 => Self::Retry,
            429 => Self::Throttle,
            400..=499 => Self::Decline,
            // Whatever failed may have failed after it was sent.
            _ => Self::Unknown,
        }
    }

    /// The error with its reason, and the wait where one can be asked for.
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

/// The error of a status alone.
pub(super) fn status_error(status: u16, after: Option<Duration>) -> SendError {
    Verdict::of_status(status).error(format!("HTTP {status}"), after)
}
