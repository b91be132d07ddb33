//! The directory. Each method is one atomic act: one transaction.

use crate::{
    access::{
        allowlist::Allowlist,
        key::Key,
        usage::{AddressUse, UsePage},
    },
    id::{KeyId, ProfileId, ReviewNumberId, TenantId},
    phone::countries::Countries,
    ports::error::StoreError,
    snapshot::news::News,
    tenant::{
        Tenant, TenantChange,
        profile::{Profile, ProfileName},
        resource::{Basis, Resource, ResourceKind},
        review::ReviewNumber,
        settings::{Setting, Settings},
    },
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

/// Tenants, keys, profiles and settings. Every write also notes its change in `changes`.
///
/// A method that a store does not have answers `Unavailable`; the contract
/// suite holds the real ones to all of them.
#[async_trait]
#[expect(unused_variables, reason = "the parameters of methods that a test's store leaves out")]
pub trait Directory: Send + Sync {
    /// Makes a tenant with its `default` profile and its country list. `Conflict` if the id exists.
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        profile: &Profile,
        countries: &Countries,
    ) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// A tenant.
    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Tenants by id, those after `after`.
    async fn list_tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Changes a tenant and gives it as it is then; one that cannot be changed so is as it
    /// was. `None` if there is none, or it is the operator's own.
    async fn update_tenant(
        &self,
        tenant: TenantId,
        change: &TenantChange,
        now: Timestamp,
    ) -> Result<Option<Tenant>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Tenants that were deleted up to then, those whose erasure has begun among them.
    async fn list_deleted_tenants(&self, until: Timestamp, limit: u16) -> Result<Vec<Tenant>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Begins the erasure of a tenant that was deleted up to then; from then on it cannot be
    /// enabled. Whether it may be erased: not if it was enabled meanwhile.
    async fn begin_erasure(
        &self,
        tenant: TenantId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes up to `limit` rows of each kind of a tenant whose erasure has begun; the
    /// tenant itself once nothing else is left. Whether that is done.
    async fn erase_tenant(&self, tenant: TenantId, limit: u16, now: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The key that a caller presents, of whatever tenant.
    async fn presented_key(&self, key: KeyId) -> Result<Option<Key>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes a key. `Conflict` if the id exists, or the Idempotency-Key was used.
    async fn create_key(&self, key: &Key, once: Option<&Once>) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes the new key and ends the old one. `Conflict` if the old one is not
    /// as it was read, the id exists, or the Idempotency-Key was used.
    async fn rotate_key(&self, rotation: &Rotation, once: Option<&Once>) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// The MAC of the request that used this Idempotency-Key after `since`.
    async fn answered(
        &self,
        tenant: TenantId,
        once: &Once,
        since: Timestamp,
    ) -> Result<Option<[u8; 16]>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Forgets the Idempotency-Keys of requests from before then.
    async fn forget_answered(&self, before: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// A key of the tenant.
    async fn key(&self, tenant: TenantId, key: KeyId) -> Result<Option<Key>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Keys of the tenant, newest first, those before `before`.
    async fn list_keys(
        &self,
        tenant: TenantId,
        before: Option<KeyId>,
        limit: u16,
    ) -> Result<Vec<Key>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Changes a key and gives it as it is then.
    async fn update_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        change: KeyChange,
        now: Timestamp,
    ) -> Result<Option<Key>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes a key; whether there was one.
    async fn delete_key(&self, tenant: TenantId, key: KeyId, now: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Notes when keys were last accepted; older times change nothing.
    async fn touch_keys(&self, uses: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Adds uses to those that are kept, and forgets the addresses of a key
    /// beyond [`MOST_ADDRESSES`](crate::access::usage::MOST_ADDRESSES).
    async fn note_address_uses(&self, uses: &[AddressUse]) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// The uses of the tenant's keys, newest first.
    async fn list_address_uses(
        &self,
        tenant: TenantId,
        page: UsePage,
    ) -> Result<Vec<AddressUse>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Forgets addresses that were last used before then.
    async fn forget_address_uses(&self, before: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// A profile by name.
    async fn profile(&self, tenant: TenantId, name: &ProfileName) -> Result<Option<Profile>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// The profiles of the tenant, by name.
    async fn list_profiles(&self, tenant: TenantId) -> Result<Vec<Profile>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes the profile. `Conflict` if its name or its id is taken.
    async fn create_profile(&self, profile: &Profile, now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Gives a profile all that can change of `new`. `Conflict` unless it still
    /// is as `old`.
    async fn replace_profile(&self, old: &Profile, new: &Profile, now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Everything that the tenant has set.
    async fn settings(&self, tenant: TenantId) -> Result<Settings, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes a profile; whether there was one.
    async fn delete_profile(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes a review number. `Conflict` if the number is one, or the Idempotency-Key was used.
    async fn create_review_number(
        &self,
        review: &ReviewNumber,
        once: Option<&Once>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// The review numbers of the tenant, oldest first.
    async fn list_review_numbers(&self, tenant: TenantId) -> Result<Vec<ReviewNumber>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes a review number; whether there was one.
    async fn delete_review_number(
        &self,
        tenant: TenantId,
        id: ReviewNumberId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Makes a resource. `Conflict` if its id or name is taken, or the Idempotency-Key was
    /// used; `Moved` unless what the caller decided by is as it was read.
    async fn create_resource(
        &self,
        resource: &Resource,
        basis: &[Basis],
        once: Option<&Once>,
    ) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// All resources of the tenant, oldest first.
    async fn list_resources(&self, tenant: TenantId) -> Result<Vec<Resource>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Replaces what a resource says. `Conflict` unless its version was the one
    /// before, or if its new name is taken; `Moved` unless what the caller decided by is as
    /// it was read.
    async fn update_resource(&self, resource: &Resource, basis: &[Basis]) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// Deletes a resource; whether there was one. `Moved` unless what the caller decided by
    /// is as it was read.
    async fn delete_resource(
        &self,
        tenant: TenantId,
        (kind, id): (ResourceKind, [u8; 16]),
        basis: &[Basis],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Sets, or unsets, one thing of the tenant. `Conflict` if a limit with a name of its
    /// own is unset that is not there.
    async fn save_setting(
        &self,
        tenant: TenantId,
        setting: &Setting,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }

    /// What happened since the change with the number `after`; `None` if nothing did.
    async fn news(&self, after: i64) -> Result<Option<News>, StoreError> {
        Err(StoreError::unsupported())
    }

    /// Forgets changes from before then; whoever has not read them reads everything anew.
    async fn forget_changes(&self, before: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::unsupported())
    }
}
