//! What is to be told to webhooks, as the directory's database keeps it.

use crate::{
    id::{AttemptId, TenantId, WebhookId, WebhookMessageId},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;
use std::time::Duration;

/// Something that a webhook is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookMessage {
    /// The webhook.
    pub webhook: WebhookId,
    /// The tenant.
    pub tenant: TenantId,
    /// Its id: the header `webhook-id`, the same at each try. It follows from
    /// the event, so whoever makes it again makes the same.
    pub id: WebhookMessageId,
    /// What happened, as the body says it.
    pub kind: &'static str,
    /// The body.
    pub body: String,
    /// When it happened; due at once.
    pub at: Timestamp,
}

/// A message that a worker holds for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookClaim {
    /// The webhook.
    pub webhook: WebhookId,
    /// The tenant.
    pub tenant: TenantId,
    /// The message.
    pub id: WebhookMessageId,
    /// What happened.
    pub kind: String,
    /// The body.
    pub body: String,
    /// Tries that were noted before this one.
    pub attempts: u32,
    /// Which claim of the message this is; only the newest is settled.
    pub claim: i64,
}

/// One try, as the log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAttempt {
    /// Its id.
    pub id: AttemptId,
    /// The message.
    pub message: WebhookMessageId,
    /// What happened.
    pub kind: String,
    /// When it was tried.
    pub at: Timestamp,
    /// What the endpoint answered, if it did.
    pub status_code: Option<u16>,
    /// How long that took.
    pub duration: Duration,
    /// Why it failed, in words of ours; `None` when it did not. Nothing that
    /// the endpoint said stands in it.
    pub reason: Option<String>,
}

/// What a try became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettlement {
    /// The try.
    pub attempt: WebhookAttempt,
    /// What follows.
    pub next: NextTry,
}

/// What follows a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// Nothing: the endpoint has it.
    Delivered,
    /// Another try then.
    At(Timestamp),
    /// Nothing: that was the last try.
    GivenUp,
}

/// What a settlement says of the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Settled {
    /// Noted.
    Noted {
        /// Since when every try has failed, if the last did.
        failing_since: Option<Timestamp>,
    },
    /// Another worker holds the message by now; nothing was noted.
    Lost,
}

/// The messages that wait, and the log of tries. Each method is one atomic act.
#[async_trait]
pub trait WebhookOutbox: Send + Sync {
    /// Adds messages; those that are there already change nothing.
    async fn add(&self, messages: &[WebhookMessage]) -> Result<(), StoreError>;

    /// Webhooks with messages that are due, by id, those after `after`.
    async fn due(
        &self,
        after: Option<WebhookId>,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<WebhookId>, StoreError>;

    /// Takes up to `limit` due messages of a webhook, the oldest first, and
    /// holds them until `until`.
    async fn claim(
        &self,
        webhook: WebhookId,
        (now, until): (Timestamp, Timestamp),
        limit: u16,
    ) -> Result<Vec<WebhookClaim>, StoreError>;

    /// Notes what a try became, if the claim is still the newest.
    async fn settle(
        &self,
        claim: &WebhookClaim,
        settlement: &WebhookSettlement,
    ) -> Result<Settled, StoreError>;

    /// Ends the tries of up to `limit` messages of a webhook; they can still be
    /// sent again. How many there were.
    async fn end_tries(&self, webhook: WebhookId, limit: u16) -> Result<u64, StoreError>;

    /// Failed tries of a webhook since `since`, pings aside; counted up to `most`.
    async fn failures(&self, webhook: WebhookId, since: Timestamp, most: u16) -> Result<u64, StoreError>;

    /// Begins the tries of a message anew; whether there is one. What is under
    /// way is sent once more after that.
    async fn redeliver(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        message: WebhookMessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Tries of a webhook, newest first, those before `before`.
    async fn list_attempts(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        before: Option<AttemptId>,
        limit: u16,
    ) -> Result<Vec<WebhookAttempt>, StoreError>;

    /// Deletes up to `limit` messages and as many tries of a webhook. Whether all are gone.
    async fn forget(&self, tenant: TenantId, webhook: WebhookId, limit: u16) -> Result<bool, StoreError>;

    /// Webhooks of which messages are kept, with their tenants, by id, those after `after`.
    async fn known(
        &self,
        after: Option<WebhookId>,
        limit: u16,
    ) -> Result<Vec<(TenantId, WebhookId)>, StoreError>;

    /// Deletes what a webhook has beyond its bounds, up to `limit` of each kind.
    async fn retain(
        &self,
        webhook: WebhookId,
        bounds: &KeptBounds,
        limit: u16,
    ) -> Result<Retained, StoreError>;
}

/// What is kept of one webhook.
#[derive(Clone, Copy, Debug)]
pub struct KeptBounds {
    /// Nothing that is older.
    pub before: Timestamp,
    /// Messages that are over, and tries; the newest.
    pub most: u32,
    /// Messages that wait; the newest.
    pub waiting: u32,
}

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Retained {
    /// Messages that were over, and tries.
    pub deleted: u64,
    /// Messages that still waited and are never told now.
    pub dropped: u64,
    /// Whether there is more to delete.
    pub more: bool,
}
