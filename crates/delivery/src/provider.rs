//! The interface of providers.

use crate::receipt::{ReceiptError, ReceiptRequest, Receipts};
use countersign_core::{
    code::Code,
    id::{MessageId, VerificationId},
    phone::PhoneNumber,
    time::Timestamp,
    verification::status::Delivery,
};
use std::{fmt, time::Duration};
use zeroize::Zeroizing;

/// A provider of SMS, or a test double of one.
///
/// The worker may give a provider the same message twice: if the answer was lost, or if a worker died after
/// it. If the other side can recognise repeats, the provider sends it [`Outgoing::message`] for that.
#[async_trait::async_trait]
pub trait Provider: Send + Sync {
    /// The name in events, logs and metrics.
    fn name(&self) -> &str;

    /// Whether the provider's receipts identify a message only by the provider's own id. Ids that differ only
    /// in their form count as one (`countersign_core::verification::receipt::ids_alike`).
    fn names_by_id(&self) -> bool {
        false
    }

    /// Whether the provider will send a receipt for this message. If not, the worker waits for none.
    fn reports(&self, _message: &Outgoing) -> bool {
        false
    }

    /// Sends one message. The worker cancels the call at its send time-out.
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError>;

    /// Reads a request to the URL of [`Outgoing::callback`] and checks that the provider sent it. It reads
    /// nothing else and stores nothing.
    fn receipts(&self, _request: &ReceiptRequest<'_>) -> Result<Receipts, ReceiptError> {
        Err(ReceiptError::Unsupported)
    }
}

/// One message, as a provider gets it. Debug shows only ids.
pub struct Outgoing {
    /// The id of the message, the same in each attempt.
    pub message: MessageId,
    pub verification: VerificationId,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    pub to: PhoneNumber,
    /// The sender: a phone number, or up to 11 characters.
    pub from: String,
    /// The whole text, including the code.
    pub text: Zeroizing<String>,
    /// The code alone, for a provider that shows it separately.
    pub code: Code,
    /// When the code expires. Later the text is useless.
    pub expires_at: Timestamp,
    /// Where the provider must report receipts; `None` if this installation has no public URL.
    pub callback: Option<Callback>,
}

/// The URL for the receipts of a message.
#[derive(Clone)]
pub struct Callback {
    /// A URL of this installation that only the provider knows.
    pub url: String,
    /// The name of the message in receipts: letters, digits and `_`, at most 100. A provider that sends back
    /// a text of ours gets it as that text. Any other provider gets it in the query of the URL, as `ref`.
    pub reference: String,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("message", &self.message)
            .field("verification", &self.verification)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// The provider accepted the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The receipt and when it is due, if the provider knows it already.
    pub receipt: Option<(Delivery, Duration)>,
    /// The provider's id of the message, if the answer contains one. Receipts may contain no other name.
    pub id: Option<String>,
}

/// The provider did not accept the message. Each variant says what happens next. Reasons are short and
/// contain no phone number, text or credential, because clients can read them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The provider surely did not accept the message, and the message itself may be fine. The worker tries
    /// the next provider at once, and this one again later.
    #[error("{reason}")]
    Retry {
        reason: String,
        /// The wait that the provider requested.
        after: Option<Duration>,
    },
    /// No provider will ever accept it: the phone number does not exist, or its owner refuses messages.
    #[error("{reason}")]
    Reject { reason: String },
    /// This provider will not accept it, but another may: the sender, the country or the text is not allowed
    /// here.
    #[error("{reason}")]
    Decline { reason: String },
    /// The account sends too fast. It must send nothing for this long.
    #[error("{reason}")]
    Throttle {
        reason: String,
        /// The wait; the usual wait if the provider names none.
        after: Option<Duration>,
    },
    /// The account cannot send until a person acts: because of its credentials, its credit or the address of
    /// this server.
    #[error("{reason}")]
    Account { reason: String },
    /// The provider may have accepted the message: no answer came, or one that does not say. The next
    /// provider sends it again, with the same code.
    #[error("{reason}")]
    Unknown { reason: String },
    /// The error was found before asking the provider, and the error inside says what happens to the message.
    /// Examples: a text or sender that this provider cannot express, or an address that is not allowed. It
    /// does not count as a failure of the account.
    #[error("{0}")]
    Local(Box<Self>),
}

impl SendError {
    /// An error after which the worker tries again, after the usual wait.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    /// An error after which the worker gives the message up.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject { reason: reason.into() }
    }

    /// An error after which the worker tries another provider.
    pub fn decline(reason: impl Into<String>) -> Self {
        Self::Decline { reason: reason.into() }
    }

    /// An error that stops the account.
    pub fn account(reason: impl Into<String>) -> Self {
        Self::Account { reason: reason.into() }
    }

    /// Marks the error as found before asking the provider.
    pub fn local(self) -> Self {
        Self::Local(Box::new(self))
    }

    /// The error itself, without the mark of [`SendError::local`].
    pub fn meaning(self) -> Self {
        match self {
            Self::Local(error) => error.meaning(),
            error => error,
        }
    }

    /// An error after which the provider may have accepted the message.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown { reason: reason.into() }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use countersign_core::phone::magic::parse_number;

    /// A message to `to`, with a text and a code that are easy to find in an output.
    pub(crate) fn outgoing(to: &str) -> Outgoing {
        Outgoing {
            message: MessageId::from_bytes([1; 16]),
            verification: VerificationId::from_bytes([2; 16]),
            attempt: 1,
            to: parse_number(to).unwrap(),
            from: "Acme".into(),
            text: Zeroizing::new("123456 is your Acme code. Don't share it.".into()),
            code: Code::parse("123456").unwrap(),
            expires_at: Timestamp::from_millis(1_790_000_300_000),
            callback: None,
        }
    }

    #[test]
    fn debug_shows_ids_only() {
        let shown = format!("{:?}", outgoing("+48500500500"));
        assert!(shown.contains("msg_"), "{shown}");
        for secret in ["123456", "500500", "Acme"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
