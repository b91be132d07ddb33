//! Tenants, keys and profiles in SQL, and the nodes that serve them.
//!
//! Each write is one batch. It begins by taking the next number from `change_head`. The lock on that row
//! makes the writers wait for each other, so the numbers have the order of the commits and none is missing.
//! (A sequence could give a later number to a transaction that commits first, and a reader that has passed
//! this number would miss the earlier change.) Only an update of the time of last use takes no number.

mod answer;
mod basis;
mod change;
mod erasure;
mod key;
mod news;
mod node;
mod profile;
mod resource;
mod review;
mod setting;
mod statements;
mod tenant;
mod told;
mod usage;

pub use statements::STATEMENTS;

use crate::sql::Sql;
use async_trait::async_trait;
use countersign_core::{
    access::{
        key::Key,
        usage::{AddressUse, UsePage},
    },
    id::{KeyId, NodeId, ProfileId, ReviewNumberId, TenantId},
    phone::countries::Countries,
    ports::{
        directory::{Directory, KeyChange, Rotation},
        error::StoreError,
        nodes::{Node, Nodes},
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

/// The directory in a database of either engine.
#[derive(Clone)]
pub struct SqlDirectory {
    sql: Sql,
}

impl SqlDirectory {
    /// Uses this database, whose schema must be up to date.
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}

#[async_trait]
impl Directory for SqlDirectory {
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        profile: &Profile,
        countries: &Countries,
    ) -> Result<(), StoreError> {
        tenant::create_tenant(&self.sql, tenant, profile, countries).await
    }

    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
        tenant::tenant(&self.sql, tenant).await
    }

    async fn list_tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>, StoreError> {
        tenant::list_tenants(&self.sql, after, limit).await
    }

    async fn update_tenant(
        &self,
        tenant: TenantId,
        change: &TenantChange,
        now: Timestamp,
    ) -> Result<Option<Tenant>, StoreError> {
        tenant::update_tenant(&self.sql, tenant, change, now).await
    }

    async fn list_deleted_tenants(&self, until: Timestamp, limit: u16) -> Result<Vec<Tenant>, StoreError> {
        erasure::list_deleted(&self.sql, until, limit).await
    }

    async fn begin_erasure(
        &self,
        tenant: TenantId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        erasure::begin(&self.sql, tenant, until, now).await
    }

    async fn erase_tenant(&self, tenant: TenantId, limit: u16, now: Timestamp) -> Result<bool, StoreError> {
        erasure::erase(&self.sql, tenant, limit, now).await
    }

    async fn presented_key(&self, key: KeyId) -> Result<Option<Key>, StoreError> {
        key::presented_key(&self.sql, key).await
    }

    async fn create_key(&self, key: &Key, once: Option<&Once>) -> Result<(), StoreError> {
        key::create_key(&self.sql, key, once).await
    }

    async fn rotate_key(&self, rotation: &Rotation, once: Option<&Once>) -> Result<(), StoreError> {
        key::rotate_key(&self.sql, rotation, once).await
    }

    async fn answered(
        &self,
        tenant: TenantId,
        once: &Once,
        since: Timestamp,
    ) -> Result<Option<[u8; 16]>, StoreError> {
        answer::answered(&self.sql, tenant, once, since).await
    }

    async fn forget_answered(&self, before: Timestamp) -> Result<(), StoreError> {
        answer::forget_answered(&self.sql, before).await
    }

    async fn key(&self, tenant: TenantId, key: KeyId) -> Result<Option<Key>, StoreError> {
        key::key(&self.sql, tenant, key).await
    }

    async fn list_keys(
        &self,
        tenant: TenantId,
        before: Option<KeyId>,
        limit: u16,
    ) -> Result<Vec<Key>, StoreError> {
        key::list_keys(&self.sql, tenant, before, limit).await
    }

    async fn update_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        change: KeyChange,
        now: Timestamp,
    ) -> Result<Option<Key>, StoreError> {
        key::update_key(&self.sql, tenant, key, &change, now).await
    }

    async fn delete_key(&self, tenant: TenantId, key: KeyId, now: Timestamp) -> Result<bool, StoreError> {
        key::delete_key(&self.sql, tenant, key, now).await
    }

    async fn touch_keys(&self, uses: &[(TenantId, KeyId, Timestamp)]) -> Result<(), StoreError> {
        key::touch_keys(&self.sql, uses).await
    }

    async fn note_address_uses(&self, uses: &[AddressUse]) -> Result<(), StoreError> {
        usage::note_address_uses(&self.sql, uses).await
    }

    async fn list_address_uses(
        &self,
        tenant: TenantId,
        page: UsePage,
    ) -> Result<Vec<AddressUse>, StoreError> {
        usage::list_address_uses(&self.sql, tenant, page).await
    }

    async fn forget_address_uses(&self, before: Timestamp) -> Result<(), StoreError> {
        usage::forget_address_uses(&self.sql, before).await
    }

    async fn profile(&self, tenant: TenantId, name: &ProfileName) -> Result<Option<Profile>, StoreError> {
        profile::profile(&self.sql, tenant, name).await
    }

    async fn list_profiles(&self, tenant: TenantId) -> Result<Vec<Profile>, StoreError> {
        profile::list_profiles(&self.sql, tenant).await
    }

    async fn create_profile(&self, profile: &Profile, now: Timestamp) -> Result<(), StoreError> {
        profile::create_profile(&self.sql, profile, now).await
    }

    async fn replace_profile(&self, old: &Profile, new: &Profile, now: Timestamp) -> Result<(), StoreError> {
        profile::replace_profile(&self.sql, old, new, now).await
    }

    async fn settings(&self, tenant: TenantId) -> Result<Settings, StoreError> {
        setting::settings(&self.sql, tenant).await
    }

    async fn delete_profile(
        &self,
        tenant: TenantId,
        profile: ProfileId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        profile::delete_profile(&self.sql, tenant, profile, now).await
    }

    async fn create_review_number(
        &self,
        review: &ReviewNumber,
        once: Option<&Once>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        review::create_review_number(&self.sql, review, once, now).await
    }

    async fn list_review_numbers(&self, tenant: TenantId) -> Result<Vec<ReviewNumber>, StoreError> {
        review::list_review_numbers(&self.sql, tenant).await
    }

    async fn delete_review_number(
        &self,
        tenant: TenantId,
        id: ReviewNumberId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        review::delete_review_number(&self.sql, tenant, id, now).await
    }

    async fn create_resource(
        &self,
        resource: &Resource,
        basis: &[Basis],
        once: Option<&Once>,
    ) -> Result<(), StoreError> {
        resource::create_resource(&self.sql, resource, basis, once).await
    }

    async fn list_resources(&self, tenant: TenantId) -> Result<Vec<Resource>, StoreError> {
        resource::list_resources(&self.sql, tenant).await
    }

    async fn update_resource(&self, resource: &Resource, basis: &[Basis]) -> Result<(), StoreError> {
        resource::update_resource(&self.sql, resource, basis).await
    }

    async fn delete_resource(
        &self,
        tenant: TenantId,
        (kind, id): (ResourceKind, [u8; 16]),
        basis: &[Basis],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        resource::delete_resource(&self.sql, tenant, (kind, id), basis, now).await
    }

    async fn save_setting(
        &self,
        tenant: TenantId,
        setting: &Setting,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        setting::save_setting(&self.sql, tenant, setting, now).await
    }

    async fn news(&self, after: i64) -> Result<Option<News>, StoreError> {
        news::news(&self.sql, after).await
    }

    async fn forget_changes(&self, before: Timestamp) -> Result<(), StoreError> {
        news::forget_changes(&self.sql, before).await
    }
}

#[async_trait]
impl Nodes for SqlDirectory {
    async fn note_node(&self, node: &Node) -> Result<(), StoreError> {
        node::note_node(&self.sql, node).await
    }

    async fn list_nodes(&self, now: Timestamp) -> Result<Vec<Node>, StoreError> {
        node::list_nodes(&self.sql, now).await
    }

    async fn forget_node(&self, node: NodeId) -> Result<(), StoreError> {
        node::forget_node(&self.sql, node).await
    }
}
