//! The snapshot: a copy of the directory in memory. Starts and checks read only this copy, so they make no
//! query.
//!
//! Writers of the directory number their changes in commit order.
//! [`Context::refresh`](crate::context::Context::refresh) reads, page by page, the changes after the last
//! number that this copy has seen, and copies the present state of each changed entity. A node refreshes
//! every half second and after each change of its own. Authentication must refuse all keys when
//! [`Snapshot::age`] is too high, because a key may have been disabled in the meantime.

pub mod ends;
pub mod news;
pub mod view;

use crate::{
    access::key::Key,
    id::{KeyId, MemberId, TenantId},
    people::member::Member,
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
    members: HashMap<MemberId, Arc<Member>>,
    tenants: HashMap<TenantId, Arc<TenantView>>,
    /// The change number up to which other nodes have published all ends.
    told: i64,
    early: Early<KeyId, KeyEnd>,
    /// The versions of tenants that other nodes reported as disabled.
    disabled: Early<TenantId, TenantEnd>,
}

impl State {
    /// Returns whether a tenant is disabled, according to this copy or to a later notice.
    fn is_disabled(&self, view: &TenantView) -> bool {
        let Tenant { id, version, disabled_at, .. } = &view.tenant;
        disabled_at.is_some() || self.disabled.get(id).is_some_and(|end| end.version > *version)
    }
}

/// The maximum number of pending notices.
const MOST_UNTOLD: usize = 64;

/// The copy of the directory on one node.
#[derive(Default)]
pub struct Snapshot {
    state: RwLock<State>,
    read_at: Mutex<Option<Instant>>,
    /// The notices that this node has yet to publish, oldest first.
    untold: Mutex<VecDeque<Relay>>,
    /// The change number that this copy had seen when it last read the notices of other nodes.
    expected: AtomicI64,
}

/// The maximum age of a copy that authenticates callers. An older copy may contain a key that was disabled
/// since.
pub const MAX_AGE: Duration = Duration::from_secs(2);

impl Snapshot {
    /// The key with this id, of any tenant.
    pub fn key(&self, key: KeyId) -> Option<Arc<Key>> {
        self.read().keys.get(&key).cloned()
    }

    /// The member with this id, of any tenant.
    pub fn member(&self, member: MemberId) -> Option<Arc<Member>> {
        self.read().members.get(&member).cloned()
    }

    /// Applies the notices of other nodes about keys that end and tenants that are disabled.
    pub fn take_relays(&self, relays: &[Relay]) {
        let state = &mut *self.write();
        for Relay { after, up_to, ends, tenants } in relays {
            for end in ends {
                match state.keys.get_mut(&end.key) {
                    Some(known) => end.apply(known),
                    // This copy may still be reading the page that contains the key. A later notice must not replace
                    // an end at once by one in a day.
                    None => {
                        let end = state.early.get(&end.key).map_or(*end, |known| known.with(end));
                        state.early.note(end.key, end);
                    }
                }
            }
            for end in tenants {
                // A late notice must not replace a newer one.
                if state.disabled.get(&end.tenant).is_none_or(|known| known.version < end.version) {
                    state.disabled.note(end.tenant, *end);
                }
            }
            if *after <= state.seen.max(state.told) {
                state.told = state.told.max(*up_to);
            }
        }
    }

    /// Returns whether this copy knows every key end up to this change.
    pub fn knows_ends(&self, change: i64) -> bool {
        let state = self.read();
        state.seen.max(state.told) >= change
    }

    pub fn tenant(&self, tenant: TenantId) -> Option<Arc<TenantView>> {
        self.read().tenants.get(&tenant).cloned()
    }

    /// Returns whether a tenant is disabled: the server then refuses its keys and sends nothing for it.
    pub fn is_disabled(&self, tenant: TenantId) -> bool {
        let state = self.read();
        state.tenants.get(&tenant).is_some_and(|view| state.is_disabled(view))
    }

    pub fn tenants(&self) -> Vec<Arc<TenantView>> {
        self.read().tenants.values().cloned().collect()
    }

    pub fn webhooks(&self) -> Vec<Arc<Webhook>> {
        self.read().tenants.values().flat_map(|view| view.webhooks.iter().cloned()).collect()
    }

    /// The numbers of tenants and keys.
    pub fn size(&self) -> (usize, usize) {
        let state = self.read();
        (state.tenants.len(), state.keys.len())
    }

    /// The number of the last change that this copy contains.
    pub fn seen(&self) -> i64 {
        self.read().seen
    }

    /// Records that a refresh which began at this time has succeeded.
    pub fn mark(&self, began: Instant) {
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        *read_at = (*read_at).max(Some(began));
    }

    /// Returns whether the copy is new enough to authenticate callers.
    pub fn is_fresh(&self, now: Instant) -> bool {
        self.age(now).is_some_and(|age| age <= MAX_AGE)
    }

    /// How long ago this node last read the directory, or the notices of other nodes about it; `None` if it
    /// never did.
    pub fn age(&self, now: Instant) -> Option<Duration> {
        let read_at = *self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        read_at.map(|read_at| now.saturating_duration_since(read_at))
    }

    /// Applies changes that were read after change number `after`. Applies nothing and returns `false` if
    /// another task has moved the copy on since: the changes may then be older than the copy.
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
            // A notice of another node may contain a newer version of the key than this page.
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
        for (id, member) in news.members {
            match member {
                Some(member) => state.members.insert(id, Arc::new(member)),
                None => state.members.remove(&id),
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
            state.members.retain(|_, member| !news.erased.contains(&member.tenant));
        }
        true
    }

    /// Records the number that the other nodes should have published by the next call, and returns the number
    /// from the last call.
    pub(crate) fn expect(&self, seen: i64) -> i64 {
        self.expected.swap(seen, Ordering::Relaxed)
    }

    pub(crate) fn tell_later(&self, relay: Relay) {
        let mut untold = self.untold();
        if untold.len() >= MOST_UNTOLD {
            // This drops ends that have no change number. Because of the gap, the other nodes stop relying on
            // their copies alone.
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

    /// Puts back a notice that could not be published. Publishing it twice or in another order does no harm.
    pub(crate) fn tell_again(&self, relay: Relay) {
        self.untold().push_front(relay);
    }

    fn untold(&self) -> MutexGuard<'_, VecDeque<Relay>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // A panic while the lock is held leaves only whole entities behind, at worst too few of them. So a
    // poisoned lock is safe to use.
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
        // Two tasks read. The later one sees that the key was deleted, and applies its page first.
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
        // The notice comes before the page that contains the tenant.
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
    fn an_early_end_at_once_is_not_replaced_by_a_later_one() {
        let id = KeyId::from_bytes([1; 16]);
        let narrowed = KeyEnd::of_former_versions(id, 2);
        let rotated = KeyEnd { key: id, version: 3, at: Timestamp::from_millis(86_400_000) };
        for ends in [[narrowed, rotated], [rotated, narrowed]] {
            let snapshot = Snapshot::default();
            for end in ends {
                snapshot.take_relays(&[Relay { ends: vec![end], ..Relay::default() }]);
            }
            assert!(snapshot.apply(0, News { up_to: 1, keys: vec![key(1, "a")], ..News::default() }));
            assert_eq!(snapshot.key(id).unwrap().expires_at, Some(Timestamp::default()));
        }
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
