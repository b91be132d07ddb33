//! Tenants, keys and profiles in SQL, and the nodes that serve them.
//!
//! Each write is one batch that begins by taking the next number from
//! `change_head`: its row lock puts the writers in line, so the order of the
//! numbers is the order of the commits, and none is missing. (A sequence gives
//! a later number to a transaction that commits first, and a reader that has
//! passed it never comes back.) Only the time of last use is no change.

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
mod tenant;
mod told;
mod usage;

use crate::sql::{Sql, Statement};
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

/// Every statement of the directory; tests run each one on both engines.
pub const STATEMENTS: &[&Statement] = &[
    &change::TAKE_NUMBER,
    &change::NOTE_CHANGE,
    &change::READ_HEAD,
    &basis::UNCHANGED_ALL,
    &key::COUNT_KEYS,
    &profile::COUNT_PROFILES,
    &setting::COUNT_LIMITS,
    &review::COUNT_REVIEW_NUMBERS,
    &resource::COUNT_RESOURCES,
    &tenant::INSERT_TENANT,
    &tenant::SELECT_TENANT,
    &tenant::LIST_TENANTS,
    &tenant::UPDATE_TENANT,
    &profile::INSERT_PROFILE,
    &profile::SELECT_PROFILE,
    &profile::LIST_PROFILES,
    &profile::REPLACE_PROFILE,
    &key::SELECT_PRESENTED_KEY,
    &key::INSERT_KEY,
    &key::SELECT_KEY,
    &key::LIST_KEYS,
    &key::UPDATE_KEY,
    &key::TOUCH_KEY,
    &key::RETIRE_KEY,
    &key::DELETE_KEY,
    &profile::DELETE_PROFILE,
    &resource::INSERT_RESOURCE,
    &resource::LIST_RESOURCES,
    &resource::ALL_RESOURCES,
    &resource::UPDATE_RESOURCE,
    &basis::UNCHANGED_KIND,
    &basis::UNCHANGED_ONE,
    &resource::DELETE_RESOURCE,
    &review::INSERT_REVIEW_NUMBER,
    &review::LIST_REVIEW_NUMBERS,
    &review::ALL_REVIEW_NUMBERS,
    &review::DELETE_REVIEW_NUMBER,
    &review::DELETE_ENDED_REVIEW_NUMBER,
    &usage::NOTE_USE,
    &usage::LIST_USES,
    &usage::LIST_USES_OF_KEY,
    &answer::NOTE_ANSWER,
    &answer::SELECT_ANSWER,
    &setting::SAVE_SETTING,
    &setting::SELECT_SETTINGS,
    &news::ALL_SETTINGS,
    &setting::DELETE_SETTING,
    &news::READ_CHANGES,
    &news::ALL_KEYS,
    &news::ALL_PROFILES,
    &news::FORGET_CHANGES,
    &node::NOTE_NODE,
    &node::LIST_NODES,
    &node::DELETE_DEAD_NODES,
    &node::FORGET_NODE,
    &usage::TRIM_USES,
    &usage::FORGET_USES,
    &answer::DROP_OLD_ANSWER,
    &answer::FORGET_ANSWERS,
    &erasure::LIST_DELETED,
    &erasure::BEGIN_ERASURE,
    &erasure::IS_ERASING,
    &erasure::ERASE_KEYS,
    &erasure::ERASE_PROFILES,
    &erasure::ERASE_RESOURCES,
    &erasure::ERASE_REVIEW_NUMBERS,
    &erasure::ERASE_SETTINGS,
    &erasure::ERASE_ANSWERS,
    &erasure::ERASE_USES,
    &erasure::ERASE_TENANT,
];

/// The directory on a database of either engine.
#[derive(Clone)]
pub struct SqlDirectory {
    sql: Sql,
}

impl SqlDirectory {
    /// The directory in this database, whose schema must be up to date.
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

#[cfg(test)]
mod tests {
    use super::STATEMENTS;
    use crate::sql::rules;

    #[test]
    fn statements_keep_to_the_shared_dialect() {
        let broken: Vec<_> = STATEMENTS.iter().filter_map(|one| rules::check(one).err()).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }

    #[test]
    fn every_statement_is_in_the_list() {
        let sources = [
            include_str!("directory/answer.rs"),
            include_str!("directory/basis.rs"),
            include_str!("directory/change.rs"),
            include_str!("directory/erasure.rs"),
            include_str!("directory/key.rs"),
            include_str!("directory/news.rs"),
            include_str!("directory/node.rs"),
            include_str!("directory/profile.rs"),
            include_str!("directory/resource.rs"),
            include_str!("directory/review.rs"),
            include_str!("directory/setting.rs"),
            include_str!("directory/tenant.rs"),
            include_str!("directory/told.rs"),
            include_str!("directory/usage.rs"),
        ];
        let written: usize = sources.iter().map(|source| source.matches(": Statement =").count()).sum();
        assert_eq!(written, STATEMENTS.len());
        let mut texts: Vec<_> = STATEMENTS.iter().map(|statement| statement.text).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), STATEMENTS.len(), "a statement stands twice in the list");
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/directory")).unwrap();
        assert_eq!(folder.count(), sources.len(), "a file of the folder is not counted");
    }
}
