//! The changes of the directory that a snapshot has yet to apply.

use crate::{
    access::key::Key,
    id::{KeyId, MemberId, TenantId},
    people::member::Member,
    snapshot::view::TenantView,
};
use std::collections::HashSet;

/// A page of changes of the directory.
#[derive(Debug, Default)]
pub struct News {
    /// The page is complete up to this change number.
    pub up_to: i64,
    /// True if this is the whole directory: entities that are not in it do not exist.
    pub whole: bool,
    /// True if there are more changes after this page.
    pub more: bool,
    /// The changed keys; `None` for a deleted key.
    pub keys: Vec<(KeyId, Option<Key>)>,
    /// Changed keys that this release cannot read. The node does not accept them.
    pub unreadable: Vec<KeyId>,
    /// The changed members whose keys are all in `keys`, because the keys get new versions when a member is
    /// narrowed.
    pub narrowed: HashSet<MemberId>,
    /// The changed members, and those of changed keys; `None` for a member that was removed or cannot be read: the
    /// node then refuses its keys.
    pub members: Vec<(MemberId, Option<Member>)>,
    /// The changed tenants; `None` for a tenant that was erased or cannot be read.
    pub tenants: Vec<(TenantId, Option<TenantView>)>,
    /// The tenants that were erased with all their keys. Tenants that cannot be read are not among them.
    pub erased: Vec<TenantId>,
}
