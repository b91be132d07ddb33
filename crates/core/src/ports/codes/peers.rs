//! The communication between processes that share the codes store.

use crate::{
    id::NodeId,
    ports::error::StoreError,
    snapshot::ends::{Relay, Relayed},
};
use async_trait::async_trait;
use std::{ops::Range, time::Duration};

/// A worker that stays silent for this long counts as dead, and the others take its share over.
pub const WORKER_SILENCE: Duration = Duration::from_secs(6);

/// The division of the partitions among workers, and the notices about the directory between nodes.
#[async_trait]
pub trait Peers: Send + Sync {
    /// Announces that this worker is alive, and returns its share of the partitions. A worker that stays
    /// silent for [`WORKER_SILENCE`] counts as dead. Shares may overlap for a moment, and no operation relies
    /// on them.
    async fn share(&self, worker: NodeId, partitions: u16) -> Result<Range<u16>, StoreError>;

    /// Announces that this worker ends. The others take its share over at once.
    async fn leave(&self, worker: NodeId) -> Result<(), StoreError>;

    /// Publishes a notice to the other nodes, if the store is shared.
    async fn relay(&self, relay: &Relay) -> Result<(), StoreError>;

    /// The notices published after the mark; the first mark is empty. Returns `None` if the store belongs to
    /// this process alone.
    async fn relayed(&self, mark: &str) -> Result<Option<Relayed>, StoreError>;
}
