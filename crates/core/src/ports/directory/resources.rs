//! Providers, senders, routes, templates and webhooks.

use crate::{
    access::change::Change,
    id::TenantId,
    ports::error::StoreError,
    tenant::resource::{Basis, Resource, ResourceKind},
    verification::idempotency::Once,
};
use async_trait::async_trait;

/// Resources: providers, senders, routes, templates and webhooks.
#[async_trait]
pub trait Resources: Send + Sync {
    /// Makes a resource. `Conflict` if its id or name is taken, or the Idempotency-Key was
    /// used; `Moved` unless what the caller decided by is as it was read.
    async fn create_resource(
        &self,
        resource: &Resource,
        basis: &[Basis],
        once: Option<&Once>,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// All resources of the tenant, oldest first.
    async fn list_resources(&self, tenant: TenantId) -> Result<Vec<Resource>, StoreError>;

    /// Replaces what a resource says. `Conflict` unless its version was the one
    /// before, or if its new name is taken; `Moved` unless what the caller decided by is as
    /// it was read.
    async fn update_resource(
        &self,
        resource: &Resource,
        basis: &[Basis],
        by: &Change,
    ) -> Result<(), StoreError>;

    /// Deletes a resource; whether there was one. `Moved` unless what the caller decided by
    /// is as it was read.
    async fn delete_resource(
        &self,
        tenant: TenantId,
        (kind, id): (ResourceKind, [u8; 16]),
        basis: &[Basis],
        by: &Change,
    ) -> Result<bool, StoreError>;
}
