//! Waits until running nodes know a change that a command made. The nodes follow the database by themselves;
//! this module tells the user when they have done so, or how long a node may take.

use anyhow::Context as _;
use countersign_core::{
    id::NodeId,
    ports::{
        clock::Clock,
        nodes::{DEAD_AFTER, NOTES_EVERY, Node, Nodes, silent},
    },
    snapshot::MAX_AGE,
    time::ceil_seconds,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The time between two reads of the rows of the nodes.
const LOOK: Duration = Duration::from_millis(250);
/// The longest wait. An unchanged node writes its row only this often, and a busy one a little later.
const PATIENCE: Duration = NOTES_EVERY.saturating_add(MAX_AGE);

/// Waits until the running nodes know the change, and prints the result. The change itself is stored, so a
/// failure here is not an error.
pub(super) async fn tell_followed(nodes: &dyn Nodes, clock: &dyn Clock) {
    match wait(nodes, clock).await {
        Ok(followed) => eprintln!("{}", followed.tell()),
        Err(error) => eprintln!(
            "Running servers that reach the database know it within {} s; which do was not found out: {error:#}",
            MAX_AGE.as_secs()
        ),
    }
}

/// The nodes that know a change.
#[derive(Debug, PartialEq, Eq)]
struct Followed {
    nodes: usize,
    /// The nodes that may not know it, and how long ago each last wrote its row.
    silent: Vec<(NodeId, Duration)>,
}

async fn wait(nodes: &dyn Nodes, clock: &dyn Clock) -> anyhow::Result<Followed> {
    let list = async || nodes.list_nodes(clock.now()).await.context("The nodes cannot be read");
    let (before, began) = (list().await?, Instant::now());
    if before.is_empty() {
        return Ok(Followed { nodes: 0, silent: Vec::new() });
    }
    loop {
        sleep(LOOK).await;
        let now = list().await?;
        let missing = silent(&before, &now);
        // A node may have written its row a moment before it read the change.
        let known = missing.is_empty() && began.elapsed() >= MAX_AGE;
        if known || began.elapsed() >= PATIENCE {
            let silent = missing.into_iter().map(|node: &Node| (node.id, clock.now().since(node.seen_at)));
            return Ok(Followed { nodes: now.len(), silent: silent.collect() });
        }
    }
}

impl Followed {
    fn tell(&self) -> String {
        if self.silent.is_empty() {
            return match self.nodes {
                0 => "No server runs on this database; the next one knows it from its start.".to_owned(),
                1 => "The server that runs knows it.".to_owned(),
                n => format!("All {n} servers that run know it."),
            };
        }
        let silent: Vec<_> = self
            .silent
            .iter()
            .map(|(node, ago)| format!("{node}, last seen {} s ago", ceil_seconds(*ago)))
            .collect();
        format!(
            "{} of {} servers that run know it. Not yet, for they have not reached the database since:\n  {}\nEach \
             does within {} s of reaching it again; one that died is no longer listed after {} s.",
            self.nodes - self.silent.len(),
            self.nodes,
            silent.join("\n  "),
            MAX_AGE.as_secs(),
            DEAD_AFTER.as_secs()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_not_know_it_is_named() {
        let node = NodeId::from_bytes([7; 16]);
        let tell = |nodes, silent: &[(NodeId, Duration)]| Followed { nodes, silent: silent.to_vec() }.tell();
        assert!(tell(0, &[]).starts_with("No server runs"));
        assert_eq!(tell(1, &[]), "The server that runs knows it.");
        assert_eq!(tell(3, &[]), "All 3 servers that run know it.");
        let told = tell(3, &[(node, Duration::from_secs(23))]);
        assert!(told.starts_with("2 of 3 servers"), "{told}");
        assert!(told.contains(&format!("{node}, last seen 23 s ago")), "{told}");
    }
}
