//! The audit log.

use crate::{
    access::change::Change,
    audit::{
        chain::Head,
        entry::{Draft, Entry},
    },
    id::TenantId,
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

/// Which entries a list contains. Each `None` admits all.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The author: a key's or a member's id, `operator` or `system`.
    pub actor: Option<String>,
    /// The id or the name of the changed object.
    pub object: Option<String>,
    /// The act, such as `key.create`; or the acts that begin with this word, such as `key`.
    pub action: Option<String>,
    /// Entries of this time or later.
    pub from: Option<Timestamp>,
    /// Entries before this time.
    pub until: Option<Timestamp>,
}

/// The audit log. The other traits of the directory append the entries of their own changes.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Appends the entry of an act outside the directory.
    async fn append(&self, tenant: TenantId, draft: &Draft, by: &Change) -> Result<(), StoreError>;

    /// The tenant's entries with a number below `before`, newest first.
    async fn list_audit(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u16,
    ) -> Result<Vec<Entry>, StoreError>;

    /// The tenant's entries with a number above `after`, oldest first.
    async fn read_chain(&self, tenant: TenantId, after: i64, limit: u16) -> Result<Vec<Entry>, StoreError>;

    /// The head of the tenant's chain; `None` if it has no entries.
    async fn chain_head(&self, tenant: TenantId) -> Result<Option<Head>, StoreError>;

    /// The last entry that the retention removed, if it removed any.
    async fn chain_anchor(&self, tenant: TenantId) -> Result<Option<Head>, StoreError>;

    /// The heads of the tenants after `after`, sorted by tenant.
    async fn list_chain_heads(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<Head>, StoreError>;

    /// Removes up to `limit` of the tenant's oldest entries from before this time, but never the last one,
    /// and moves the anchor. Returns how many it removed.
    async fn forget_audit(
        &self,
        tenant: TenantId,
        before: Timestamp,
        limit: u16,
        by: &Change,
    ) -> Result<u64, StoreError>;
}

/// The repair of a broken chain. Only a command of the operator uses it.
#[async_trait]
pub trait AuditRepair: Send + Sync {
    /// Begins the chain anew after its last number, with an entry that says `why`, in this chain and in the
    /// operator's. Its former entries stay, but are verified no more. Returns the head before that entry.
    async fn restart_chain(&self, tenant: TenantId, why: &str, by: &Change) -> Result<Head, StoreError>;
}
