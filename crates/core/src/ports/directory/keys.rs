//! API keys.

use crate::{
    access::{allowlist::Allowlist, change::Change, key::Key},
    id::{KeyId, TenantId},
    ports::error::StoreError,
    time::Timestamp,
    verification::idempotency::Once,
};
use async_trait::async_trait;

/// The part of a key that its owner may change. Each `None` leaves the value as it is.
#[derive(Clone, Debug, Default)]
pub struct KeyChange {
    /// A new name.
    pub name: Option<String>,
    /// Disable or enable.
    pub disabled: Option<bool>,
    /// A new expiry, or none at all.
    pub expires_at: Option<Option<Timestamp>>,
    /// Other addresses that it may be used from.
    pub allowlist: Option<Allowlist>,
}

/// One key takes the place of another.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The new key.
    pub new: Key,
    /// The key of the same tenant that it replaces.
    pub old: KeyId,
    /// The version of the old key from which the new one was made.
    pub version: i64,
    /// When the old key ends.
    pub ends_at: Timestamp,
}

/// API keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The key that a caller presents, of whatever tenant.
    async fn presented_key(&self, key: KeyId) -> Result<Option<Key>, StoreError>;

    /// Makes a key. `Conflict` if the id exists, or the Idempotency-Key was used.
    async fn create_key(&self, key: &Key, once: Option<&Once>, by: &Change) -> Result<(), StoreError>;

    /// Makes the new key and ends the old one. `Conflict` if the old one is not
    /// as it was read, the id exists, or the Idempotency-Key was used.
    async fn rotate_key(
        &self,
        rotation: &Rotation,
        once: Option<&Once>,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// A key of the tenant.
    async fn key(&self, tenant: TenantId, key: KeyId) -> Result<Option<Key>, StoreError>;

    /// Keys of the tenant, newest first, those before `before`.
    async fn list_keys(
        &self,
        tenant: TenantId,
        before: Option<KeyId>,
        limit: u16,
    ) -> Result<Vec<Key>, StoreError>;

    /// Changes a key and gives it as it is then.
    async fn update_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        change: KeyChange,
        by: &Change,
    ) -> Result<Option<Key>, StoreError>;

    /// Deletes a key; whether there was one.
    async fn delete_key(&self, tenant: TenantId, key: KeyId, by: &Change) -> Result<bool, StoreError>;
}
