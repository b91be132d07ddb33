//! What a provider is asked, and what it may answer.

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

/// Whoever takes a message towards a phone.
///
/// A provider may be given the same message twice: when its answer was lost,
/// or when a worker died after it. Where the other side can tell repeats
/// apart, the provider hands it [`Outgoing::message`] to do so.
#[async_trait::async_trait]
pub trait Provider: Send + Sync {
    /// The name in events, logs and metrics.
    fn name(&self) -> &str;

    /// Whether its receipts name a message by the provider's own id and nothing else. Those ids
    /// count as one that are alike (`countersign_core::verification::receipt::ids_alike`).
    fn names_by_id(&self) -> bool {
        false
    }

    /// Whether it is told what becomes of this message. Where it is not, no receipt is awaited.
    fn reports(&self, _message: &Outgoing) -> bool {
        false
    }

    /// Hands one message over. The worker ends the call at its send time-out.
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError>;

    /// Reads a request to the URL of [`Outgoing::callback`], once it is known
    /// to come from the provider. Reads nothing else and keeps nothing.
    fn receipts(&self, _request: &ReceiptRequest<'_>) -> Result<Receipts, ReceiptError> {
        Err(ReceiptError::Unsupported)
    }
}

/// One message as a provider gets it. Debug shows ids only.
pub struct Outgoing {
    /// The message; the same in each attempt.
    pub message: MessageId,
    /// The verification that it belongs to.
    pub verification: VerificationId,
    /// Counts attempts, from 1.
    pub attempt: u32,
    pub to: PhoneNumber,
    /// The sender: a number, or up to 11 characters.
    pub from: String,
    /// The whole text, with the code in it.
    pub text: Zeroizing<String>,
    /// The code alone, for a provider that shows it.
    pub code: Code,
    /// When the code ends; later the text is of no use.
    pub expires_at: Timestamp,
    /// Where the provider reports what became of it, if it can be told so.
    pub callback: Option<Callback>,
}

/// Where receipts of a message go.
#[derive(Clone)]
pub struct Callback {
    /// A URL of this installation that only the provider knows.
    pub url: String,
    /// What names the message there: letters, digits and `_`, at most 100. A
    /// provider that echoes a text of ours gets it as that text, any other in
    /// the query of the URL, as `ref`.
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

/// The provider took the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The receipt and when it is due, where the provider knows it already.
    pub receipt: Option<(Delivery, Duration)>,
    /// What the provider calls the message, if it says so; its receipts may name nothing else.
    pub id: Option<String>,
}

/// The provider did not take the message; each variant says what happens next.
/// Reasons are short and name no number, text or credential: clients read them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Surely not taken, and nothing is known to be wrong with the message: the
    /// next provider at once, this one again later.
    #[error("{reason}")]
    Retry {
        /// What happened.
        reason: String,
        /// The wait that the provider asked for.
        after: Option<Duration>,
    },
    /// No provider will ever take it: no such number, or one whose owner refuses messages.
    #[error("{reason}")]
    Reject {
        /// What happened.
        reason: String,
    },
    /// This provider will not take it, another may: the sender, the country or
    /// the text is not allowed there.
    #[error("{reason}")]
    Decline {
        /// What happened.
        reason: String,
    },
    /// The account sends too fast: nothing more through it for that long.
    #[error("{reason}")]
    Throttle {
        /// What happened.
        reason: String,
        /// For how long; the usual wait if the provider does not say.
        after: Option<Duration>,
    },
    /// Nothing goes through this account until somebody acts: credentials,
    /// credit, the address that is called from.
    #[error("{reason}")]
    Account {
        /// What happened.
        reason: String,
    },
    /// It may have been taken: no answer came, or one that says nothing. The
    /// next provider sends it again, with the same code.
    #[error("{reason}")]
    Unknown {
        /// What happened.
        reason: String,
    },
    /// Nobody was asked, for what stands in it, which happens to the message: a
    /// text or a sender that this provider cannot be told, an address that is not
    /// allowed. It says nothing of how the account fares.
    #[error("{0}")]
    Local(Box<Self>),
}

impl SendError {
    /// Try again after the usual wait.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    /// Never try again.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject { reason: reason.into() }
    }

    /// Try another provider.
    pub fn decline(reason: impl Into<String>) -> Self {
        Self::Decline { reason: reason.into() }
    }

    /// Nothing more through this account.
    pub fn account(reason: impl Into<String>) -> Self {
        Self::Account { reason: reason.into() }
    }

    /// The same, found out here: nobody was asked.
    pub fn local(self) -> Self {
        Self::Local(Box::new(self))
    }

    /// What happens to the message, whoever found it out.
    pub fn meaning(self) -> Self {
        match self {
            Self::Local(error) => error.meaning(),
            error => error,
        }
    }

    /// Perhaps taken.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown { reason: reason.into() }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use countersign_core::phone::magic::parse_number;

    /// A message to `to` whose text and code are easy to find in an output.
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
