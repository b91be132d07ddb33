//! The context of management and of every other operation, and how a node keeps its copy of the directory up
//! to date.

use crate::{
    access::actor::Actor,
    id::TenantId,
    keyring::KeyRing,
    people::member::Member,
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
    tenant::system::{Part, permit},
};
use std::{ops::Deref, sync::Arc, time::Instant};

/// [`Context::refresh`] stops after this many pages: if there is always more, another task is refreshing too.
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

/// What the management of providers and routes works with: the replica, the key ring and the providers.
#[derive(Clone)]
pub struct Management {
    /// The directory and its copy.
    pub replica: Replica,
    /// The keys for sealing, for MACs and for fingerprints.
    pub keyring: Arc<KeyRing>,
    /// The providers, for the management of accounts.
    pub gateways: Arc<dyn Gateways>,
    /// True if an operator relay is configured: live messages without a matching delivery route go to it.
    pub live_route: bool,
}

/// The stores, the snapshot and the key ring, as every operation takes them.
#[derive(Clone)]
pub struct Context {
    /// The directory, its copy, the key ring and the providers.
    pub management: Management,
    /// Live verifications, their limits and the outbox.
    pub codes: Arc<dyn Codes>,
    /// Past verifications.
    pub history: Arc<dyn History>,
    /// The messages that wait to be sent to webhooks.
    pub webhooks: Arc<dyn WebhookOutbox>,
    /// The number of partitions. It is fixed when the installation is made.
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
    /// Refuses a part that a tenant of the server itself does not have. Each operation on a tenant asks this first.
    pub fn permit(&self, tenant: TenantId, part: Part) -> Result<(), StoreError> {
        Ok(permit(tenant, part)?)
    }

    /// A tenant from the snapshot. The same snapshot authenticated the tenant's caller, so a tenant is
    /// missing only if its stored form cannot be read.
    pub fn tenant_view(&self, tenant: TenantId) -> Result<Arc<TenantView>, StoreError> {
        let view = self.snapshot.tenant(tenant);
        view.ok_or_else(|| StoreError::unavailable("the tenant is not in the snapshot"))
    }

    /// The actor's member with its limits, from the snapshot; `None` if the actor is a key of the company or the
    /// operator. A member that ended since the request was authenticated is an error that a repeat clears: the
    /// repeat is not authenticated.
    pub fn member_of(&self, actor: &Actor) -> Result<Option<Arc<Member>>, StoreError> {
        let Some(id) = actor.member else { return Ok(None) };
        let member =
            self.snapshot.member(id).filter(|member| !member.disabled && member.tenant == actor.tenant);
        member.map(Some).ok_or_else(|| StoreError::unavailable("the member of the key has just ended"))
    }

    /// Reads one page of changes from the directory into this node's copy. Returns whether the copy then has
    /// everything.
    pub async fn follow(&self) -> Result<bool, StoreError> {
        let after = self.snapshot.seen();
        let Some(news) = self.directory.news(after).await? else { return Ok(true) };
        let more = news.more;
        // Queue the notice before the copy moves on: so each change that this copy has seen is published
        // sooner or later.
        if let Some(relay) = relay(after, &news) {
            self.snapshot.tell_later(relay);
        }
        Ok(self.snapshot.apply(after, news) && !more)
    }

    /// Publishes the pending notices to the other nodes. If the codes store cannot be reached, the rest stays
    /// pending for the next call.
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

    /// Reads the notices that other nodes published after `mark`, and returns the next mark. Returns `None`
    /// if the store belongs to this node alone. A copy counts as fresh while it knows each key end and
    /// disabled tenant that any node has read, even if the directory is down.
    pub async fn listen(&self, mark: &str) -> Result<Option<String>, StoreError> {
        let Some(peers) = &self.peers else { return Ok(None) };
        let (began, seen) = (Instant::now(), self.snapshot.seen());
        self.tell().await?;
        let Some(relayed) = peers.relayed(mark).await? else { return Ok(None) };
        self.snapshot.take_relays(&relayed.relays);
        // No node has published up to `missed` since the last call, or a server has lost the notice.
        let missed = self.snapshot.expect(seen);
        if relayed.head < missed {
            self.snapshot.tell_later(Relay::gap(missed));
        }
        // A copy that was never read from the directory does not become fresh by notices.
        if self.snapshot.age(began).is_some() && self.snapshot.knows_ends(relayed.head) {
            self.snapshot.mark(began);
        }
        Ok(Some(relayed.mark))
    }

    /// Reads changes until this node's copy has everything, but at most `ROUNDS` pages.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            if self.follow().await? {
                break;
            }
        }
        Ok(())
    }

    /// Refreshes the copy after a change made by this node, so that its author sees the change at once. An
    /// error is ignored, because the change itself is stored: the node's next regular refresh reads it. A
    /// command reads only the directory, and its copy stays empty.
    pub(crate) async fn catch_up(&self) {
        if self.snapshot.seen() > 0 {
            let _ = self.refresh().await;
        }
        let _ = self.tell().await;
    }

    /// Publishes the end of a key through the codes store at once. The other nodes then refuse the key even
    /// if they cannot read the directory any more.
    pub(crate) async fn tell_end(&self, end: KeyEnd) {
        self.tell_now(Relay { ends: vec![end], ..Relay::default() }).await;
    }

    /// Publishes the ends of several keys, as [`Self::tell_end`] does for one.
    pub(crate) async fn tell_ends(&self, ends: Vec<KeyEnd>) {
        match ends.is_empty() {
            true => self.catch_up().await,
            false => self.tell_now(Relay { ends, ..Relay::default() }).await,
        }
    }

    /// Publishes at once, through the codes store, that a tenant was disabled or deleted. The other nodes then
    /// refuse its keys even if they cannot read the directory any more.
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
