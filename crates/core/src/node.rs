//! Nodes: the processes that serve one installation, and what each of them
//! tells the others about itself.

use crate::{id::NodeId, keyring::Versions, ports::StoreError, time::Timestamp};
use async_trait::async_trait;
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// A node that was not seen for this long is gone. Node clocks may differ by
/// much less than this.
pub const DEAD_AFTER: Duration = Duration::from_secs(60);

/// A process that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Drawn at its start.
    pub id: NodeId,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last said so.
    pub seen_at: Timestamp,
    /// The version of the program.
    pub program: String,
    /// The key versions that it has.
    pub versions: Versions,
    /// When it took over other primary versions; never since its start if `None`.
    pub changed_at: Option<Timestamp>,
}

/// The partitions whose messages this process sends and whose events it
/// records: none at first, then what its part among the workers is.
#[derive(Clone, Debug, Default)]
pub struct Share(Arc<AtomicU32>);

impl Share {
    /// The first partition and the end.
    pub fn get(&self) -> Range<u16> {
        let [a, b, c, d] = self.0.load(Ordering::Acquire).to_be_bytes();
        u16::from_be_bytes([a, b])..u16::from_be_bytes([c, d])
    }

    /// Another share from now on.
    pub fn set(&self, partitions: Range<u16>) {
        let ([a, b], [c, d]) = (partitions.start.to_be_bytes(), partitions.end.to_be_bytes());
        self.0.store(u32::from_be_bytes([a, b, c, d]), Ordering::Release);
    }
}

/// Where nodes note themselves. What they note is no change of the directory.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Notes a node as it is now, and deletes the dead.
    async fn note_node(&self, node: &Node) -> Result<(), StoreError>;

    /// The nodes that live at `now`; deletes the dead.
    async fn list_nodes(&self, now: Timestamp) -> Result<Vec<Node>, StoreError>;

    /// Deletes a node that stopped.
    async fn forget_node(&self, node: NodeId) -> Result<(), StoreError>;
}
