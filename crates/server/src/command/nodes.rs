//! The running nodes, which a command notifies of its changes.

use crate::{configuration::Settings, wiring};
use async_trait::async_trait;
use countersign_core::{
    context::{Management, Replica},
    id::NodeId,
    ports::{codes::peers::Peers, error::StoreError},
    snapshot::ends::{Relay, Relayed},
};
use countersign_stores::directory::SqlDirectory;
use std::{ops::Range, sync::Arc};

/// The directory for a command that changes keys, allowlists or tenants while nodes may run.
pub(super) fn replica(settings: &Settings, directory: &SqlDirectory) -> Replica {
    Replica {
        directory: Arc::new(directory.clone()),
        snapshot: Arc::default(),
        peers: Some(Arc::new(RunningNodes(settings.clone()))),
    }
}

/// The context for a command that also changes providers, routes or security settings.
pub(super) fn management(settings: &Settings, directory: &SqlDirectory) -> anyhow::Result<Management> {
    let keyring = Arc::new(wiring::open_keyring(settings, false)?.0);
    let management = wiring::manage(settings, Arc::new(directory.clone()), keyring)?;
    Ok(Management { replica: replica(settings, directory), ..management })
}

/// Connects to the nodes that share Redis, but only when there is a notice to publish: perhaps they cannot
/// reach the database just now.
struct RunningNodes(Settings);

#[async_trait]
impl Peers for RunningNodes {
    /// Publishes a notice. The change itself is stored, and the nodes read it from the directory, so a
    /// failure is only printed.
    async fn relay(&self, relay: &Relay) -> Result<(), StoreError> {
        if let Err(error) = wiring::tell_nodes(&self.0, relay).await {
            eprintln!("Nodes that cannot read the database just now were not told: {error:#}");
        }
        Ok(())
    }

    // A command takes no share of the partitions, and reads no notices.

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
