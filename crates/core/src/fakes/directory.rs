//! The traits of a directory that a test does not use.

use super::not_asked;
use crate::{
    access::{
        change::Change,
        key::Key,
        usage::{AddressUse, UsePage},
    },
    audit::{
        chain::Head,
        entry::{Draft, Entry},
    },
    fakes::people::{WithoutInvitations, WithoutMembers, WithoutPeople},
    id::{KeyId, ProfileId, ReviewNumberId, TenantId},
    people::notice::SealedNotice,
    phone::countries::Countries,
    ports::{
        directory::{
            audit::{AuditFilter, AuditLog, HeadPage},
            changes::Changes,
            keys::{Judged, KeyChange, Keys, Rotation},
            members::Acting,
            profiles::Profiles,
            resources::Resources,
            reviews::Reviews,
            settings as port,
            tenants::Tenants,
            uses::Uses,
        },
        error::StoreError,
    },
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

/// A store whose test never uses its [`Tenants`].
pub trait WithoutTenants: Send + Sync {}

#[async_trait]
impl<T: WithoutTenants> Tenants for T {
    async fn create_tenant(
        &self,
        _: &Tenant,
        _: &Profile,
        _: &Countries,
        _: Option<&Once>,
        _: &Change,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn tenant(&self, _: TenantId) -> Result<Option<Tenant>, StoreError> {
        not_asked()
    }

    async fn list_tenants(&self, _: Option<TenantId>, _: u16) -> Result<Vec<Tenant>, StoreError> {
        not_asked()
    }

    async fn update_tenant(
        &self,
        _: TenantId,
        _: &TenantChange,
        _: &Change,
    ) -> Result<Option<Tenant>, StoreError> {
        not_asked()
    }

    async fn list_deleted_tenants(&self, _: Timestamp, _: u16) -> Result<Vec<Tenant>, StoreError> {
        not_asked()
    }

    async fn begin_erasure(&self, _: TenantId, _: Timestamp, _: &Change) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn erase_tenant(&self, _: TenantId, _: u16, _: &Change) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn mark_demo(&self, _: Timestamp) -> Result<(), StoreError> {
        not_asked()
    }

    async fn is_demo(&self) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn unmark_demo(&self, _: &Change) -> Result<(), StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Keys`].
pub trait WithoutKeys: Send + Sync {}

#[async_trait]
impl<T: WithoutKeys> Keys for T {
    async fn presented_key(&self, _: KeyId) -> Result<Option<Key>, StoreError> {
        not_asked()
    }

    async fn create_key(
        &self,
        _: &Key,
        _: Option<(TenantId, &Once)>,
        _: Option<Acting>,
        _: &[SealedNotice],
        _: &Change,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn rotate_key(
        &self,
        _: &Rotation,
        _: Option<&Once>,
        _: Option<Judged>,
        _: &Change,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn key(&self, _: TenantId, _: KeyId) -> Result<Option<Key>, StoreError> {
        not_asked()
    }

    async fn list_keys(&self, _: TenantId, _: Option<KeyId>, _: u16) -> Result<Vec<Key>, StoreError> {
        not_asked()
    }

    async fn update_key(
        &self,
        _: TenantId,
        _: KeyId,
        _: KeyChange,
        _: Option<Judged>,
        _: &Change,
    ) -> Result<Option<Key>, StoreError> {
        not_asked()
    }

    async fn delete_key(
        &self,
        _: TenantId,
        _: KeyId,
        _: Option<Judged>,
        _: &Change,
    ) -> Result<bool, StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`AuditLog`].
pub trait WithoutAudit: Send + Sync {}

#[async_trait]
impl<T: WithoutAudit> AuditLog for T {
    async fn append(&self, _: TenantId, _: &Draft, _: &Change) -> Result<(), StoreError> {
        not_asked()
    }

    async fn list_audit(
        &self,
        _: TenantId,
        _: &AuditFilter,
        _: Option<i64>,
        _: u16,
    ) -> Result<Vec<Entry>, StoreError> {
        not_asked()
    }

    async fn read_chain(&self, _: TenantId, _: i64, _: u16) -> Result<Vec<Entry>, StoreError> {
        not_asked()
    }

    async fn chain_head(&self, _: TenantId) -> Result<Option<Head>, StoreError> {
        not_asked()
    }

    async fn chain_anchor(&self, _: TenantId) -> Result<Option<Head>, StoreError> {
        not_asked()
    }

    async fn list_chain_heads(&self, _: &str, _: u16) -> Result<HeadPage, StoreError> {
        not_asked()
    }

    async fn next_chain(&self, _: &str) -> Result<Option<String>, StoreError> {
        not_asked()
    }

    async fn number_before(&self, _: TenantId, _: Timestamp) -> Result<i64, StoreError> {
        not_asked()
    }

    async fn begin_chain(&self, _: TenantId, _: &Change) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn list_headless(&self, _: Option<TenantId>, _: u16) -> Result<Vec<TenantId>, StoreError> {
        not_asked()
    }

    async fn forget_audit(&self, _: &Head, _: &Change) -> Result<u64, StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Uses`].
pub trait WithoutUses: Send + Sync {}

#[async_trait]
impl<T: WithoutUses> Uses for T {
    async fn touch_keys(&self, _: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError> {
        not_asked()
    }

    async fn note_address_uses(&self, _: &[AddressUse]) -> Result<(), StoreError> {
        not_asked()
    }

    async fn list_address_uses(&self, _: TenantId, _: UsePage) -> Result<Vec<AddressUse>, StoreError> {
        not_asked()
    }

    async fn forget_address_uses(&self, _: Timestamp) -> Result<(), StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Profiles`].
pub trait WithoutProfiles: Send + Sync {}

#[async_trait]
impl<T: WithoutProfiles> Profiles for T {
    async fn profile(&self, _: TenantId, _: &ProfileName) -> Result<Option<Profile>, StoreError> {
        not_asked()
    }

    async fn list_profiles(&self, _: TenantId) -> Result<Vec<Profile>, StoreError> {
        not_asked()
    }

    async fn create_profile(&self, _: &Profile, _: &Change) -> Result<(), StoreError> {
        not_asked()
    }

    async fn replace_profile(&self, _: &Profile, _: &Profile, _: &Change) -> Result<(), StoreError> {
        not_asked()
    }

    async fn delete_profile(&self, _: TenantId, _: ProfileId, _: &Change) -> Result<bool, StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Settings`](port::Settings).
pub trait WithoutSettings: Send + Sync {}

#[async_trait]
impl<T: WithoutSettings> port::Settings for T {
    async fn settings(&self, _: TenantId) -> Result<Settings, StoreError> {
        not_asked()
    }

    async fn save_setting(&self, _: TenantId, _: &Setting, _: &Change) -> Result<(), StoreError> {
        not_asked()
    }

    async fn replace_setting(
        &self,
        _: TenantId,
        _: &Setting,
        _: &Setting,
        _: &Change,
    ) -> Result<(), StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Reviews`].
pub trait WithoutReviews: Send + Sync {}

#[async_trait]
impl<T: WithoutReviews> Reviews for T {
    async fn create_review_number(
        &self,
        _: &ReviewNumber,
        _: Option<&Once>,
        _: &Change,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn list_review_numbers(&self, _: TenantId) -> Result<Vec<ReviewNumber>, StoreError> {
        not_asked()
    }

    async fn delete_review_number(
        &self,
        _: TenantId,
        _: ReviewNumberId,
        _: &Change,
    ) -> Result<bool, StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Resources`].
pub trait WithoutResources: Send + Sync {}

#[async_trait]
impl<T: WithoutResources> Resources for T {
    async fn create_resource(
        &self,
        _: &Resource,
        _: &[Basis],
        _: Option<&Once>,
        _: &Change,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn list_resources(&self, _: TenantId) -> Result<Vec<Resource>, StoreError> {
        not_asked()
    }

    async fn update_resource(&self, _: &Resource, _: &[Basis], _: &Change) -> Result<(), StoreError> {
        not_asked()
    }

    async fn reseal_resource(&self, _: &Resource, _: &Change) -> Result<(), StoreError> {
        not_asked()
    }

    async fn delete_resource(
        &self,
        _: TenantId,
        _: (ResourceKind, [u8; 16]),
        _: &[Basis],
        _: &Change,
    ) -> Result<bool, StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Changes`].
pub trait WithoutChanges: Send + Sync {}

#[async_trait]
impl<T: WithoutChanges> Changes for T {
    async fn news(&self, _: i64) -> Result<Option<News>, StoreError> {
        not_asked()
    }

    async fn forget_changes(&self, _: Timestamp) -> Result<(), StoreError> {
        not_asked()
    }

    async fn answered(&self, _: TenantId, _: &Once, _: Timestamp) -> Result<Option<[u8; 16]>, StoreError> {
        not_asked()
    }

    async fn forget_answered(&self, _: Timestamp) -> Result<(), StoreError> {
        not_asked()
    }
}

/// A directory that the test never uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDirectory;

impl WithoutTenants for NoDirectory {}
impl WithoutKeys for NoDirectory {}
impl WithoutUses for NoDirectory {}
impl WithoutAudit for NoDirectory {}
impl WithoutPeople for NoDirectory {}
impl WithoutMembers for NoDirectory {}
impl WithoutInvitations for NoDirectory {}
impl WithoutProfiles for NoDirectory {}
impl WithoutSettings for NoDirectory {}
impl WithoutReviews for NoDirectory {}
impl WithoutResources for NoDirectory {}
impl WithoutChanges for NoDirectory {}
