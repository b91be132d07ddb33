//! The outbox of webhook messages, in the directory's database.

use crate::{
    id::{AttemptId, TenantId, WebhookId, WebhookMessageId},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;
use std::time::Duration;

/// A message to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookMessage {
    pub webhook: WebhookId,
    pub tenant: TenantId,
    /// The id, which is also the header `webhook-id` in each attempt. It is derived from the event, so every
    /// process that makes this message makes the same id.
    pub id: WebhookMessageId,
    /// The type of the event, as in the body.
    pub kind: &'static str,
    pub body: String,
    /// When the event happened. The message is due at once.
    pub at: Timestamp,
}

/// A message that a worker holds for a limited time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookClaim {
    pub webhook: WebhookId,
    pub tenant: TenantId,
    pub id: WebhookMessageId,
    /// The type of the event.
    pub kind: String,
    pub body: String,
    /// The number of attempts recorded before this one.
    pub attempts: u32,
    /// The number of this claim of the message. Only the newest claim can be settled.
    pub claim: i64,
}

/// An attempt, as the log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAttempt {
    pub id: AttemptId,
    pub message: WebhookMessageId,
    /// The type of the event.
    pub kind: String,
    pub at: Timestamp,
    /// The status of the endpoint's answer, if there was one.
    pub status_code: Option<u16>,
    /// How long the attempt took.
    pub duration: Duration,
    /// Why the attempt failed, in our own words; `None` for a success. It contains nothing of the endpoint's
    /// answer.
    pub reason: Option<String>,
}

/// The result of an attempt, for the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettlement {
    pub attempt: WebhookAttempt,
    pub next: NextTry,
}

/// What happens after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// Nothing, because the endpoint has accepted the message.
    Delivered,
    /// Another attempt at this time.
    At(Timestamp),
    /// Nothing, because the message is given up.
    GivenUp,
}

/// The result of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Settled {
    Noted {
        /// Since when every attempt has failed; `None` if the last one succeeded.
        failing_since: Option<Timestamp>,
    },
    /// Another worker holds the message now. Nothing was recorded.
    Lost,
}

/// The waiting messages, and the log of attempts. Each method is one transaction.
#[async_trait]
pub trait WebhookOutbox: Send + Sync {
    /// Adds messages. Those that exist already are skipped.
    async fn add(&self, messages: &[WebhookMessage]) -> Result<(), StoreError>;

    /// The webhooks after `after` that have due messages, sorted by id.
    async fn due(
        &self,
        after: Option<WebhookId>,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<WebhookId>, StoreError>;

    /// Takes up to `limit` due messages of a webhook, oldest first, and holds them until `until`.
    async fn claim(
        &self,
        webhook: WebhookId,
        (now, until): (Timestamp, Timestamp),
        limit: u16,
    ) -> Result<Vec<WebhookClaim>, StoreError>;

    /// Records the result of an attempt, if the claim is still the newest.
    async fn settle(
        &self,
        claim: &WebhookClaim,
        settlement: &WebhookSettlement,
    ) -> Result<Settled, StoreError>;

    /// Ends the attempts for up to `limit` messages of a webhook. They can still be sent again on request. Returns their
    /// number.
    async fn end_tries(&self, webhook: WebhookId, limit: u16) -> Result<u64, StoreError>;

    /// The number of failed attempts of a webhook since `since`, without pings, counted up to `most`.
    async fn failures(&self, webhook: WebhookId, since: Timestamp, most: u16) -> Result<u64, StoreError>;

    /// Starts the attempts of a message again. Returns whether the message exists. If an attempt is in
    /// progress, the message is sent once more after it.
    async fn redeliver(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        message: WebhookMessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The attempts of a webhook before `before`, newest first.
    async fn list_attempts(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        before: Option<AttemptId>,
        limit: u16,
    ) -> Result<Vec<WebhookAttempt>, StoreError>;

    /// Deletes up to `limit` messages and as many attempts of a webhook. Returns whether nothing is left.
    async fn forget(&self, tenant: TenantId, webhook: WebhookId, limit: u16) -> Result<bool, StoreError>;

    /// The webhooks after `after` that have stored messages, with their tenants, sorted by id.
    async fn known(
        &self,
        after: Option<WebhookId>,
        limit: u16,
    ) -> Result<Vec<(TenantId, WebhookId)>, StoreError>;

    /// Deletes a webhook's rows beyond its bounds, up to `limit` of each kind.
    async fn retain(
        &self,
        webhook: WebhookId,
        bounds: &KeptBounds,
        limit: u16,
    ) -> Result<Retained, StoreError>;
}

/// The bounds of what is stored for one webhook.
#[derive(Clone, Copy, Debug)]
pub struct KeptBounds {
    /// Rows older than this time are deleted.
    pub before: Timestamp,
    /// The maximum number of finished messages, and of attempts. The newest stay.
    pub most: u32,
    /// The maximum number of waiting messages. The newest stay.
    pub waiting: u32,
}

/// The result of deleting rows beyond the bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Retained {
    /// The number of deleted messages that were finished, and of attempts.
    pub deleted: u64,
    /// The number of deleted messages that were still waiting. They will never be sent.
    pub dropped: u64,
    pub more: bool,
}
