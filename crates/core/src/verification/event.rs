//! The events of a verification, which form its timeline.

pub mod packed;
mod sentence;

use crate::{
    access::actor::Who,
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

/// One event of a verification. Events have the order in which the store saw them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The id, made by the operation that causes the event.
    pub id: EventId,
    /// The time, by the store's clock.
    pub at: Timestamp,
    pub kind: EventKind,
    /// The author, if one is stored beside the event. [`Event::author`] is the author of each event.
    pub who: Option<Who>,
}

/// The event that an act makes if it changes anything, and the author of the act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActEvent {
    pub id: EventId,
    pub who: Who,
}

impl ActEvent {
    /// The id and the packed author, as the scripts of a store take them.
    pub fn pack(self) -> Vec<u8> {
        [self.id.bytes().as_slice(), &self.who.pack()].concat()
    }
}

impl Event {
    /// The author of the event: the actor of the act that made it, or the server itself. Returns `None` for an
    /// act that a node of an older release stored without its author.
    pub fn author(&self) -> Option<Who> {
        let by_kind = match &self.kind {
            EventKind::Started(started) => started.key.map(Who::Key),
            EventKind::Resent { .. }
            | EventKind::CheckWrong { .. }
            | EventKind::Approved
            | EventKind::Exhausted { .. }
            | EventKind::Canceled(_) => None,
            EventKind::Expired
            | EventKind::MessageSent { .. }
            | EventKind::MessageRetried { .. }
            | EventKind::MessageRejected { .. }
            | EventKind::MessageDropped { .. }
            | EventKind::Delivered { .. }
            | EventKind::Undelivered { .. }
            | EventKind::Receipt { .. } => Some(Who::System),
        };
        self.who.or(by_kind)
    }

    /// The one `expired` event of a verification. Its id is derived from the verification's id, so every
    /// process that makes this event makes the same one.
    pub fn expired(id: VerificationId, expires_at: Timestamp) -> Self {
        let mut bytes = *id.bytes();
        bytes[8..].iter_mut().for_each(|byte| *byte = !*byte);
        Self { id: EventId::from_bytes(bytes), at: expires_at, kind: EventKind::Expired, who: None }
    }
}

impl EventId {
    /// The id of the event that says that an erasure ended a verification. That happens at most once, so the
    /// verification's id with all bits inverted is unique among events.
    pub fn of_erasure(verification: VerificationId) -> Self {
        Self::from_bytes(verification.bytes().map(|byte| !byte))
    }
}

/// The content of a `started` event: everything that the history stores about a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The queued message.
    pub message: MessageId,
    pub profile: ProfileId,
    /// The API key that started the verification, if a key did.
    pub key: Option<KeyId>,
    /// The fingerprint of the phone number.
    pub number: Fingerprint,
    /// The country of the phone number.
    pub country: Option<Country>,
    /// When the codes expire.
    pub expires_at: Timestamp,
    /// The number of wrong codes that ends the verification.
    pub max_checks: u8,
    /// The maximum number of messages.
    pub max_sends: u8,
    /// Phone number, profile name and metadata, sealed as in the record.
    pub contact: Vec<u8>,
    /// The limits that counted this start, and how full each is now.
    pub limits: Vec<LimitUse>,
    /// The limits that did not apply, because the client sent no value to count.
    pub skipped: Vec<String>,
    /// Whether the phone number is a review number. The server sends nothing to it.
    pub review: bool,
}

/// How full a limit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitUse {
    pub name: String,
    /// The number of starts counted, including this one.
    pub used: u32,
    /// The maximum number of starts.
    pub max: u32,
    /// The length of the window.
    pub window: Duration,
}

impl LimitUse {
    /// Takes the state that the start found.
    pub fn of(state: &LimitState) -> Self {
        let LimitState { name, max, window, remaining, .. } = state.clone();
        Self { name, used: max.saturating_sub(remaining), max, window }
    }
}

/// The kind of an event, with its details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A client started the verification, and the server queued its first message.
    Started(Box<Started>),
    /// A resend queued another message.
    Resent {
        /// The queued message.
        message: MessageId,
        /// The number of this message within the verification, from 2.
        send: u8,
        /// Whether the message contains a new code.
        new_code: bool,
    },
    /// A check compared a wrong code.
    CheckWrong {
        /// The tries that are left.
        attempts_left: u8,
        /// The number of wrong codes in a row for the phone number, including this one.
        in_row: u16,
        /// The wait that this wrong code caused.
        wait: Option<GuessWait>,
    },
    /// A check got the right code.
    Approved,
    /// A check got a wrong code and used up the last try.
    Exhausted {
        /// The number of wrong codes in a row for the phone number, including this one.
        in_row: u16,
        /// The wait that this wrong code caused.
        wait: Option<GuessWait>,
    },
    /// The time of the verification ran out. The history records this event once.
    Expired,
    /// The verification was ended before its time.
    Canceled(CancelReason),
    /// A provider accepted the message.
    MessageSent { message: MessageId, provider: String },
    /// A provider did not accept the message. The worker will try again.
    MessageRetried {
        message: MessageId,
        provider: String,
        /// The provider's answer.
        reason: String,
        /// The wait until the next attempt.
        after: Duration,
    },
    /// No provider accepts the message.
    MessageRejected {
        message: MessageId,
        provider: String,
        /// The last provider's answer.
        reason: String,
        /// Whether this ended the verification as failed, because no provider ever accepted one of its
        /// messages.
        failed: bool,
    },
    /// The worker did not send the message.
    MessageDropped { message: MessageId, reason: DropReason },
    /// The message reached the phone, as the provider already said when it accepted the message.
    Delivered { message: MessageId },
    /// The message will not reach the phone, as the provider already said when it accepted the message.
    Undelivered { message: MessageId },
    /// The provider sent a receipt for the message.
    Receipt {
        message: MessageId,
        provider: String,
        /// Delivered or undelivered.
        delivery: Delivery,
        /// The provider's own code for the outcome.
        code: String,
    },
}

impl EventKind {
    /// The name in JSON and in logs.
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

    /// The event without personal data, as the history stores it in the timeline.
    pub fn without_person(self) -> Self {
        match self {
            Self::Started(started) => {
                let number = Fingerprint([0; 16]);
                Self::Started(Box::new(Started { number, contact: Vec::new(), ..*started }))
            }
            other => other,
        }
    }

    /// The message that the event is about, if any.
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

    /// The provider that the event names, if any.
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
