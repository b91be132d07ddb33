//! Keeps this worker's share of the partitions up to date.

use countersign_core::{
    error::chain,
    id::NodeId,
    ports::{codes::peers::Peers, error::StoreError, nodes::Share},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// The time between two announcements. Three of them fit into the silence after which a worker counts as
/// dead.
const WORD: Duration = Duration::from_secs(2);

/// Announces this worker, and takes its present share.
pub(super) async fn take_share(
    peers: &dyn Peers,
    worker: NodeId,
    partitions: u16,
    share: &Share,
) -> Result<(), StoreError> {
    let taken = peers.share(worker, partitions).await?;
    if share.get() != taken {
        let (first, end) = (taken.start, taken.end);
        tracing::info!(node.id = %worker, first, end, "This worker's part of the partitions");
        share.set(taken);
    }
    Ok(())
}

/// Keeps the share up to date until `stop` is set; then leaves it to the other workers.
pub(super) async fn keep_share(
    peers: Arc<dyn Peers>,
    worker: NodeId,
    partitions: u16,
    share: Share,
    stop: CancellationToken,
) {
    let mut tick = interval(WORD);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        // While the store is away, the share stays as it was. That is safe, because every operation is atomic
        // even if two workers run it.
        if let Err(error) = take_share(&*peers, worker, partitions, &share).await {
            tracing::debug!(error = %chain(&error), "This worker could not say that it lives");
        }
    }
    if let Err(error) = peers.leave(worker).await {
        tracing::debug!(error = %chain(&error), "This worker counts as alive for a few seconds more");
    }
}
