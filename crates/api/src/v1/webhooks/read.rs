//! Reads the bodies and the query of the webhook operations.

use super::json::EventName;
use crate::{
    http::values::{mode, overlap},
    v1::keys::Mode as KeyMode,
};
use countersign_core::{
    id::WebhookMessageId,
    management::{
        key_rotation::MOST_OVERLAP,
        resources::ResourceName,
        webhooks::{NewWebhook, WebhookChange},
    },
    mode::Mode,
    webhook::{MAX_URL, event::WebhookEvent},
};
use countersign_web::{
    fields::{array, boolean, text, whole},
    problem::Fault,
    request,
    request::{given, given_or_null, optional, required},
};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

request! {
    /// Makes a webhook.
    pub struct CreateWebhook {
        /// A name for people, unique in its mode.
        #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "orders")]
        name: ResourceName as String = required(name),
        /// The URL that gets the messages: https, without user name, password and fragment.
        #[schema(
            pattern = "^https?://[!-~]+$",
            max_length = 1000,
            example = "https://example.com/webhooks/countersign"
        )]
        url: String = required(url),
        /// The webhook gets the events of this mode; the mode of the key when absent.
        mode: Option<Mode> as Option<KeyMode> = optional(mode),
        /// The events that the webhook gets; all events when absent or empty.
        #[schema(example = json!(["verification.approved"]))]
        events: Option<Option<BTreeSet<WebhookEvent>>> as Option<Vec<EventName>> = optional(events),
        /// Whether the server sends messages to the webhook; true when absent.
        #[schema(example = true)]
        enabled: Option<bool> = optional(boolean),
    }
}

impl From<CreateWebhook> for NewWebhook {
    fn from(asked: CreateWebhook) -> Self {
        let CreateWebhook { name, url, mode, events, enabled } = asked;
        Self { name, mode, url, events: events.flatten(), enabled: enabled.unwrap_or(true) }
    }
}

request! {
    /// Changes a webhook. Absent fields stay as they are.
    pub struct UpdateWebhook {
        /// A name for people.
        #[schema(nullable = false, pattern = "^[a-z0-9-]{1,32}$", example = "orders")]
        name: Option<ResourceName> as Option<String> = given(name),
        /// The URL that gets the messages.
        #[schema(
            nullable = false,
            pattern = "^https?://[!-~]+$",
            max_length = 1000,
            example = "https://example.com/webhooks/countersign"
        )]
        url: Option<String> = given(url),
        /// The events that the webhook gets; all events when null or empty.
        #[schema(example = json!(["verification.approved"]))]
        events: Option<Option<Option<BTreeSet<WebhookEvent>>>> as Option<Vec<EventName>> = given_or_null(events),
        /// Whether the server sends messages to the webhook.
        #[schema(nullable = false, example = true)]
        enabled: Option<bool> = given(boolean),
    }
}

impl From<UpdateWebhook> for WebhookChange {
    fn from(asked: UpdateWebhook) -> Self {
        let UpdateWebhook { name, url, events, enabled } = asked;
        Self { name, url, events: events.map(Option::flatten), enabled }
    }
}

request! {
    /// Rotates the secret of a webhook.
    pub struct RotateWebhook {
        /// How many seconds the old secret still signs, too; 86,400 (a day) when absent. 0 ends it at once.
        #[schema(minimum = 0, maximum = 604_800, example = 3_600)]
        overlap: Option<u32> = optional(whole(0..=MOST_OVERLAP.as_secs() as u32)),
    }
}

impl RotateWebhook {
    /// How long both secrets sign.
    pub fn overlap(self) -> Duration {
        overlap(self.overlap)
    }
}

request! {
    /// Sends a message again.
    pub struct RedeliverMessage {
        /// The `webhook-id` of the message.
        #[schema(pattern = "^whm_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "whm_01jz0w8e9c4t6yv2k5n3m7p8qr")]
        message_id: WebhookMessageId as String = required(message),
    }
}

fn message(value: Value) -> Result<WebhookMessageId, Fault> {
    text(value)?.parse().map_err(|_| Fault::format("must be the message_id of a try"))
}

fn name(value: Value) -> Result<ResourceName, Fault> {
    ResourceName::parse(&text(value)?).ok_or(Fault::format("must be 1 to 32 of a-z, 0-9 and -"))
}

/// Reads a URL. The sender of webhooks decides whether it may be called.
fn url(value: Value) -> Result<String, Fault> {
    let url = text(value)?;
    let known = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    if !known || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::format("must be an https URL, in ASCII"));
    }
    if url.len() > MAX_URL {
        return Err(Fault::new("out_of_range", "must be at most 1000 characters long"));
    }
    Ok(url)
}

/// Reads the events. No events at all means all of them.
fn events(value: Value) -> Result<Option<BTreeSet<WebhookEvent>>, Fault> {
    let unknown = || Fault::format("must hold only known events");
    let events =
        array(value)?.into_iter().map(|value| WebhookEvent::parse(&text(value)?).ok_or_else(unknown));
    let events: BTreeSet<_> = events.collect::<Result<_, Fault>>()?;
    Ok((!events.is_empty()).then_some(events))
}
