//! The ends of keys and of tenants, and the notices by which nodes publish them to each other.

use crate::{
    access::key::Key,
    id::{KeyId, TenantId},
    snapshot::{news::News, view::TenantView},
    tenant::Tenant,
    time::Timestamp,
};
use std::{collections::HashMap, hash::Hash, sync::Arc};

/// The end of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEnd {
    pub key: KeyId,
    /// The end applies to this version of the key and to all earlier ones. For a deleted key it is the
    /// highest possible number.
    pub version: i64,
    /// From this time on, the server refuses the key.
    pub at: Timestamp,
}

/// A tenant was disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantEnd {
    pub tenant: TenantId,
    /// The tenant is disabled in this version and in all earlier ones.
    pub version: i64,
}

/// A notice from a node that can read the directory. Nodes that cannot read it rely on such notices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relay {
    /// The notice is complete for the changes with numbers above this one ...
    pub after: i64,
    /// ... up to and including this one. 0 if the notice contains only ends.
    pub up_to: i64,
    /// The ends of the keys among these changes.
    pub ends: Vec<KeyEnd>,
    /// The disabled tenants among these changes. The server refuses all their keys.
    pub tenants: Vec<TenantEnd>,
}

/// The notices published since a mark.
#[derive(Clone, Debug, Default)]
pub struct Relayed {
    /// In the order of publication.
    pub relays: Vec<Relay>,
    /// The mark for the next call.
    pub mark: String,
    /// The number of the newest change that any node has read.
    pub head: i64,
}

/// Notices about entities that this copy does not have: their page is still being read, or they were deleted
/// long ago. Two generations are kept and the older is dropped, so at least the newest [`Self::GENERATION`]
/// notices remain.
pub(crate) struct Early<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Early<K, V> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash, V> Early<K, V> {
    const GENERATION: usize = 4_096;

    pub(crate) fn note(&mut self, key: K, value: V) {
        if self.young.len() >= Self::GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }
}

/// Makes the notice about a page of changes. Returns `None` for a reading of the whole directory, which does
/// not show what ended before, and for a page with a key that this node cannot read. Another node publishes
/// these ends. Otherwise a notice with a gap tells the nodes that they may not know all.
pub(crate) fn relay(after: i64, news: &News) -> Option<Relay> {
    if news.whole || !news.unreadable.is_empty() {
        return None;
    }
    // A key of a changed member may have a new version because the member was narrowed. The former versions end:
    // a node that cannot read the new one does not know the member's limits.
    let changed = |key: &Key| key.member.is_some_and(|member| news.narrowed.contains(&member));
    let ends = news.keys.iter().filter_map(|(id, key)| match key {
        None => Some(KeyEnd::deleted(*id)),
        Some(key) if changed(key) => Some(KeyEnd::of_former_versions(key.id, key.version)),
        Some(key) => KeyEnd::of(key),
    });
    let disabled = |view: &TenantView| {
        let Tenant { id, version, disabled_at, .. } = &view.tenant;
        disabled_at.map(|_| TenantEnd { tenant: *id, version: *version })
    };
    let tenants = news.tenants.iter().filter_map(|(_, view)| view.as_ref().and_then(disabled));
    Some(Relay { after, up_to: news.up_to, ends: ends.collect(), tenants: tenants.collect() })
}

impl Relay {
    /// A notice that there are changes up to `up_to` whose ends are not published. A node that reads it
    /// trusts its copy only while it can read the directory itself.
    pub(crate) fn gap(up_to: i64) -> Self {
        Self { after: up_to, up_to, ..Self::default() }
    }
}

impl KeyEnd {
    /// The end of a key that is disabled or has an expiry time.
    pub fn of(key: &Key) -> Option<Self> {
        let at = if key.disabled { Some(Timestamp::default()) } else { key.expires_at };
        Some(Self { key: key.id, version: key.version, at: at? })
    }

    /// The end of a deleted key.
    pub fn deleted(key: KeyId) -> Self {
        Self { key, version: i64::MAX, at: Timestamp::default() }
    }

    /// The end of all versions of a key before this one.
    pub fn of_former_versions(key: KeyId, version: i64) -> Self {
        Self { key, version, at: Timestamp::default() }
    }

    /// This end and another one of the same key in one: the later version ends at the earlier time.
    pub(crate) fn with(&self, other: &Self) -> Self {
        Self { key: self.key, version: self.version.max(other.version), at: self.at.min(other.at) }
    }

    pub(crate) fn apply(&self, known: &mut Arc<Key>) {
        if known.version < self.version {
            let known = Arc::make_mut(known);
            known.version = self.version;
            known.expires_at = Some(known.expires_at.map_or(self.at, |end| end.min(self.at)));
        }
    }
}
