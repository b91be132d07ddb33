//! The directory in memory: what a start or a check needs of it costs no query.
//!
//! Writers number their changes in commit order; [`Context::refresh`] reads
//! what came after the last number that was seen, a page at a time, and takes
//! over the entities as they are then. A node calls it every half second and after each change of
//! its own. How old the copy is stands in [`Snapshot::age`]: whoever
//! authenticates must refuse when it is too old, for a key may be disabled.

use crate::{
    Context,
    access::key::Key,
    acts::ways::Route,
    delivery::{account::ProviderAccount, sender::Sender},
    id::{KeyId, TenantId},
    message::template::set::{TemplateName, TemplateSet},
    ports::codes::{KeyEnd, Relay, StoreError, TenantEnd},
    tenant::{
        Tenant,
        profile::{Profile, ProfileName},
        resource::{Resource, ResourceKind},
        review::ReviewNumber,
        settings::{Settings, Unreadable},
    },
    time::Timestamp,
    webhook::Webhook,
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

/// A tenant with all that its starts and checks need.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantView {
    /// The tenant.
    pub tenant: Tenant,
    /// Its profiles.
    pub profiles: BTreeMap<ProfileName, Profile>,
    /// What it has set.
    pub settings: Settings,
    /// Its review numbers.
    pub reviews: Vec<ReviewNumber>,
    /// Its own texts.
    pub templates: BTreeMap<TemplateName, TemplateSet>,
    /// Its accounts at providers.
    pub providers: Vec<Arc<ProviderAccount>>,
    /// What its messages come from, oldest first.
    pub senders: Vec<Sender>,
    /// Its routes.
    pub routes: Vec<Arc<Route>>,
    /// Where it is told what happens.
    pub webhooks: Vec<Arc<Webhook>>,
}

impl TenantView {
    /// A tenant that has set nothing yet.
    pub fn new(tenant: Tenant) -> Self {
        Self {
            tenant,
            profiles: BTreeMap::new(),
            settings: Settings::default(),
            reviews: Vec::new(),
            templates: BTreeMap::new(),
            providers: Vec::new(),
            senders: Vec::new(),
            routes: Vec::new(),
            webhooks: Vec::new(),
        }
    }

    /// Takes in what is stored of it.
    pub fn take(&mut self, resource: Resource) -> Result<(), Unreadable> {
        let taken = match resource.kind {
            ResourceKind::Provider => {
                ProviderAccount::read(resource).map(|account| self.providers.push(Arc::new(account)))
            }
            ResourceKind::Sender => Sender::read(&resource).map(|sender| self.senders.push(sender)),
            ResourceKind::Route => Route::read(resource).map(|route| self.routes.push(Arc::new(route))),
            ResourceKind::Template => {
                TemplateSet::read(&resource).map(|set| drop(self.templates.insert(set.name.clone(), set)))
            }
            ResourceKind::Webhook => {
                Webhook::read(resource).map(|webhook| self.webhooks.push(Arc::new(webhook)))
            }
        };
        taken.ok_or(Unreadable)
    }
}

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

/// What was told before the copy has it: of keys that went long ago, and of those that a
/// page brings which is read just now. The newest are kept, at least as many as a generation
/// holds.
struct Early<K, V> {
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

    fn note(&mut self, key: K, value: V) {
        if self.young.len() >= Self::GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }
}

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

/// More rounds than this mean that other tasks of the node keep it fresh.
const ROUNDS: usize = 8;

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

    fn tell_later(&self, relay: Relay) {
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

    fn next_untold(&self) -> Option<Relay> {
        self.untold().pop_front()
    }

    /// Told twice or in another order, it is the same.
    fn tell_again(&self, relay: Relay) {
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

/// What the other nodes are told of news. Who reads everything has missed what
/// ended before, and who cannot read a key does not know: others tell that, or a gap does.
fn relay(after: i64, news: &News) -> Option<Relay> {
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
    fn gap(up_to: i64) -> Self {
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

    fn apply(&self, known: &mut Arc<Key>) {
        if known.version < self.version {
            let known = Arc::make_mut(known);
            known.version = self.version;
            known.expires_at = Some(known.expires_at.map_or(self.at, |end| end.min(self.at)));
        }
    }
}

impl Context {
    /// Brings the copy of this node one page nearer to what the directory holds
    /// now; whether it has all of it.
    pub async fn follow(&self) -> Result<bool, StoreError> {
        let after = self.snapshot.seen();
        let Some(news) = self.directory.news(after).await? else { return Ok(true) };
        let more = news.more;
        // Before it is taken over: what this copy has seen is told, or will be.
        if let Some(relay) = relay(after, &news) {
            self.snapshot.tell_later(relay);
        }
        Ok(self.snapshot.apply(after, news) && !more)
    }

    /// Tells the other nodes what they do not know yet. What they cannot be told
    /// now is told by a later call.
    pub async fn tell(&self) -> Result<(), StoreError> {
        while let Some(relay) = self.snapshot.next_untold() {
            if let Err(error) = self.codes.relay(&relay).await {
                self.snapshot.tell_again(relay);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes over what the other nodes tell after `mark`, and gives the next one;
    /// `None` where the store is no other node's. A copy counts as fresh while it
    /// knows of every end that anybody has read, though the directory be away.
    pub async fn listen(&self, mark: &str) -> Result<Option<String>, StoreError> {
        let (began, seen) = (Instant::now(), self.snapshot.seen());
        self.tell().await?;
        let Some(relayed) = self.codes.relayed(mark).await? else { return Ok(None) };
        self.snapshot.take_relays(&relayed.relays);
        // Nobody has told it since the last time, or a server has lost it.
        let missed = self.snapshot.expected.swap(seen, Ordering::Relaxed);
        if relayed.head < missed {
            self.snapshot.tell_later(Relay::gap(missed));
        }
        // A copy that was never read stays unread.
        if self.snapshot.age(began).is_some() && self.snapshot.knows_ends(relayed.head) {
            self.snapshot.mark(began);
        }
        Ok(Some(relayed.mark))
    }

    /// Brings the copy of this node up to what the directory holds now, unless
    /// that runs away from it.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            if self.follow().await? {
                break;
            }
        }
        Ok(())
    }

    /// The same after a change of one's own, so that its author sees it at
    /// once. The change is made: if this fails, the node's next look follows.
    pub(crate) async fn catch_up(&self) {
        let _ = self.refresh().await;
        let _ = self.tell().await;
    }

    /// The same after a key ended: the other nodes hear of it by the codes store
    /// at once, and so refuse it even if the directory can be read no more.
    pub(crate) async fn tell_end(&self, end: KeyEnd) {
        let relay = Relay { ends: vec![end], ..Relay::default() };
        self.snapshot.take_relays(std::slice::from_ref(&relay));
        self.snapshot.tell_later(relay);
        let _ = self.tell().await;
        self.catch_up().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{
            key::{Mode, PresentedKey},
            scope::Scopes,
        },
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
