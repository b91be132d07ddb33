//! Profiles.

use crate::{
    access::change::Change,
    id::{ProfileId, TenantId},
    ports::error::StoreError,
    tenant::profile::{Profile, ProfileName},
};
use async_trait::async_trait;

#[async_trait]
pub trait Profiles: Send + Sync {
    /// A profile by name.
    async fn profile(&self, tenant: TenantId, name: &ProfileName) -> Result<Option<Profile>, StoreError>;

    /// The profiles of the tenant, sorted by name.
    async fn list_profiles(&self, tenant: TenantId) -> Result<Vec<Profile>, StoreError>;

    /// Creates the profile. Returns `Conflict` if its name or its id is taken.
    async fn create_profile(&self, profile: &Profile, by: &Change) -> Result<(), StoreError>;

    /// Replaces everything that can change of a profile by `new`. Returns `Conflict` unless it is still equal
    /// to `old`.
    async fn replace_profile(&self, old: &Profile, new: &Profile, by: &Change) -> Result<(), StoreError>;

    /// Deletes a profile. Returns whether it existed.
    async fn delete_profile(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        by: &Change,
    ) -> Result<bool, StoreError>;
}
