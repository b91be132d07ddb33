//! Ends of keys and of tenants, as nodes tell them to each other.

use crate::{
    access::key::Key,
    id::{KeyId, TenantId},
    snapshot::{news::News, view::TenantView},
    tenant::Tenant,
    time::Timestamp,
};
use std::{collections::HashMap, hash::Hash, sync::Arc};

/// How a version of a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEnd {
    /// The key.
    pub key: KeyId,
    /// The version of which this holds, and of all before it; the last there can be for one that is deleted.
    pub version: i64,
    /// Refused from then on.
    pub at: Timestamp,
}

/// That a version of a tenant is disabled, and all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantEnd {
    /// The tenant.
    pub tenant: TenantId,
    /// The version of which this holds.
    pub version: i64,
}

/// What a node that reads the directory tells those that may not be able to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relay {
    /// The changes with greater numbers than this ...
    pub after: i64,
    /// ... up to this one are told; 0 if only ends are.
    pub up_to: i64,
    /// The keys among what changed that end, or have ended.
    pub ends: Vec<KeyEnd>,
    /// The tenants among what changed that are disabled: all their keys are refused.
    pub tenants: Vec<TenantEnd>,
}

/// What was told since a mark.
#[derive(Clone, Debug, Default)]
pub struct Relayed {
    /// In the order in which it was told.
    pub relays: Vec<Relay>,
    /// Where to go on.
    pub mark: String,
    /// The number of the newest change that any node has read.
    pub head: i64,
}

/// What was told before the copy has it: of keys that went long ago, and of those that a
/// page brings which is read just now. The newest are kept, at least as many as a generation
/// holds.
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

/// What the other nodes are told of news. Who reads everything has missed what
/// ended before, and who cannot read a key does not know: others tell that, or a gap does.
pub(crate) fn relay(after: i64, news: &News) -> Option<Relay> {
    if news.whole || !news.unreadable.is_empty() {
        return None;
    }
    let ends = news.keys.iter().filter_map(|(id, key)| match key {
        None => Some(KeyEnd::deleted(*id)),
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
    /// That there are changes up to this one of which nothing is told. Whoever
    /// hears it relies on its copy no longer than the directory answers.
    pub(crate) fn gap(up_to: i64) -> Self {
        Self { after: up_to, up_to, ..Self::default() }
    }
}

impl KeyEnd {
    /// That of a key which has one.
    pub fn of(key: &Key) -> Option<Self> {
        let at = if key.disabled { Some(Timestamp::default()) } else { key.expires_at };
        Some(Self { key: key.id, version: key.version, at: at? })
    }

    /// That of a key which is no more.
    pub fn deleted(key: KeyId) -> Self {
        Self { key, version: i64::MAX, at: Timestamp::default() }
    }

    pub(crate) fn apply(&self, known: &mut Arc<Key>) {
        if known.version < self.version {
            let known = Arc::make_mut(known);
            known.version = self.version;
            known.expires_at = Some(known.expires_at.map_or(self.at, |end| end.min(self.at)));
        }
    }
}
