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
    /// Creates a resource. Returns `Conflict` if its id or name is taken, or if the Idempotency-Key was used;
    /// and `Moved` if the state that the caller decided on has changed.
    async fn create_resource(
        &self,
        resource: &Resource,
        basis: &[Basis],
        once: Option<&Once>,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// All resources of the tenant, oldest first.
    async fn list_resources(&self, tenant: TenantId) -> Result<Vec<Resource>, StoreError>;

    /// Replaces the content of a resource. Returns `Conflict` unless the stored version is the one before, or
    /// if the new name is taken; and `Moved` if the state that the caller decided on has changed.
    async fn update_resource(
        &self,
        resource: &Resource,
        basis: &[Basis],
        by: &Change,
    ) -> Result<(), StoreError>;

    /// Replaces the sealed content of a resource by the same content under another key. Nothing else changes,
    /// so it has no entry in the audit log. Returns `Conflict` unless the stored version is the one before.
    async fn reseal_resource(&self, resource: &Resource, by: &Change) -> Result<(), StoreError>;

    /// Deletes a resource. Returns whether it existed; and `Moved` if the state that the caller decided on
    /// has changed.
    async fn delete_resource(
        &self,
        tenant: TenantId,
        (kind, id): (ResourceKind, [u8; 16]),
        basis: &[Basis],
        by: &Change,
    ) -> Result<bool, StoreError>;
}
