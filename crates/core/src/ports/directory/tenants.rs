//! Tenants and their end.

use crate::{
    access::change::Change,
    id::TenantId,
    phone::countries::Countries,
    ports::error::StoreError,
    tenant::{Tenant, TenantChange, profile::Profile},
    time::Timestamp,
};
use async_trait::async_trait;

/// Tenants, to the last row of one that was deleted.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// Makes a tenant with its `default` profile and its country list. `Conflict` if the id exists.
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        profile: &Profile,
        countries: &Countries,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// A tenant.
    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// Tenants by id, those after `after`.
    async fn list_tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>, StoreError>;

    /// Changes a tenant and gives it as it is then; one that cannot be changed so is as it
    /// was. `None` if there is none, or it is the operator's own.
    async fn update_tenant(
        &self,
        tenant: TenantId,
        change: &TenantChange,
        by: &Change,
    ) -> Result<Option<Tenant>, StoreError>;

    /// Tenants that were deleted up to then, those whose erasure has begun among them.
    async fn list_deleted_tenants(&self, until: Timestamp, limit: u16) -> Result<Vec<Tenant>, StoreError>;

    /// Begins the erasure of a tenant that was deleted up to then; from then on it cannot be
    /// enabled. Whether it may be erased: not if it was enabled meanwhile.
    async fn begin_erasure(
        &self,
        tenant: TenantId,
        until: Timestamp,
        by: &Change,
    ) -> Result<bool, StoreError>;

    /// Deletes up to `limit` rows of each kind of a tenant whose erasure has begun; the
    /// tenant itself once nothing else is left. Whether that is done.
    async fn erase_tenant(&self, tenant: TenantId, limit: u16, by: &Change) -> Result<bool, StoreError>;
}
