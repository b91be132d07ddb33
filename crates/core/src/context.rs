//! What management and every act work with, and how a node's copy of the directory follows it.

use crate::{
    id::TenantId,
    keyring::KeyRing,
    ports::{
        codes::{Codes, peers::Peers},
        directory::Directory,
        error::StoreError,
        gateways::Gateways,
        history::History,
        webhooks::WebhookOutbox,
    },
    snapshot::{
        Snapshot,
        ends::{KeyEnd, Relay, TenantEnd, relay},
        view::TenantView,
    },
};
use std::{ops::Deref, sync::Arc, time::Instant};

/// More rounds than this mean that other tasks of the node keep it fresh.
const ROUNDS: usize = 8;

/// A node's copy of the directory: the directory that it follows, the copy, and the nodes that
/// it notifies. Management that changes keys and settings needs no more than this.
#[derive(Clone)]
pub struct Replica {
    /// Tenants, keys, profiles and settings. Only their management reads it directly.
    pub directory: Arc<dyn Directory>,
    /// The copy in memory, which every other part of the program reads.
    pub snapshot: Arc<Snapshot>,
    /// The other nodes. A command that publishes nothing to them has none: they read its change
    /// from the directory.
    pub peers: Option<Arc<dyn Peers>>,
}

/// What the management of providers and routes needs besides: the key ring and the providers.
#[derive(Clone)]
pub struct Management {
    /// The directory and its copy.
    pub replica: Replica,
    /// The keys that seal, sign and fingerprint.
    pub keyring: Arc<KeyRing>,
    /// The providers, as they are managed.
    pub gateways: Arc<dyn Gateways>,
    /// Whether the operator's relay takes live messages that no route does.
    pub live_route: bool,
}

/// What every act needs: the stores, the snapshot and the key ring.
#[derive(Clone)]
pub struct Context {
    /// The directory and what belongs to it.
    pub management: Management,
    /// Live verifications, their limits and the outbox.
    pub codes: Arc<dyn Codes>,
    /// What became of every verification.
    pub history: Arc<dyn History>,
    /// What is to be told to webhooks.
    pub webhooks: Arc<dyn WebhookOutbox>,
    /// Number of partitions, fixed at install.
    pub partitions: u16,
}

impl Deref for Context {
    type Target = Management;

    fn deref(&self) -> &Management {
        &self.management
    }
}

impl Deref for Management {
    type Target = Replica;

    fn deref(&self) -> &Replica {
        &self.replica
    }
}

impl Replica {
    /// A tenant as the snapshot has it. Its caller was authenticated by the
    /// same snapshot, so it is missing only where it cannot be read.
    pub fn tenant_view(&self, tenant: TenantId) -> Result<Arc<TenantView>, StoreError> {
        let view = self.snapshot.tenant(tenant);
        view.ok_or_else(|| StoreError::unavailable("the tenant is not in the snapshot"))
    }

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
        let Some(peers) = &self.peers else { return Ok(()) };
        while let Some(relay) = self.snapshot.next_untold() {
            if let Err(error) = peers.relay(&relay).await {
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
        let Some(peers) = &self.peers else { return Ok(None) };
        let (began, seen) = (Instant::now(), self.snapshot.seen());
        self.tell().await?;
        let Some(relayed) = peers.relayed(mark).await? else { return Ok(None) };
        self.snapshot.take_relays(&relayed.relays);
        // Nobody has told it since the last time, or a server has lost it.
        let missed = self.snapshot.expect(seen);
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
    /// once. The change is made: if this fails, the node's next look follows. The copy of a command
    /// that reads only the directory stays empty.
    pub(crate) async fn catch_up(&self) {
        if self.snapshot.seen() > 0 {
            let _ = self.refresh().await;
        }
        let _ = self.tell().await;
    }

    /// The same after a key ended: the other nodes hear of it by the codes store
    /// at once, and so refuse it even if the directory can be read no more.
    pub(crate) async fn tell_end(&self, end: KeyEnd) {
        self.tell_now(Relay { ends: vec![end], ..Relay::default() }).await;
    }

    /// The same after a tenant was disabled or deleted.
    pub(crate) async fn tell_tenant_end(&self, end: TenantEnd) {
        self.tell_now(Relay { tenants: vec![end], ..Relay::default() }).await;
    }

    async fn tell_now(&self, relay: Relay) {
        self.snapshot.take_relays(std::slice::from_ref(&relay));
        self.snapshot.tell_later(relay);
        let _ = self.tell().await;
        self.catch_up().await;
    }
}
