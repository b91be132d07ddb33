//! The reasons why a call to the outside got no answer.

use super::resolver::LookupError;
use crate::provider::SendError;
use std::error::Error;

/// A call got no answer. [`OutboundError::is_surely_unsent`] says whether the other side may have acted on
/// the request. The error contains no URL, header or body.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// Not an http or https URL, or a URL with a user name, a password or a fragment.
    #[error("not a valid https URL without user name, password and fragment")]
    Url,
    /// The URL is plain HTTP, and the policy does not allow that for its address.
    #[error("the URL must be https")]
    Insecure,
    /// The policy refuses every address of the host.
    #[error("the address is not allowed")]
    Blocked,
    /// The request is longer than [`super::MAX_BYTES`] or cannot be written.
    #[error("the request is too long")]
    Request,
    /// The name has no address, or the connection or the TLS handshake failed.
    #[error("connection failed")]
    Connect,
    /// The time-out passed before the connection was made or the whole answer arrived.
    #[error("no answer in time")]
    Timeout {
        /// Whether the request may have been sent.
        sent: bool,
    },
    /// The connection ended before the answer was complete.
    #[error("connection broken")]
    Broken,
    /// The answer is longer than [`super::MAX_BYTES`].
    #[error("the answer is too long")]
    TooLarge,
    /// The client cannot be made, for example because there is no root certificate.
    #[error("the HTTP client cannot be made")]
    Setup(#[source] Box<dyn Error + Send + Sync>),
}

impl OutboundError {
    /// Returns whether no part of the request can have reached the other side.
    pub fn is_surely_unsent(&self) -> bool {
        match self {
            Self::Timeout { sent } => !sent,
            Self::Broken | Self::TooLarge => false,
            Self::Url | Self::Insecure | Self::Blocked | Self::Request | Self::Connect | Self::Setup(_) => {
                true
            }
        }
    }
}

impl From<OutboundError> for SendError {
    fn from(error: OutboundError) -> Self {
        let reason = error.to_string();
        match error {
            OutboundError::Connect | OutboundError::Timeout { sent: false } => Self::retry(reason),
            OutboundError::Timeout { sent: true } | OutboundError::Broken | OutboundError::TooLarge => {
                Self::unknown(reason)
            }
            OutboundError::Request => Self::decline(reason).local(),
            // The settings are wrong, or the name now has another address.
            OutboundError::Url
            | OutboundError::Insecure
            | OutboundError::Blocked
            | OutboundError::Setup(_) => Self::account(reason).local(),
        }
    }
}

impl From<LookupError> for OutboundError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Blocked => Self::Blocked,
            LookupError::Failed(_) => Self::Connect,
        }
    }
}

impl From<reqwest::Error> for OutboundError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        tracing::debug!(error = %countersign_core::error::chain(&error), "a call to the outside failed");
        let mut cause = error.source();
        while let Some(error) = cause {
            if matches!(error.downcast_ref(), Some(LookupError::Blocked)) {
                return Self::Blocked;
            }
            cause = error.source();
        }
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => Self::Timeout { sent: false },
            (true, false) => Self::Connect,
            // The time may have run out while connecting; the error does not show which.
            (false, true) => Self::Timeout { sent: true },
            (false, false) if error.is_builder() => Self::Request,
            (false, false) => Self::Broken,
        }
    }
}
