//! Nodes: the processes that serve one installation, and what each of them
//! tells the others about itself.

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

/// A node that was not seen for this long is gone. Node clocks may differ by
/// much less than this.
pub const DEAD_AFTER: Duration = Duration::from_secs(60);

/// Between two notes of a node that say nothing new; twelve fit into [`DEAD_AFTER`].
pub const NOTES_EVERY: Duration = Duration::from_secs(5);

/// Those that were listed `before` and live, and have not noted themselves since. One that has reaches the
/// database, and so knows within [`crate::snapshot::MAX_AGE`] what was changed before that list. One that is new
/// has read everything at its start.
pub fn silent<'a>(before: &[Node], now: &'a [Node]) -> Vec<&'a Node> {
    let noted = |node: &Node| before.iter().all(|old| old.id != node.id || old.seen_at != node.seen_at);
    now.iter().filter(|node| !noted(node)).collect()
}

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
        // The first has noted itself, by a clock that may be behind; the third has stopped; the fourth is new.
        let now = [node(1, 90), node(2, 100), node(4, 100)];
        assert_eq!(silent(&before, &now), [&node(2, 100)]);
        assert!(silent(&[], &now).is_empty());
    }
}
