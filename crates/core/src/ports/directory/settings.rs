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

    /// Stores or resets a setting that the caller read as `was`. Returns `Moved` if the stored form of `was` is
    /// another. A value with parts that only a newer release knows has another form, so this release never drops
    /// such parts.
    async fn replace_setting(
        &self,
        tenant: TenantId,
        was: &Setting,
        setting: &Setting,
        by: &Change,
    ) -> Result<(), StoreError>;
}
