//! What happened to a verification: the words of its timeline.

pub mod packed;
mod sentence;

use crate::{
    id::{EventId, KeyId, MessageId, ProfileId, VerificationId},
    keyring::Fingerprint,
    phone::Country,
    tenant::limits::LimitState,
    time::Timestamp,
    verification::{
        guesses::GuessWait,
        status::{CancelReason, Delivery, DropReason},
    },
};
use std::time::Duration;

/// One thing that happened, in the order the store saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id, made by the act.
    pub id: EventId,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

impl Event {
    /// The one `expired` event of a verification. Its id follows from the
    /// verification's, so whoever makes it again makes the same.
    pub fn expired(id: VerificationId, expires_at: Timestamp) -> Self {
        let mut bytes = *id.bytes();
        bytes[8..].iter_mut().for_each(|byte| *byte = !*byte);
        Self { id: EventId::from_bytes(bytes), at: expires_at, kind: EventKind::Expired }
    }
}

impl EventId {
    /// The id of the event that says that an erasure ended a verification. That happens once at most,
    /// so the verification's id with all bits inverted is unique among events.
    pub fn of_erasure(verification: VerificationId) -> Self {
        Self::from_bytes(verification.bytes().map(|byte| !byte))
    }
}

/// What a start says of itself: all that the history keeps of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The message that was queued.
    pub message: MessageId,
    /// The profile.
    pub profile: ProfileId,
    /// The key that started it.
    pub key: KeyId,
    /// The number it is about.
    pub number: Fingerprint,
    /// The number's country.
    pub country: Option<Country>,
    /// When its codes end.
    pub expires_at: Timestamp,
    /// Wrong codes that end it.
    pub max_checks: u8,
    /// Messages that may be queued.
    pub max_sends: u8,
    /// Number, profile name and metadata, sealed as in the record.
    pub contact: Vec<u8>,
    /// The limits that were counted, and how far each was used with this start.
    pub limits: Vec<LimitUse>,
    /// Limits that were not applied, because the client gave nothing to count by.
    pub skipped: Vec<String>,
    /// Whether the number is a review number, to which nothing is sent.
    pub review: bool,
}

/// How far a limit was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitUse {
    /// Its name.
    pub name: String,
    /// Taken, this time included.
    pub used: u32,
    /// How many fit.
    pub max: u32,
    /// Into how long.
    pub window: Duration,
}

impl LimitUse {
    /// How far a limit was used, as the start that asked found it.
    pub fn of(state: &LimitState) -> Self {
        let LimitState { name, max, window, remaining, .. } = state.clone();
        Self { name, used: max.saturating_sub(remaining), max, window }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A verification was made and its first message queued.
    Started(Box<Started>),
    /// Another message was queued.
    Resent {
        /// The message that was queued.
        message: MessageId,
        /// Which send of the verification this is, from 2.
        send: u8,
        /// Whether it carries a new code.
        new_code: bool,
    },
    /// A wrong code was evaluated.
    CheckWrong {
        /// Tries that are left.
        attempts_left: u8,
        /// Wrong codes in a row for the number, this one included.
        in_row: u16,
        /// The wait that they brought about.
        wait: Option<GuessWait>,
    },
    /// The right code was given.
    Approved,
    /// The last try was wrong.
    Exhausted {
        /// Wrong codes in a row for the number, this one included.
        in_row: u16,
        /// The wait that they brought about.
        wait: Option<GuessWait>,
    },
    /// Its time passed; noted once, by the history.
    Expired,
    /// It was ended before its time.
    Canceled(CancelReason),
    /// A provider took the message.
    MessageSent {
        /// The message.
        message: MessageId,
        /// The provider's name.
        provider: String,
    },
    /// A provider did not take the message; it will be tried again.
    MessageRetried {
        /// The message.
        message: MessageId,
        /// The provider's name.
        provider: String,
        /// What it answered.
        reason: String,
        /// The wait until the next try.
        after: Duration,
    },
    /// No provider takes the message.
    MessageRejected {
        /// The message.
        message: MessageId,
        /// The provider's name.
        provider: String,
        /// What it answered.
        reason: String,
        /// Whether the verification failed with it: none of its messages was ever accepted.
        failed: bool,
    },
    /// The message was not sent.
    MessageDropped {
        /// The message.
        message: MessageId,
        /// Why.
        reason: DropReason,
    },
    /// The phone has it, as the provider knew when it took it.
    Delivered {
        /// The message.
        message: MessageId,
    },
    /// The phone will not get it, as the provider knew when it took it.
    Undelivered {
        /// The message.
        message: MessageId,
    },
    /// The provider reported what became of it.
    Receipt {
        /// The message.
        message: MessageId,
        /// The provider's name.
        provider: String,
        /// Delivered or undelivered.
        delivery: Delivery,
        /// What the provider calls that, in its own code.
        code: String,
    },
}

impl EventKind {
    /// The name in JSON and logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Resent { .. } => "resent",
            Self::CheckWrong { .. } => "check_wrong",
            Self::Approved => "approved",
            Self::Exhausted { .. } => "exhausted",
            Self::Expired => "expired",
            Self::Canceled(_) => "canceled",
            Self::MessageSent { .. } => "message_sent",
            Self::MessageRetried { .. } => "message_retried",
            Self::MessageRejected { .. } => "message_rejected",
            Self::MessageDropped { .. } => "message_dropped",
            Self::Delivered { .. } => "delivered",
            Self::Undelivered { .. } => "undelivered",
            Self::Receipt { delivery: Delivery::Delivered, .. } => "delivered",
            Self::Receipt { .. } => "undelivered",
        }
    }

    /// The event without the person: what the history keeps of it in the timeline.
    pub fn without_person(self) -> Self {
        match self {
            Self::Started(started) => {
                let number = Fingerprint([0; 16]);
                Self::Started(Box::new(Started { number, contact: Vec::new(), ..*started }))
            }
            other => other,
        }
    }

    /// The message it is about.
    pub const fn message(&self) -> Option<MessageId> {
        match self {
            Self::Started(started) => Some(started.message),
            Self::Resent { message, .. }
            | Self::MessageSent { message, .. }
            | Self::MessageRetried { message, .. }
            | Self::MessageRejected { message, .. }
            | Self::MessageDropped { message, .. }
            | Self::Delivered { message }
            | Self::Undelivered { message }
            | Self::Receipt { message, .. } => Some(*message),
            _ => None,
        }
    }

    /// The provider that it names.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::MessageSent { provider, .. }
            | Self::MessageRetried { provider, .. }
            | Self::MessageRejected { provider, .. }
            | Self::Receipt { provider, .. } => Some(provider),
            _ => None,
        }
    }
}
