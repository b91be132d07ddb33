//! Webhooks as JSON.

use crate::v1::keys::Mode;
use countersign_core::{
    id::WebhookMessageId,
    ports::webhooks::WebhookAttempt,
    webhook::{self, DisabledReason, event::WebhookEvent, secret::WebhookSecrets},
};
use countersign_web::schema::text_enum;
use serde::Serialize;
use utoipa::ToSchema;

/// What a webhook can be told.
pub struct EventName;

impl ToSchema for EventName {}
impl utoipa::PartialSchema for EventName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        text_enum(WebhookEvent::ALL.iter().map(|event| event.as_str()))
    }
}

/// A message that waits to be sent.
#[derive(Serialize, ToSchema)]
pub struct QueuedMessage {
    /// The `webhook-id` of the message.
    #[schema(pattern = "^whm_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "whm_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    message_id: String,
}

impl QueuedMessage {
    /// The message with this id.
    pub fn new(id: WebhookMessageId) -> Self {
        Self { message_id: id.to_string() }
    }
}

/// Why the server disabled a webhook: its endpoint answered 410 (`gone`), or
/// failed for five days (`failing`).
pub struct Disabled;

impl ToSchema for Disabled {}
impl utoipa::PartialSchema for Disabled {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        text_enum(DisabledReason::ALL.into_iter().map(DisabledReason::as_str))
    }
}

/// A URL that gets events, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    #[schema(pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "whk_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// A name for people.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "orders")]
    name: String,
    /// The webhook gets the events of this mode.
    mode: Mode,
    /// The URL that gets the messages.
    #[schema(example = "https://example.com/webhooks/countersign")]
    url: String,
    /// The events that the webhook gets; an empty list: all events.
    #[schema(value_type = Vec<EventName>, example = json!(["verification.approved"]))]
    events: Vec<&'static str>,
    /// Whether the server sends messages to the webhook.
    enabled: bool,
    /// Why the server disabled the webhook; null if it did not.
    #[schema(required = true, value_type = Option<Disabled>)]
    disabled_reason: Option<&'static str>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

impl From<webhook::Webhook> for Webhook {
    fn from(webhook: webhook::Webhook) -> Self {
        Self {
            id: webhook.id.to_string(),
            name: webhook.name,
            mode: webhook.mode.into(),
            url: webhook.url,
            events: webhook.events.unwrap_or_default().into_iter().map(WebhookEvent::as_str).collect(),
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_reason.map(DisabledReason::as_str),
            created_at: webhook.created_at.to_string(),
        }
    }
}

/// A webhook with its newest secret. The fields are those of `Webhook`. They are
/// repeated here because a closed schema cannot include another.
#[derive(Serialize, ToSchema)]
pub struct CreatedWebhook {
    /// Its id.
    #[schema(pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "whk_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// A name for people.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "orders")]
    name: String,
    /// The webhook gets the events of this mode.
    mode: Mode,
    /// The URL that gets the messages.
    #[schema(example = "https://example.com/webhooks/countersign")]
    url: String,
    /// The events that the webhook gets; an empty list: all events.
    #[schema(value_type = Vec<EventName>, example = json!(["verification.approved"]))]
    events: Vec<&'static str>,
    /// Whether the server sends messages to the webhook.
    enabled: bool,
    /// Why the server disabled the webhook; null if it did not.
    #[schema(required = true, value_type = Option<Disabled>)]
    disabled_reason: Option<&'static str>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
    /// The secret that signs its messages. It cannot be shown again.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")]
    secret: String,
}

impl CreatedWebhook {
    /// The webhook with its newest secret.
    pub fn new(webhook: webhook::Webhook, secrets: &WebhookSecrets) -> Self {
        let webhook = Webhook::from(webhook);
        Self {
            id: webhook.id,
            name: webhook.name,
            mode: webhook.mode,
            url: webhook.url,
            events: webhook.events,
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_reason,
            created_at: webhook.created_at,
            secret: secrets.expose().to_owned(),
        }
    }
}

/// The webhooks that the key may see.
#[derive(Serialize, ToSchema)]
pub struct WebhookList {
    /// Oldest first.
    #[schema(max_items = 10)]
    data: Vec<Webhook>,
}

impl From<Vec<webhook::Webhook>> for WebhookList {
    fn from(webhooks: Vec<webhook::Webhook>) -> Self {
        Self { data: webhooks.into_iter().map(Webhook::from).collect() }
    }
}

/// One attempt to send a message to a webhook.
#[derive(Serialize, ToSchema)]
pub struct WebhookTry {
    /// Its id.
    #[schema(pattern = "^wha_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "wha_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The `webhook-id` of the message, the same at each attempt.
    #[schema(pattern = "^whm_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "whm_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    message_id: String,
    /// The type of the event. Later releases may add types.
    #[schema(pattern = r"^[a-z]+\.[a-z]+$", example = "verification.approved")]
    event: String,
    /// The time of the attempt.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    at: String,
    /// Whether the endpoint accepted the message, with a status from 200 to 299.
    delivered: bool,
    /// The status of the endpoint's answer; null if there was no answer.
    #[schema(required = true, minimum = 100, maximum = 999, example = 200)]
    status_code: Option<u16>,
    /// The duration of the attempt, in milliseconds.
    #[schema(minimum = 0, example = 80)]
    duration_ms: u64,
    /// Why the attempt failed, for people; null if it succeeded.
    #[schema(required = true, example = "status 503")]
    reason: Option<String>,
}

/// A page of attempts.
#[derive(Serialize, ToSchema)]
pub struct AttemptPage {
    /// The attempts, newest first.
    #[schema(max_items = 100)]
    data: Vec<WebhookTry>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true, pattern = "^wha_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    next_cursor: Option<String>,
}

impl AttemptPage {
    /// Makes a page of at most `limit` attempts. `found` may contain one more, which only shows that another
    /// page follows.
    pub fn new(mut found: Vec<WebhookAttempt>, limit: u16) -> Self {
        let limit = usize::from(limit);
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
        let one = |attempt: WebhookAttempt| WebhookTry {
            id: attempt.id.to_string(),
            message_id: attempt.message.to_string(),
            event: attempt.kind,
            at: attempt.at.to_string(),
            delivered: attempt.reason.is_none(),
            status_code: attempt.status_code,
            duration_ms: u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
            reason: attempt.reason,
        };
        Self { data: found.into_iter().map(one).collect(), next_cursor }
    }
}
