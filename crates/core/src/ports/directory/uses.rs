//! The times and addresses of uses of keys.

use crate::{
    access::usage::{AddressUse, UsePage},
    id::{KeyId, TenantId},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

/// The times and addresses of uses of keys. Storing them is not a change of the directory.
#[async_trait]
pub trait Uses: Send + Sync {
    /// Stores when keys were last accepted. An older time than the stored one changes nothing.
    async fn touch_keys(&self, uses: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError>;

    /// Adds uses to the stored ones, and deletes the addresses of a key beyond
    /// [`MOST_ADDRESSES`](crate::access::usage::MOST_ADDRESSES).
    async fn note_address_uses(&self, uses: &[AddressUse]) -> Result<(), StoreError>;

    /// The uses of the tenant's keys, newest first.
    async fn list_address_uses(&self, tenant: TenantId, page: UsePage)
    -> Result<Vec<AddressUse>, StoreError>;

    /// Deletes addresses that were last used before this time.
    async fn forget_address_uses(&self, before: Timestamp) -> Result<(), StoreError>;
}
