//! The settings of a tenant, which apply to all its profiles.

use crate::{
    access::change::Change,
    id::TenantId,
    ports::error::StoreError,
    tenant::settings::{self, Setting},
};
use async_trait::async_trait;

/// The settings of a tenant, which apply to all its profiles.
#[async_trait]
pub trait Settings: Send + Sync {
    async fn settings(&self, tenant: TenantId) -> Result<settings::Settings, StoreError>;

    /// Stores or resets one setting of the tenant. Returns `Conflict` when it should reset a limit that the
    /// tenant named and that does not exist.
    async fn save_setting(&self, tenant: TenantId, setting: &Setting, by: &Change) -> Result<(), StoreError>;
}
