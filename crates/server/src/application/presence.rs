//! The row by which this process tells other nodes about itself, and the key ring, which it reads again when
//! the file changes.

use crate::{
    configuration::KeyringSettings,
    keyfile::{KeyFile, Watch},
    machine,
};
use anyhow::ensure;
use countersign_core::{
    context::Context,
    id::NodeId,
    keyring::{KeyRing, version::KeyKind},
    ports::{
        clock::Clock,
        nodes::{NOTES_EVERY, Node, Nodes},
    },
    snapshot::Snapshot,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// The time between two checks of the key ring file.
const LOOK: Duration = Duration::from_secs(1);

/// The number of checks between two writes of an unchanged row.
const LOOKS_A_NOTE: u32 = NOTES_EVERY.as_secs() as u32;

/// This process in the list of nodes.
#[derive(Clone)]
pub(super) struct Presence {
    nodes: Arc<dyn Nodes>,
    keyring: Arc<KeyRing>,
    snapshot: Arc<Snapshot>,
    /// The change number that the snapshot had at the last write of the row.
    read_to: i64,
    partitions: u16,
    /// `None` if the key ring is not a file.
    file: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    node: Node,
    /// Whether the last write failed. The failure is logged once, until a write succeeds.
    silent: bool,
}

impl Presence {
    pub fn new(
        context: &Context,
        nodes: Arc<dyn Nodes>,
        settings: &KeyringSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let now = clock.now();
        let node = Node {
            id: NodeId::new(now, &mut machine::rng()),
            started_at: now,
            seen_at: now,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            versions: context.keyring.versions(),
            changed_at: None,
        };
        Self {
            nodes,
            keyring: Arc::clone(&context.keyring),
            snapshot: Arc::clone(&context.snapshot),
            read_to: 0,
            partitions: context.partitions,
            file: settings.text.is_none().then(|| settings.file.clone()),
            clock,
            node,
            silent: false,
        }
    }

    pub fn id(&self) -> NodeId {
        self.node.id
    }

    /// Follows the key ring file and writes this node's row, until `stop` is set.
    pub async fn run(mut self, stop: CancellationToken) {
        let Node { id, versions, .. } = &self.node;
        tracing::info!(node.id = %id, mac = %versions.mac, seal = %versions.seal, "The key ring is in use");
        let mut watch = self.file.clone().map(Watch::new);
        let mut tick = interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks: u32 = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            // A file system that hangs delays neither the answers to clients nor the stop.
            let looked = spawn_blocking(move || {
                let read = watch.as_mut().and_then(Watch::look);
                (watch, read)
            });
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = looked => looked,
            };
            let Ok((again, read)) = looked else { return };
            watch = again;
            let changed = read.is_some_and(|read| self.take_over(read));
            looks = looks.wrapping_add(1);
            // A command that changed the directory may be waiting until this node has read the change.
            let read = self.snapshot.seen() != self.read_to;
            if changed || read || looks.is_multiple_of(LOOKS_A_NOTE) {
                self.note().await;
            }
        }
    }

    /// Replaces the key ring in use by a changed one. Returns whether it did.
    fn take_over(&mut self, read: anyhow::Result<KeyFile>) -> bool {
        let taken = read.and_then(|file| {
            let partitions = file.partitions.unwrap_or(self.partitions);
            ensure!(partitions == self.partitions, "partitions is {partitions}, not {}", self.partitions);
            Ok(self.keyring.replace(file.keyring()?)?)
        });
        if let Err(error) = taken {
            let reason = format!("{error:#}");
            tracing::warn!(reason, "The changed key ring is not taken over; the one before stays in use");
            return false;
        }
        let (old, new) = (&self.node.versions, self.keyring.versions());
        if *old == new {
            return false;
        }
        tracing::info!(mac = %new.mac, seal = %new.seal, "Took over the changed key ring");
        if KeyKind::ALL.iter().any(|kind| old.of(*kind).primary() != new.of(*kind).primary()) {
            self.node.changed_at = Some(self.clock.now());
        }
        self.node.versions = new;
        true
    }

    /// Writes this node's row: it is alive and has these keys.
    pub async fn note(&mut self) {
        self.node.seen_at = self.clock.now();
        self.read_to = self.snapshot.seen();
        let noted = self.nodes.note_node(&self.node).await;
        if let Err(error) = &noted
            && !self.silent
        {
            tracing::warn!(%error, node.id = %self.node.id, "This node could not note itself");
        }
        self.silent = noted.is_err();
    }

    /// Deletes this node's row. If that fails, the node counts as dead a minute later.
    pub async fn forget(&self) {
        if let Err(error) = self.nodes.forget_node(self.node.id).await {
            tracing::warn!(%error, node.id = %self.node.id, "This node stays noted until it counts as dead");
        }
    }
}
