//! Tenants and their erasure.

use crate::{
    access::change::Change,
    id::TenantId,
    phone::countries::Countries,
    ports::error::StoreError,
    tenant::{Tenant, TenantChange, profile::Profile},
    time::Timestamp,
    verification::idempotency::Once,
};
use async_trait::async_trait;

/// Tenants, from their creation to the deletion of their last row.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// Creates a tenant with its `default` profile and its country list. Returns `Conflict` if the id exists,
    /// or if the operator's tenant used the Idempotency-Key.
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        profile: &Profile,
        countries: &Countries,
        once: Option<&Once>,
        by: &Change,
    ) -> Result<(), StoreError>;

    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// The tenants after `after`, sorted by id.
    async fn list_tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>, StoreError>;

    /// Changes a tenant and returns its new state; if the change is impossible, returns the present state.
    /// Returns `None` if the tenant does not exist, or is the operator's own.
    async fn update_tenant(
        &self,
        tenant: TenantId,
        change: &TenantChange,
        by: &Change,
    ) -> Result<Option<Tenant>, StoreError>;

    /// The tenants that were deleted at this time or earlier, including those whose erasure has begun.
    async fn list_deleted_tenants(&self, until: Timestamp, limit: u16) -> Result<Vec<Tenant>, StoreError>;

    /// Begins the erasure of a tenant that was deleted at this time or earlier. From then on the tenant
    /// cannot be enabled. Returns false if it was enabled in the meantime.
    async fn begin_erasure(
        &self,
        tenant: TenantId,
        until: Timestamp,
        by: &Change,
    ) -> Result<bool, StoreError>;

    /// Deletes up to `limit` rows of each kind, of a tenant whose erasure has begun, and at last the tenant
    /// itself. Returns whether nothing is left.
    async fn erase_tenant(&self, tenant: TenantId, limit: u16, by: &Change) -> Result<bool, StoreError>;

    /// Marks the directory as one of `dev`, whose keys are printed on screens. `serve` refuses it.
    async fn mark_demo(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Whether the directory is marked as one of `dev`.
    async fn is_demo(&self) -> Result<bool, StoreError>;

    /// Removes the mark, with an entry in the operator's chain. Does nothing without a mark.
    async fn unmark_demo(&self, by: &Change) -> Result<(), StoreError>;
}
