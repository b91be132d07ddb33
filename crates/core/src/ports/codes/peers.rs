//! What the processes that share the codes store tell each other.

use crate::{
    id::NodeId,
    ports::error::StoreError,
    snapshot::ends::{Relay, Relayed},
};
use async_trait::async_trait;
use std::{ops::Range, time::Duration};

/// After this long without a word a worker is dead, and its share that of the others.
pub const WORKER_SILENCE: Duration = Duration::from_secs(6);

/// The workers that divide the partitions, and the news of the directory that nodes tell each other.
#[async_trait]
pub trait Peers: Send + Sync {
    /// Says that this worker lives, and gives the partitions that are its share
    /// among those that do. A worker that says nothing for [`WORKER_SILENCE`]
    /// is dead. Shares may overlap for a moment: no act relies on them.
    async fn share(&self, worker: NodeId, partitions: u16) -> Result<Range<u16>, StoreError>;

    /// This worker ends; the others take its share over at once.
    async fn leave(&self, worker: NodeId) -> Result<(), StoreError>;

    /// Tells the other nodes, where the store is shared with any.
    async fn relay(&self, relay: &Relay) -> Result<(), StoreError>;

    /// What the nodes told after the mark, which is empty at first. `None`
    /// where the store is no other node's.
    async fn relayed(&self, mark: &str) -> Result<Option<Relayed>, StoreError>;
}
