//! When and from where keys are used.

use crate::{
    access::usage::{AddressUse, UsePage},
    id::{KeyId, TenantId},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

/// When and from where keys were used. These are notes, not changes of the directory.
#[async_trait]
pub trait Uses: Send + Sync {
    /// Notes when keys were last accepted; older times change nothing.
    async fn touch_keys(&self, uses: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError>;

    /// Adds uses to those that are kept, and forgets the addresses of a key
    /// beyond [`MOST_ADDRESSES`](crate::access::usage::MOST_ADDRESSES).
    async fn note_address_uses(&self, uses: &[AddressUse]) -> Result<(), StoreError>;

    /// The uses of the tenant's keys, newest first.
    async fn list_address_uses(&self, tenant: TenantId, page: UsePage)
    -> Result<Vec<AddressUse>, StoreError>;

    /// Forgets addresses that were last used before then.
    async fn forget_address_uses(&self, before: Timestamp) -> Result<(), StoreError>;
}
