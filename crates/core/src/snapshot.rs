//! The directory in memory: what a start or a check needs of it costs no query.
//!
//! Writers number their changes in commit order; [`Context::refresh`](crate::context::Context::refresh) reads
//! what came after the last number that was seen, a page at a time, and takes
//! over the entities as they are then. A node calls it every half second and after each change of
//! its own. How old the copy is stands in [`Snapshot::age`]: whoever
//! authenticates must refuse when it is too old, for a key may be disabled.

pub mod ends;
pub mod news;
pub mod view;

use crate::{
    access::key::Key,
    id::{KeyId, TenantId},
    snapshot::{
        ends::{Early, KeyEnd, Relay, TenantEnd},
        news::News,
        view::TenantView,
    },
    tenant::Tenant,
    webhook::Webhook,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(Default)]
struct State {
    seen: i64,
    keys: HashMap<KeyId, Arc<Key>>,
    tenants: HashMap<TenantId, Arc<TenantView>>,
    /// The number up to which other nodes told what ended.
    told: i64,
    early: Early<KeyId, KeyEnd>,
    /// Versions of tenants that other nodes told to be disabled.
    disabled: Early<TenantId, TenantEnd>,
}

impl State {
    /// Whether a tenant is disabled, by the copy or by what was told since.
    fn is_disabled(&self, view: &TenantView) -> bool {
        let Tenant { id, version, disabled_at, .. } = &view.tenant;
        disabled_at.is_some() || self.disabled.get(id).is_some_and(|end| end.version > *version)
    }
}

/// Most relays that wait to be told.
const MOST_UNTOLD: usize = 64;

/// The copy of one node.
#[derive(Default)]
pub struct Snapshot {
    state: RwLock<State>,
    read_at: Mutex<Option<Instant>>,
    /// What the other nodes are still to be told, oldest first.
    untold: Mutex<VecDeque<Relay>>,
    /// The number that it had when it last heard the other nodes.
    expected: AtomicI64,
}

/// A copy older than this may hold a key that was disabled since: it serves nobody.
pub const MAX_AGE: Duration = Duration::from_secs(2);

impl Snapshot {
    /// The key that a caller presents, of whatever tenant.
    pub fn key(&self, key: KeyId) -> Option<Arc<Key>> {
        self.read().keys.get(&key).cloned()
    }

    /// Takes over what other nodes tell of keys that end and of tenants that are disabled.
    pub fn take_relays(&self, relays: &[Relay]) {
        let state = &mut *self.write();
        for Relay { after, up_to, ends, tenants } in relays {
            for end in ends {
                match state.keys.get_mut(&end.key) {
                    Some(known) => end.apply(known),
                    // A page that holds the key may be read just now.
                    None => state.early.note(end.key, *end),
                }
            }
            for end in tenants {
                // Told late, it must not hide what was told since.
                if state.disabled.get(&end.tenant).is_none_or(|known| known.version < end.version) {
                    state.disabled.note(end.tenant, *end);
                }
            }
            if *after <= state.seen.max(state.told) {
                state.told = state.told.max(*up_to);
            }
        }
    }

    /// Whether no key ended up to this change of which this copy does not know.
    pub fn knows_ends(&self, change: i64) -> bool {
        let state = self.read();
        state.seen.max(state.told) >= change
    }

    /// A tenant.
    pub fn tenant(&self, tenant: TenantId) -> Option<Arc<TenantView>> {
        self.read().tenants.get(&tenant).cloned()
    }

    /// Whether nothing may be done for a tenant: its keys are refused, nothing is sent.
    pub fn is_disabled(&self, tenant: TenantId) -> bool {
        let state = self.read();
        state.tenants.get(&tenant).is_some_and(|view| state.is_disabled(view))
    }

    /// All tenants.
    pub fn tenants(&self) -> Vec<Arc<TenantView>> {
        self.read().tenants.values().cloned().collect()
    }

    /// The webhooks of all tenants.
    pub fn webhooks(&self) -> Vec<Arc<Webhook>> {
        self.read().tenants.values().flat_map(|view| view.webhooks.iter().cloned()).collect()
    }

    /// How many tenants and keys it holds.
    pub fn size(&self) -> (usize, usize) {
        let state = self.read();
        (state.tenants.len(), state.keys.len())
    }

    /// The number of the last change that it has.
    pub fn seen(&self) -> i64 {
        self.read().seen
    }

    /// Notes that a refresh which began then has succeeded.
    pub fn mark(&self, began: Instant) {
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        *read_at = (*read_at).max(Some(began));
    }

    /// Whether it may be relied on.
    pub fn is_fresh(&self, now: Instant) -> bool {
        self.age(now).is_some_and(|age| age <= MAX_AGE)
    }

    /// How long ago the directory, or what other nodes tell of it, was last
    /// read; `None` if it never was.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        let read_at = *self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        read_at.map(|read_at| now.saturating_duration_since(read_at))
    }

    /// Takes the news over, unless another task has moved on since `after`:
    /// what was read before that may be older than what is here.
    pub fn apply(&self, after: i64, news: News) -> bool {
        let mut state = self.write();
        if state.seen != after {
            return false;
        }
        let former = if news.whole {
            let (early, disabled) = (std::mem::take(&mut state.early), std::mem::take(&mut state.disabled));
            let fresh = State { told: state.told, early, disabled, ..State::default() };
            std::mem::replace(&mut *state, fresh).keys
        } else {
            HashMap::new()
        };
        state.seen = news.up_to;
        for (id, key) in news.keys {
            // What another node told of a key may be newer than what was read here.
            let newer = |known: &Arc<Key>| key.as_ref().is_some_and(|key| key.version < known.version);
            let told = former.get(&id).or_else(|| state.keys.get(&id)).filter(|known| newer(known)).cloned();
            match told.or(key.map(Arc::new)) {
                Some(mut key) => {
                    if let Some(end) = state.early.get(&id) {
                        end.apply(&mut key);
                    }
                    state.keys.insert(id, key)
                }
                None => state.keys.remove(&id),
            };
        }
        for (id, tenant) in news.tenants {
            match tenant {
                Some(tenant) => state.tenants.insert(id, Arc::new(tenant)),
                None => state.tenants.remove(&id),
            };
        }
        if !news.erased.is_empty() {
            state.keys.retain(|_, key| !news.erased.contains(&key.tenant));
        }
        true
    }

    /// Notes the number that the other nodes should know by the next time, and gives the one before.
    pub(crate) fn expect(&self, seen: i64) -> i64 {
        self.expected.swap(seen, Ordering::Relaxed)
    }

    pub(crate) fn tell_later(&self, relay: Relay) {
        let mut untold = self.untold();
        if untold.len() >= MOST_UNTOLD {
            // Ends without a number are lost with it; the gap keeps the others from relying on their copies.
            let up_to = untold.iter().chain([&relay]).map(|one| one.up_to).max().unwrap_or_default();
            untold.clear();
            untold.push_back(Relay::gap(up_to));
            return;
        }
        untold.push_back(relay);
    }

    pub(crate) fn next_untold(&self) -> Option<Relay> {
        self.untold().pop_front()
    }

    /// Told twice or in another order, it is the same.
    pub(crate) fn tell_again(&self, relay: Relay) {
        self.untold().push_front(relay);
    }

    fn untold(&self) -> MutexGuard<'_, VecDeque<Relay>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // A panic while it was held leaves whole entities behind, at most too few of them.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{key::PresentedKey, scope::Scopes},
        mode::Mode,
        snapshot::ends::relay,
        time::Timestamp,
    };

    fn key(number: u8, name: &str) -> (KeyId, Option<Key>) {
        let id = KeyId::from_bytes([number; 16]);
        let presented = PresentedKey::from_secret(Mode::Live, id, [1; 32]);
        let tenant = TenantId::from_bytes([1; 16]);
        let key = Key::new(&presented, tenant, name.into(), Scopes::all(), Timestamp::default());
        (id, Some(key))
    }

    #[test]
    fn news_that_were_read_before_others_came_in_are_not_taken() {
        let snapshot = Snapshot::default();
        let id = KeyId::from_bytes([1; 16]);
        assert!(snapshot.apply(0, News { up_to: 1, keys: vec![key(1, "a")], ..News::default() }));
        // Two tasks read; the later one sees the key deleted and is first to apply.
        assert!(snapshot.apply(1, News { up_to: 3, keys: vec![(id, None)], ..News::default() }));
        assert!(!snapshot.apply(1, News { up_to: 2, keys: vec![key(1, "b")], ..News::default() }));
        assert!(snapshot.key(id).is_none(), "a deleted key does not come back");
        assert_eq!(snapshot.seen(), 3);
    }

    #[test]
    fn a_told_end_holds_until_the_directory_has_a_newer_version() {
        let snapshot = Snapshot::default();
        let id = KeyId::from_bytes([1; 16]);
        let read = |version| (id, key(1, "a").1.map(|key| Key { version, ..key }));
        let tell = |version| {
            let end = KeyEnd { key: id, version, at: Timestamp::default() };
            snapshot.take_relays(&[Relay { ends: vec![end], ..Relay::default() }]);
        };
        let ended = || snapshot.key(id).unwrap().expires_at.is_some();
        assert!(snapshot.apply(0, News { up_to: 5, keys: vec![read(3)], ..News::default() }));
        tell(3);
        assert!(!ended(), "told late: the directory has said more already");
        tell(4);
        assert!(ended());
        assert!(snapshot.apply(5, News { up_to: 6, keys: vec![read(3)], ..News::default() }));
        assert!(ended(), "a page that was read before");
        assert!(snapshot.apply(6, News { up_to: 7, whole: true, keys: vec![read(3)], ..News::default() }));
        assert!(ended(), "and a whole one");
        assert!(snapshot.apply(7, News { up_to: 8, keys: vec![read(5)], ..News::default() }));
        assert!(!ended(), "enabled again");
        snapshot.take_relays(&[Relay { ends: vec![KeyEnd::deleted(id)], ..Relay::default() }]);
        assert!(ended());
        assert!(snapshot.apply(8, News { up_to: 9, keys: vec![(id, None)], ..News::default() }));
        assert!(snapshot.key(id).is_none());
    }

    fn tenant(version: i64, disabled: bool) -> (TenantId, Option<TenantView>) {
        let id = TenantId::from_bytes([1; 16]);
        let name = crate::tenant::TenantName::parse("Acme").unwrap();
        let disabled_at = disabled.then(Timestamp::default);
        let tenant = Tenant { version, disabled_at, ..Tenant::new(id, name, Timestamp::default()) };
        (id, Some(TenantView::new(tenant)))
    }

    #[test]
    fn a_tenant_is_disabled_by_the_copy_and_by_what_is_told_until_the_copy_is_newer() {
        let snapshot = Snapshot::default();
        let (id, read) = tenant(2, false);
        assert!(!snapshot.is_disabled(id), "nobody knows it");
        let tell = |version| {
            let tenants = vec![TenantEnd { tenant: id, version }];
            snapshot.take_relays(&[Relay { tenants, ..Relay::default() }]);
        };
        // Before the page that holds it.
        tell(3);
        assert!(snapshot.apply(0, News { up_to: 1, tenants: vec![(id, read)], ..News::default() }));
        assert!(snapshot.is_disabled(id));
        let whole = News { up_to: 2, whole: true, tenants: vec![tenant(2, false)], ..News::default() };
        assert!(snapshot.apply(1, whole));
        assert!(snapshot.is_disabled(id), "a whole one that was read before");
        assert!(snapshot.apply(2, News { up_to: 3, tenants: vec![tenant(4, false)], ..News::default() }));
        assert!(!snapshot.is_disabled(id), "enabled again");
        tell(5);
        tell(3);
        assert!(snapshot.is_disabled(id), "what is told late hides nothing");
        assert!(snapshot.apply(3, News { up_to: 4, tenants: vec![tenant(6, true)], ..News::default() }));
        assert!(snapshot.is_disabled(id));
        let news = News { up_to: 9, tenants: vec![tenant(6, true), tenant(7, false)], ..News::default() };
        assert_eq!(relay(8, &news).unwrap().tenants, [TenantEnd { tenant: id, version: 6 }]);
    }

    #[test]
    fn a_tenant_that_is_erased_takes_its_keys_along_and_one_that_cannot_be_read_does_not() {
        let snapshot = Snapshot::default();
        let (id, read) = tenant(1, false);
        let news = News { up_to: 1, keys: vec![key(1, "a")], tenants: vec![(id, read)], ..News::default() };
        assert!(snapshot.apply(0, news));
        assert!(snapshot.apply(1, News { up_to: 2, tenants: vec![(id, None)], ..News::default() }));
        assert_eq!(snapshot.size(), (0, 1));
        let news = News { up_to: 3, tenants: vec![(id, None)], erased: vec![id], ..News::default() };
        assert!(snapshot.apply(2, news));
        assert_eq!(snapshot.size(), (0, 0));
    }

    #[test]
    fn ends_are_known_as_far_as_they_were_told_without_a_gap() {
        let snapshot = Snapshot::default();
        assert!(snapshot.apply(0, News { up_to: 5, ..News::default() }));
        let tell = |after, up_to| snapshot.take_relays(&[Relay { after, up_to, ..Relay::default() }]);
        assert!(snapshot.knows_ends(5) && !snapshot.knows_ends(6));
        tell(7, 9);
        assert!(!snapshot.knows_ends(6), "6 and 7 were not told");
        tell(4, 8);
        tell(8, 10);
        assert!(snapshot.knows_ends(10) && !snapshot.knows_ends(11));
    }

    #[test]
    fn an_end_that_is_told_before_its_key_is_read_holds() {
        let snapshot = Snapshot::default();
        let id = KeyId::from_bytes([1; 16]);
        let end = KeyEnd { key: id, version: 2, at: Timestamp::default() };
        snapshot.take_relays(&[Relay { up_to: 2, ends: vec![end], ..Relay::default() }]);
        assert!(snapshot.apply(0, News { up_to: 1, keys: vec![key(1, "a")], ..News::default() }));
        assert!(snapshot.knows_ends(2));
        assert!(snapshot.key(id).unwrap().expires_at.is_some(), "read before it was disabled");
    }

    #[test]
    fn what_could_not_be_told_waits_and_too_much_of_it_becomes_a_gap() {
        let snapshot = Snapshot::default();
        for n in 0..MOST_UNTOLD as i64 {
            snapshot.tell_later(Relay { after: n, up_to: n + 1, ..Relay::default() });
        }
        let first = snapshot.next_untold().unwrap();
        snapshot.tell_again(first.clone());
        assert_eq!(snapshot.next_untold(), Some(first.clone()));
        snapshot.tell_again(first);
        snapshot.tell_later(Relay { after: 64, up_to: 65, ..Relay::default() });
        assert_eq!(snapshot.next_untold(), Some(Relay::gap(65)));
        assert_eq!(snapshot.next_untold(), None);
    }

    #[test]
    fn a_key_that_one_node_cannot_read_is_not_told_as_deleted() {
        let id = KeyId::from_bytes([1; 16]);
        let news = News { up_to: 3, keys: vec![(id, None)], ..News::default() };
        assert_eq!(relay(2, &news).unwrap().ends, [KeyEnd::deleted(id)]);
        assert_eq!(relay(2, &News { unreadable: vec![id], ..news }), None);
    }

    #[test]
    fn the_whole_replaces_everything() {
        let snapshot = Snapshot::default();
        assert!(
            snapshot.apply(0, News { up_to: 1, keys: vec![key(1, "a"), key(2, "b")], ..News::default() })
        );
        assert!(
            snapshot.apply(1, News { up_to: 9, whole: true, keys: vec![key(2, "b")], ..News::default() })
        );
        assert_eq!(snapshot.size(), (0, 1));
    }

    #[test]
    fn its_age_is_that_of_the_newest_read() {
        let (snapshot, start) = (Snapshot::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(snapshot.age(start), None);
        snapshot.mark(start + second);
        snapshot.mark(start);
        assert_eq!(snapshot.age(start + 3 * second), Some(2 * second));
    }
}
