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
    /// Its `webhook-id`.
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

/// Where you are told what happens, without the secret.
#[derive(Serialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    #[schema(pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "whk_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// What people call it.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "orders")]
    name: String,
    /// The events of this mode are told.
    mode: Mode,
    /// Where the messages go.
    #[schema(example = "https://example.com/webhooks/countersign")]
    url: String,
    /// What is told; empty when everything is.
    #[schema(value_type = Vec<EventName>, example = json!(["verification.approved"]))]
    events: Vec<&'static str>,
    /// Whether anything is told.
    enabled: bool,
    /// Why the server disabled it; null when it did not.
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

/// A webhook with its newest secret. The fields are those of `Webhook`, spelled
/// out because a closed schema cannot be composed of another.
#[derive(Serialize, ToSchema)]
pub struct CreatedWebhook {
    /// Its id.
    #[schema(pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "whk_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// What people call it.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "orders")]
    name: String,
    /// The events of this mode are told.
    mode: Mode,
    /// Where the messages go.
    #[schema(example = "https://example.com/webhooks/countersign")]
    url: String,
    /// What is told; empty when everything is.
    #[schema(value_type = Vec<EventName>, example = json!(["verification.approved"]))]
    events: Vec<&'static str>,
    /// Whether anything is told.
    enabled: bool,
    /// Why the server disabled it; null when it did not.
    #[schema(required = true, value_type = Option<Disabled>)]
    disabled_reason: Option<&'static str>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
    /// What its messages are signed with. It cannot be shown again.
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

/// One try to tell a webhook something.
#[derive(Serialize, ToSchema)]
pub struct WebhookTry {
    /// Its id.
    #[schema(pattern = "^wha_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "wha_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The message: its `webhook-id`, the same at each try.
    #[schema(pattern = "^whm_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "whm_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    message_id: String,
    /// What happened; later releases may add types.
    #[schema(pattern = r"^[a-z]+\.[a-z]+$", example = "verification.approved")]
    event: String,
    /// When it was tried.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    at: String,
    /// Whether the endpoint took the message: it answered 200 to 299.
    delivered: bool,
    /// The status that the endpoint answered; null when there was no answer.
    #[schema(required = true, minimum = 100, maximum = 999, example = 200)]
    status_code: Option<u16>,
    /// How long that took, in milliseconds.
    #[schema(minimum = 0, example = 80)]
    duration_ms: u64,
    /// Why it failed, for people; null when it did not.
    #[schema(required = true, example = "status 503")]
    reason: Option<String>,
}

/// A page of tries.
#[derive(Serialize, ToSchema)]
pub struct AttemptPage {
    /// The tries, newest first.
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
