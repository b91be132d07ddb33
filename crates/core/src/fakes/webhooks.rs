//! An outbox of webhooks that a test does not use.

use super::not_asked;
use crate::{
    id::{AttemptId, TenantId, WebhookId, WebhookMessageId},
    ports::{
        error::StoreError,
        webhooks::{
            KeptBounds, Retained, Settled, WebhookAttempt, WebhookClaim, WebhookMessage, WebhookOutbox,
            WebhookSettlement,
        },
    },
    time::Timestamp,
};
use async_trait::async_trait;

/// A store whose test never uses its [`WebhookOutbox`].
pub trait WithoutWebhookOutbox: Send + Sync {}

#[async_trait]
impl<T: WithoutWebhookOutbox> WebhookOutbox for T {
    async fn add(&self, _: &[WebhookMessage]) -> Result<(), StoreError> {
        not_asked()
    }

    async fn due(&self, _: Option<WebhookId>, _: Timestamp, _: u16) -> Result<Vec<WebhookId>, StoreError> {
        not_asked()
    }

    async fn claim(
        &self,
        _: WebhookId,
        _: (Timestamp, Timestamp),
        _: u16,
    ) -> Result<Vec<WebhookClaim>, StoreError> {
        not_asked()
    }

    async fn settle(&self, _: &WebhookClaim, _: &WebhookSettlement) -> Result<Settled, StoreError> {
        not_asked()
    }

    async fn end_tries(&self, _: WebhookId, _: u16) -> Result<u64, StoreError> {
        not_asked()
    }

    async fn failures(&self, _: WebhookId, _: Timestamp, _: u16) -> Result<u64, StoreError> {
        not_asked()
    }

    async fn redeliver(
        &self,
        _: TenantId,
        _: WebhookId,
        _: WebhookMessageId,
        _: Timestamp,
    ) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn list_attempts(
        &self,
        _: TenantId,
        _: WebhookId,
        _: Option<AttemptId>,
        _: u16,
    ) -> Result<Vec<WebhookAttempt>, StoreError> {
        not_asked()
    }

    async fn forget(&self, _: TenantId, _: WebhookId, _: u16) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn known(&self, _: Option<WebhookId>, _: u16) -> Result<Vec<(TenantId, WebhookId)>, StoreError> {
        not_asked()
    }

    async fn retain(&self, _: WebhookId, _: &KeptBounds, _: u16) -> Result<Retained, StoreError> {
        not_asked()
    }
}

/// An installation without webhooks.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWebhooks;

impl WithoutWebhookOutbox for NoWebhooks {}
