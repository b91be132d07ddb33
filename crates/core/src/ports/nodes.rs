//! Nodes: the processes that serve one installation, and the facts that each publishes about itself.

use crate::{id::NodeId, keyring::version::Versions, ports::error::StoreError, time::Timestamp};
use async_trait::async_trait;
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// A node that has not written its row for this long counts as dead. The clocks of nodes may differ by much
/// less than this.
pub const DEAD_AFTER: Duration = Duration::from_secs(60);

/// The time between two writes of a node's unchanged row; twelve fit into [`DEAD_AFTER`].
pub const NOTES_EVERY: Duration = Duration::from_secs(5);

/// The nodes of the list `before` that are alive and have not written their row since. A node that has written
/// its row can read the database. So it knows, within [`crate::snapshot::MAX_AGE`], all changes made before
/// the list `before` was read. A new node has read everything at its start.
pub fn silent<'a>(before: &[Node], now: &'a [Node]) -> Vec<&'a Node> {
    let noted = |node: &Node| before.iter().all(|old| old.id != node.id || old.seen_at != node.seen_at);
    now.iter().filter(|node| !noted(node)).collect()
}

/// A process that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The id, drawn when the process starts.
    pub id: NodeId,
    pub started_at: Timestamp,
    /// When it last wrote its row.
    pub seen_at: Timestamp,
    pub program: String,
    /// The key versions that the node has.
    pub versions: Versions,
    /// When the node last noticed that another version is primary; `None` if never since its start.
    pub changed_at: Option<Timestamp>,
}

/// The partitions whose messages this process sends and whose events it records. It begins empty, and then is
/// the worker's share.
#[derive(Clone, Debug, Default)]
pub struct Share(Arc<AtomicU32>);

impl Share {
    pub fn get(&self) -> Range<u16> {
        let [a, b, c, d] = self.0.load(Ordering::Acquire).to_be_bytes();
        u16::from_be_bytes([a, b])..u16::from_be_bytes([c, d])
    }

    pub fn set(&self, partitions: Range<u16>) {
        let ([a, b], [c, d]) = (partitions.start.to_be_bytes(), partitions.end.to_be_bytes());
        self.0.store(u32::from_be_bytes([a, b, c, d]), Ordering::Release);
    }
}

/// The list of nodes. Writing to it is not a change of the directory.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Writes the row of a node, and deletes the rows of dead nodes.
    async fn note_node(&self, node: &Node) -> Result<(), StoreError>;

    /// The nodes that are alive at `now`. Deletes the rows of dead nodes.
    async fn list_nodes(&self, now: Timestamp) -> Result<Vec<Node>, StoreError>;

    /// Deletes the row of a node that has stopped.
    async fn forget_node(&self, node: NodeId) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::version::KeyVersions;

    #[test]
    fn a_node_is_silent_until_it_notes_itself_again() {
        let versions = Versions { mac: KeyVersions::new(Vec::new()), seal: KeyVersions::new(Vec::new()) };
        let node = |number: u8, seen: i64| Node {
            id: NodeId::from_bytes([number; 16]),
            started_at: Timestamp::default(),
            seen_at: Timestamp::from_millis(seen),
            program: "0.1.0".into(),
            versions: versions.clone(),
            changed_at: None,
        };
        let before = [node(1, 100), node(2, 100), node(3, 100)];
        // The first node has written its row, with a clock that may be behind. The third has stopped, and the
        // fourth is new.
        let now = [node(1, 90), node(2, 100), node(4, 100)];
        assert_eq!(silent(&before, &now), [&node(2, 100)]);
        assert!(silent(&[], &now).is_empty());
    }
}
