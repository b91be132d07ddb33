//! What became of an attempt to send, and what its message waits for.

use crate::{
    id::MessageId,
    verification::{
        event::EventKind,
        receipt::{Awaited, ProviderMessage},
        status::Delivery,
    },
};
use std::time::Duration;

/// How an attempt to send ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The provider took the message.
    Accepted {
        /// The provider's name.
        provider: String,
        /// The receipt to report later, when the provider is one that knows it already.
        receipt: Option<(Delivery, Duration)>,
        /// How long to wait for a receipt before other providers are asked, if
        /// there are any; without a receipt that is known already.
        awaited: Option<Awaited>,
        /// What the provider calls the message, where its receipts name nothing
        /// else; for [`bind_provider_message`](crate::ports::codes::Codes::bind_provider_message).
        id: Option<ProviderMessage>,
    },
    /// Not taken; try again. One that was awaited goes on with the same candidates.
    Retry {
        /// The provider's name.
        provider: String,
        /// What it answered, bounded and without secrets.
        reason: String,
        /// The wait until the next try.
        after: Duration,
    },
    /// Not taken, and nobody else is left to ask. If one took it before, and
    /// its receipt did not come, that still stands.
    Rejected {
        /// The provider's name.
        provider: String,
        /// What it answered, bounded and without secrets.
        reason: String,
    },
    /// The receipt arrived.
    Receipt(Delivery),
    /// No receipt came, and nobody else is left to ask: the message is left as it is.
    GaveUp,
}

impl Settlement {
    /// What happened to the message, as an event; nothing where the message is left as it is. Whether
    /// a rejection failed the verification depends on its record, see
    /// [`Record::settle`](crate::verification::record::Record::settle).
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
    /// To be sent.
    Send,
    /// Accepted; this receipt is now due.
    Receipt(Delivery),
    /// Accepted by one of so many candidates of its route that were used, 1 to
    /// [`Awaited::MOST`]; its receipt did not come in time.
    Await(u8),
}

impl Phase {
    /// The number that outboxes keep.
    pub fn number(self) -> u8 {
        match self {
            Self::Send => 0,
            Self::Receipt(Delivery::Delivered) => 1,
            Self::Receipt(_) => 2,
            Self::Await(passed) => 2 + passed.clamp(1, Awaited::MOST),
        }
    }

    /// The reverse of [`Phase::number`].
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Send,
            1 => Self::Receipt(Delivery::Delivered),
            2 => Self::Receipt(Delivery::Undelivered),
            3..=10 => Self::Await(number - 2),
            _ => return None,
        })
    }

    /// What a message that was settled in this phase waits for next, and how long.
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
