//! The running nodes, as a command that changes the directory notifies them.

use crate::{configuration::Settings, wiring};
use async_trait::async_trait;
use countersign_core::{
    context::Replica,
    id::NodeId,
    ports::{codes::peers::Peers, error::StoreError},
    snapshot::ends::{Relay, Relayed},
};
use countersign_stores::directory::SqlDirectory;
use std::{ops::Range, sync::Arc};

/// The directory for a command that changes keys, allowlists or tenants beside running nodes.
pub(super) fn replica(settings: &Settings, directory: &SqlDirectory) -> Replica {
    Replica {
        directory: Arc::new(directory.clone()),
        snapshot: Arc::default(),
        peers: Some(Arc::new(RunningNodes(settings.clone()))),
    }
}

/// Reaches the nodes that share Redis, and only when there is something to publish: they may not
/// reach the database at that moment.
struct RunningNodes(Settings);

#[async_trait]
impl Peers for RunningNodes {
    /// Publishes once. The change is made, and the nodes read it from the directory, so a failure is only said.
    async fn relay(&self, relay: &Relay) -> Result<(), StoreError> {
        if let Err(error) = wiring::tell_nodes(&self.0, relay).await {
            eprintln!("Nodes that cannot read the database just now were not told: {error:#}");
        }
        Ok(())
    }

    // A command takes no share of the partitions, and follows nobody.

    async fn share(&self, _: NodeId, _: u16) -> Result<Range<u16>, StoreError> {
        Ok(0..0)
    }

    async fn leave(&self, _: NodeId) -> Result<(), StoreError> {
        Ok(())
    }

    async fn relayed(&self, _: &str) -> Result<Option<Relayed>, StoreError> {
        Ok(None)
    }
}
