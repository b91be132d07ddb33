//! Profiles.

use crate::{
    access::change::Change,
    id::{ProfileId, TenantId},
    ports::error::StoreError,
    tenant::profile::{Profile, ProfileName},
};
use async_trait::async_trait;

/// Profiles.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// A profile by name.
    async fn profile(&self, tenant: TenantId, name: &ProfileName) -> Result<Option<Profile>, StoreError>;

    /// The profiles of the tenant, by name.
    async fn list_profiles(&self, tenant: TenantId) -> Result<Vec<Profile>, StoreError>;

    /// Makes the profile. `Conflict` if its name or its id is taken.
    async fn create_profile(&self, profile: &Profile, by: &Change) -> Result<(), StoreError>;

    /// Gives a profile all that can change of `new`. `Conflict` unless it still
    /// is as `old`.
    async fn replace_profile(&self, old: &Profile, new: &Profile, by: &Change) -> Result<(), StoreError>;

    /// Deletes a profile; whether there was one.
    async fn delete_profile(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        by: &Change,
    ) -> Result<bool, StoreError>;
}
