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
use std::time::Duration;

/// How much the clocks of nodes may differ, so that lists and exports by time are still complete.
pub const CLOCKS_DIFFER: Duration = Duration::from_secs(3_600);

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

/// A page of heads, sorted by tenant.
#[derive(Clone, Debug, Default)]
pub struct HeadPage {
    pub heads: Vec<Head>,
    /// What the rows that cannot be read name as their tenants.
    pub unreadable: Vec<String>,
    /// What the last row names as its tenant; `None` if no page follows.
    pub next: Option<String>,
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

    /// The heads of the tenants after `after`, a tenant's id or an empty text.
    async fn list_chain_heads(&self, after: &str, limit: u16) -> Result<HeadPage, StoreError>;

    /// The first id after `after` that a tenant has, or that an entry, a head or an anchor names as its tenant.
    /// A damaged id is no `TenantId`.
    async fn next_chain(&self, after: &str) -> Result<Option<String>, StoreError>;

    /// A number below those of all entries of this time or later, if the clocks of nodes differ by less than
    /// [`CLOCKS_DIFFER`].
    async fn number_before(&self, tenant: TenantId, at: Timestamp) -> Result<i64, StoreError>;

    /// Begins the chain of a tenant with an entry, and notes that in the operator's chain. Does nothing if the
    /// tenant has a head, an anchor or an entry. Returns whether it began the chain.
    async fn begin_chain(&self, tenant: TenantId, by: &Change) -> Result<bool, StoreError>;

    /// The tenants without a head that are not being erased, up to `limit` of those after `after`.
    async fn list_headless(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<TenantId>, StoreError>;

    /// Removes the entries up to this anchor, but never the last one, and moves the anchor. The caller has
    /// verified them. Returns how many it removed: none if another node has removed them.
    async fn forget_audit(&self, anchor: &Head, by: &Change) -> Result<u64, StoreError>;
}

/// The repair of a broken chain. Only a command of the operator uses it.
#[async_trait]
pub trait AuditRepair: Send + Sync {
    /// Restarts the chain after its last number, with an entry that says `why`, in this chain and in the
    /// operator's. Its former entries stay, but are verified no more. Returns the head before that entry.
    async fn restart_chain(&self, tenant: TenantId, why: &str, by: &Change) -> Result<Head, StoreError>;
}
