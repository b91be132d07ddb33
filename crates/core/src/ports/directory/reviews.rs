//! Review numbers.

use crate::{
    access::change::Change,
    id::{ReviewNumberId, TenantId},
    ports::error::StoreError,
    tenant::review::ReviewNumber,
    verification::idempotency::Once,
};
use async_trait::async_trait;

#[async_trait]
pub trait Reviews: Send + Sync {
    /// Creates a review number. Returns `Conflict` if the phone number already is one, or if the
    /// Idempotency-Key was used.
    async fn create_review_number(
        &self,
        review: &ReviewNumber,
        once: Option<&Once>,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// The review numbers of the tenant, oldest first.
    async fn list_review_numbers(&self, tenant: TenantId) -> Result<Vec<ReviewNumber>, StoreError>;

    /// Deletes a review number. Returns whether it existed.
    async fn delete_review_number(
        &self,
        tenant: TenantId,
        id: ReviewNumberId,
        by: &Change,
    ) -> Result<bool, StoreError>;
}
