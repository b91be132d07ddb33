//! The numbered changes of the directory, and the Idempotency-Keys of requests that made some of them.

use crate::{
    id::TenantId, ports::error::StoreError, snapshot::news::News, time::Timestamp,
    verification::idempotency::Once,
};
use async_trait::async_trait;

/// The numbered changes, and the Idempotency-Keys of requests that made some of them.
#[async_trait]
pub trait Changes: Send + Sync {
    /// The changes since the one with the number `after`; `None` if there are none.
    async fn news(&self, after: i64) -> Result<Option<News>, StoreError>;

    /// Deletes the list of changes before this time. A node that has not read them reads the whole directory
    /// again.
    async fn forget_changes(&self, before: Timestamp) -> Result<(), StoreError>;

    /// The hash of the request that used this Idempotency-Key after `since`.
    async fn answered(
        &self,
        tenant: TenantId,
        once: &Once,
        since: Timestamp,
    ) -> Result<Option<[u8; 16]>, StoreError>;

    /// Deletes the Idempotency-Keys of requests before this time.
    async fn forget_answered(&self, before: Timestamp) -> Result<(), StoreError>;
}
