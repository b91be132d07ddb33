//! The history as JSON.

use crate::v1::verifications::json::Verification;
use countersign_core::{
    access::actor::Actor,
    acts::{history::erase, view},
    audit::entry::Author,
    verification::event::{self, EventKind},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A page of verifications.
#[derive(Serialize, ToSchema)]
pub struct VerificationPage {
    /// The verifications, newest first.
    #[schema(max_items = 100)]
    data: Vec<Verification>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true, pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    next_cursor: Option<String>,
}

impl VerificationPage {
    /// Makes a page of at most `limit`. `found` may contain one more, which only shows that another page
    /// follows.
    pub fn new(caller: &Actor, mut found: Vec<view::Verification>, limit: u16) -> Self {
        let limit = usize::from(limit);
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
        let data = found.into_iter().map(|one| Verification::as_seen_by(caller, one)).collect();
        Self { data, next_cursor }
    }
}

/// The result of an erasure.
#[derive(Serialize, ToSchema)]
pub struct ErasedNumber {
    /// The number of past verifications that contained the number.
    #[schema(minimum = 0, example = 3)]
    verifications: u64,
    /// The number of live verifications that the erasure ended.
    #[schema(minimum = 0, example = 1)]
    canceled: u64,
}

impl From<erase::Erased> for ErasedNumber {
    fn from(erased: erase::Erased) -> Self {
        Self { verifications: erased.verifications, canceled: erased.canceled }
    }
}

/// The events of a verification, oldest first.
#[derive(Serialize, ToSchema)]
pub struct Timeline {
    /// The events.
    #[schema(max_items = 2000)]
    data: Vec<Event>,
}

impl From<Vec<event::Event>> for Timeline {
    fn from(events: Vec<event::Event>) -> Self {
        Self { data: events.into_iter().map(Event::from).collect() }
    }
}

/// One event. Fields that do not apply to its kind are null.
#[derive(Serialize, ToSchema)]
pub struct Event {
    /// Its id.
    #[schema(pattern = "^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "evt_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The time of the event.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    at: String,
    /// The kind of event, for programs. Later releases may add kinds.
    #[schema(pattern = "^[a-z_]+$", example = "message_sent")]
    kind: &'static str,
    /// The author: the id of a key or a member, `operator`, or `system` for the server itself. Null for an act that
    /// a node of an older release stored.
    #[schema(
        required = true,
        pattern = "^(key|mem)_[0-7][0-9a-hjkmnp-tv-z]{25}$|^operator$|^system$",
        example = "key_01jz0w8e9c4t6yv2k5n3m7p8qr"
    )]
    actor: Option<String>,
    /// The member whose rights applied if an owner acted as that member, or `operator` if a member of the operator
    /// acted.
    #[schema(required = true, pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$|^operator$")]
    acting_for: Option<String>,
    /// The event in words, for people. It contains no code and no number.
    #[schema(example = "Message accepted by provider relay")]
    text: String,
    /// The message of the event.
    #[schema(required = true, pattern = "^msg_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    message_id: Option<String>,
    /// The provider of the event.
    #[schema(required = true, example = "relay")]
    provider: Option<String>,
    /// The provider's own code for the outcome, if it reported one.
    #[schema(required = true, max_length = 64, example = "DELIVRD")]
    provider_code: Option<String>,
    /// Tries that were left after a wrong code.
    #[schema(required = true, minimum = 0, maximum = 5, example = 4)]
    attempts_left: Option<u8>,
}

impl From<event::Event> for Event {
    fn from(event: event::Event) -> Self {
        let (actor, acting_for) = match event.author().map(Author::from) {
            Some(Author { actor, acting_for }) => (Some(actor), acting_for),
            None => (None, None),
        };
        Self {
            id: event.id.to_string(),
            at: event.at.to_string(),
            kind: event.kind.name(),
            actor,
            acting_for,
            text: event.kind.sentence(),
            message_id: event.kind.message().map(|message| message.to_string()),
            provider: event.kind.provider().map(str::to_owned),
            provider_code: match &event.kind {
                EventKind::Receipt { code, .. } if !code.is_empty() => Some(code.clone()),
                _ => None,
            },
            attempts_left: match event.kind {
                EventKind::CheckWrong { attempts_left, .. } => Some(attempts_left),
                EventKind::Exhausted { .. } => Some(0),
                _ => None,
            },
        }
    }
}
