//! What the directory holds that the copy may not have yet.

use crate::{
    access::key::Key,
    id::{KeyId, TenantId},
    snapshot::view::TenantView,
};

/// What the directory holds that the copy may not have yet.
#[derive(Debug, Default)]
pub struct News {
    /// The number up to which this tells everything.
    pub up_to: i64,
    /// Whether this is all there is: what is not in it does not exist.
    pub whole: bool,
    /// Whether more has happened since.
    pub more: bool,
    /// Keys that changed; `None` for one that is gone.
    pub keys: Vec<(KeyId, Option<Key>)>,
    /// Keys that changed and that this release cannot read: they are not served here.
    pub unreadable: Vec<KeyId>,
    /// Tenants of which something changed; `None` for one that is gone.
    pub tenants: Vec<(TenantId, Option<TenantView>)>,
    /// Tenants that are no more, with all their keys; one that cannot be read is none of them.
    pub erased: Vec<TenantId>,
}
