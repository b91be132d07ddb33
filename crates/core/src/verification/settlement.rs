//! How an attempt to send ended, and what its message waits for next.

use crate::{
    id::MessageId,
    verification::{
        event::EventKind,
        receipt::{Awaited, ProviderMessage},
        status::Delivery,
    },
};
use std::time::Duration;

/// The result of an attempt to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The provider accepted the message.
    Accepted {
        provider: String,
        /// The receipt to report later, if the provider knows it already.
        receipt: Option<(Delivery, Duration)>,
        /// How long to wait for a receipt before asking another provider. `None` if there is no other
        /// provider, or if the receipt is known already.
        awaited: Option<Awaited>,
        /// The provider's id of the message, if its receipts contain no other name; for
        /// [`bind_provider_message`](crate::ports::codes::Codes::bind_provider_message).
        id: Option<ProviderMessage>,
    },
    /// The provider did not accept the message; try again. A message that waited for a receipt continues with
    /// the same candidates.
    Retry {
        provider: String,
        /// The provider's answer, cut to a bound and without secrets.
        reason: String,
        /// The wait until the next attempt.
        after: Duration,
    },
    /// The provider did not accept the message, and there is no other provider. If an earlier provider
    /// accepted the message without sending a receipt, the message stays accepted.
    Rejected {
        provider: String,
        /// The provider's answer, cut to a bound and without secrets.
        reason: String,
    },
    /// The time has come to report this receipt.
    Receipt(Delivery),
    /// No receipt came, and there is no other provider. The message keeps its state.
    GaveUp,
}

impl Settlement {
    /// The event that says what happened to the message; `None` if the settlement changes nothing. Only the
    /// record knows whether a rejection fails the verification:
    /// [`Record::settle`](crate::verification::record::Record::settle) adds that.
    pub fn into_event(self, message: MessageId, phase: Phase) -> Option<EventKind> {
        Some(match self {
            Self::Accepted { provider, .. } => EventKind::MessageSent { message, provider },
            Self::Retry { provider, reason, after } => {
                EventKind::MessageRetried { message, provider, reason, after }
            }
            // Another provider has accepted the message before: only this attempt failed.
            Self::Rejected { provider, reason } if matches!(phase, Phase::Await(_)) => {
                EventKind::MessageRetried { message, provider, reason, after: Duration::ZERO }
            }
            Self::Rejected { provider, reason } => {
                EventKind::MessageRejected { message, provider, reason, failed: false }
            }
            Self::Receipt(Delivery::Delivered) => EventKind::Delivered { message },
            Self::Receipt(_) => EventKind::Undelivered { message },
            Self::GaveUp => return None,
        })
    }
}

/// What a claimed message waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The message must be sent.
    Send,
    /// A provider accepted the message, and this receipt is now due.
    Receipt(Delivery),
    /// A provider accepted the message, but no receipt came in time. The number says how many candidates of
    /// the route have been used, 1 to [`Awaited::MOST`].
    Await(u8),
}

impl Phase {
    /// The number that stands for this phase in stored outbox entries. It must never change.
    pub fn number(self) -> u8 {
        match self {
            Self::Send => 0,
            Self::Receipt(Delivery::Delivered) => 1,
            Self::Receipt(_) => 2,
            Self::Await(passed) => 2 + passed.clamp(1, Awaited::MOST),
        }
    }

    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Send,
            1 => Self::Receipt(Delivery::Delivered),
            2 => Self::Receipt(Delivery::Undelivered),
            3..=10 => Self::Await(number - 2),
            _ => return None,
        })
    }

    /// What a message waits for after this settlement, and for how long.
    pub fn next(self, settlement: &Settlement) -> Option<(Duration, Self)> {
        match (settlement, self) {
            (Settlement::Accepted { receipt: Some((delivery, after)), .. }, _) => {
                Some((*after, Self::Receipt(*delivery)))
            }
            (Settlement::Accepted { awaited: Some(Awaited { passed, after }), .. }, _) => {
                Some((*after, Self::Await(*passed)))
            }
            (Settlement::Retry { after, .. }, Self::Await(passed)) => Some((*after, Self::Await(passed))),
            (Settlement::Retry { after, .. }, _) => Some((*after, Self::Send)),
            _ => None,
        }
    }
}
