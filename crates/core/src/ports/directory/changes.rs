//! The numbered changes, and the requests that made some of them.

use crate::{
    id::TenantId, ports::error::StoreError, snapshot::news::News, time::Timestamp,
    verification::idempotency::Once,
};
use async_trait::async_trait;

/// The numbered changes, and the Idempotency-Keys of requests that made some of them.
#[async_trait]
pub trait Changes: Send + Sync {
    /// What happened since the change with the number `after`; `None` if nothing did.
    async fn news(&self, after: i64) -> Result<Option<News>, StoreError>;

    /// Forgets changes from before then; whoever has not read them reads everything anew.
    async fn forget_changes(&self, before: Timestamp) -> Result<(), StoreError>;

    /// The MAC of the request that used this Idempotency-Key after `since`.
    async fn answered(
        &self,
        tenant: TenantId,
        once: &Once,
        since: Timestamp,
    ) -> Result<Option<[u8; 16]>, StoreError>;

    /// Forgets the Idempotency-Keys of requests from before then.
    async fn forget_answered(&self, before: Timestamp) -> Result<(), StoreError>;
}
