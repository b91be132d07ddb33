//! The workers that are alive, and the partitions of each.

use super::{
    keys,
    reply::Reply,
    script,
    store::{Store, millis},
};
use countersign_core::{
    id::NodeId,
    ports::{codes::peers::WORKER_SILENCE, error::StoreError},
};
use std::ops::Range;

/// Announces that a worker is alive, and returns its share of the partitions.
pub(super) async fn share(store: &Store, worker: NodeId, partitions: u16) -> Result<Range<u16>, StoreError> {
    let mut workers = run_present_script(store, worker, b"").await?;
    workers.sort();
    let place = workers.iter().position(|one| one == worker.bytes()).unwrap_or_default();
    let part = |n: usize| {
        let at = usize::from(partitions) * n / workers.len().max(1);
        u16::try_from(at).unwrap_or(partitions)
    };
    Ok(part(place)..part(place + 1))
}

/// Announces that a worker ends, so that the others take its share over at once.
pub(super) async fn leave(store: &Store, worker: NodeId) -> Result<(), StoreError> {
    run_present_script(store, worker, b"1").await.map(drop)
}

async fn run_present_script(
    store: &Store,
    worker: NodeId,
    leaves: &[u8],
) -> Result<Vec<Vec<u8>>, StoreError> {
    let args: [&[u8]; 3] = [worker.bytes(), &millis(WORKER_SILENCE), leaves];
    let reply = Reply::new(store.run(&script::PRESENT, &[&keys::workers()], &args).await?)?;
    (0..reply.len()).map(|place| reply.bytes(place).map(<[u8]>::to_vec)).collect()
}
