//! The reasons why a call to the outside got no answer.

use super::{connector::ConnectError, resolver::LookupError};
use crate::provider::SendError;
use countersign_core::error::chain;
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
    /// The proxy on the way out refuses, or is away.
    #[error("{0}")]
    Proxy(String),
    /// No connection, or no whole answer, in the time given.
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
            Self::Url
            | Self::Insecure
            | Self::Blocked
            | Self::Request
            | Self::Connect
            | Self::Proxy(_)
            | Self::Setup(_) => true,
        }
    }

    /// The error as tenants see it. They choose the names that are called. So they must not learn whether a
    /// name has an internal address, because that would reveal which names exist, nor what a proxy of the
    /// operator answered, because it may judge names, too. The log has the cause.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Blocked | Self::Proxy(_) => Self::Connect.to_string(),
            error => error.to_string(),
        }
    }
}

/// Tells the operator what [`OutboundError::told`] leaves out.
pub(super) fn note_unreached(host: &str, cause: &dyn Error) {
    tracing::warn!(host, cause = %chain(cause), "A host of a provider or a webhook was not reached");
}

impl From<OutboundError> for SendError {
    fn from(error: OutboundError) -> Self {
        let reason = error.told();
        match error {
            OutboundError::Connect | OutboundError::Blocked | OutboundError::Timeout { sent: false } => {
                Self::retry(reason)
            }
            // It says nothing of the provider, whose breaker stays closed.
            OutboundError::Proxy(_) => Self::retry(reason).local(),
            OutboundError::Timeout { sent: true } | OutboundError::Broken | OutboundError::TooLarge => {
                Self::unknown(reason)
            }
            OutboundError::Request => Self::decline(reason).local(),
            OutboundError::Url | OutboundError::Insecure | OutboundError::Setup(_) => {
                Self::account(reason).local()
            }
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

impl From<ConnectError> for OutboundError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Blocked => Self::Blocked,
            ConnectError::Failed => Self::Connect,
            ConnectError::Late => Self::Timeout { sent: false },
            ConnectError::Proxy(_) => Self::Proxy(error.to_string()),
        }
    }
}

impl From<hyper_util::client::legacy::Error> for OutboundError {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        tracing::debug!(error = %chain(&error), "a call to the outside failed");
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<ConnectError>() {
                return (*error).into();
            }
            cause = error.source();
        }
        Self::Broken
    }
}
