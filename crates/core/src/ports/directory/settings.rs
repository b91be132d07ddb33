//! What a tenant sets for all its profiles.

use crate::{
    access::change::Change,
    id::TenantId,
    ports::error::StoreError,
    tenant::settings::{self, Setting},
};
use async_trait::async_trait;

/// What a tenant sets for all its profiles.
#[async_trait]
pub trait Settings: Send + Sync {
    /// Everything that the tenant has set.
    async fn settings(&self, tenant: TenantId) -> Result<settings::Settings, StoreError>;

    /// Sets, or unsets, one thing of the tenant. `Conflict` if a limit with a name of its
    /// own is unset that is not there.
    async fn save_setting(&self, tenant: TenantId, setting: &Setting, by: &Change) -> Result<(), StoreError>;
}
