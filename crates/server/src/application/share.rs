//! Keeps this worker's part of the partitions up to date.

use countersign_core::{
    error::chain,
    id::NodeId,
    ports::{codes::Codes, error::StoreError, nodes::Share},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Between two words of life; three of them fit into the silence after which a worker is dead.
const WORD: Duration = Duration::from_secs(2);

/// Takes the part that is this worker's now.
pub(super) async fn take_share(
    codes: &Arc<dyn Codes>,
    worker: NodeId,
    partitions: u16,
    share: &Share,
) -> Result<(), StoreError> {
    let taken = codes.share(worker, partitions).await?;
    if share.get() != taken {
        let (first, end) = (taken.start, taken.end);
        tracing::info!(node.id = %worker, first, end, "This worker's part of the partitions");
        share.set(taken);
    }
    Ok(())
}

/// Goes on taking it until the stop; then leaves it to the others.
pub(super) async fn keep_share(
    codes: Arc<dyn Codes>,
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
        // While the store is away the part stays as it was; acts are atomic whoever asks.
        if let Err(error) = take_share(&codes, worker, partitions, &share).await {
            tracing::debug!(error = %chain(&error), "This worker could not say that it lives");
        }
    }
    if let Err(error) = codes.leave(worker).await {
        tracing::debug!(error = %chain(&error), "This worker counts as alive for a few seconds more");
    }
}
