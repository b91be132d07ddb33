//! Keeps the copy of the directory in memory up to date.

use crate::machine;
use countersign_core::{
    access::{change::Change, usage},
    context::Management,
    error::chain,
    management::system_tenants::prepare_system_tenants,
    people::invitation::KEPT_AFTER_EXPIRY,
    phone::countries::Countries,
    ports::{clock::Clock, error::StoreError},
    time::Timestamp,
    verification::idempotency,
};
use rand::{SeedableRng, rngs::StdRng};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// The time between two refreshes of the snapshot. The server promises that a key disabled elsewhere is
/// refused here within 2 s.
const LOOK: Duration = Duration::from_millis(500);
/// The longest time for reading a page of changes.
const LOOK_PATIENCE: Duration = Duration::from_secs(10);
/// The longest time for reading the whole directory.
const WHOLE_PATIENCE: Duration = Duration::from_secs(120);
/// How long the directory keeps its list of changes. A node that missed older changes reads the whole
/// directory again.
const CHANGES_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// The number of refreshes between two deletions of old rows: one hour.
const LOOKS_AN_HOUR: u32 = 7_200;

/// Prepares the tenants of the server itself. If that fails, no codes go to persons, but the API works.
pub(super) async fn prepare_tenants(management: &Management, countries: Option<&Countries>, now: Timestamp) {
    let countries = countries.cloned().unwrap_or_default();
    let by = Change::by_system(now);
    let mut rng = StdRng::from_rng(&mut machine::rng());
    if let Err(error) = prepare_system_tenants(management, &countries, &by, &mut rng).await {
        tracing::error!(error = %chain(&error), "The tenants that send codes to persons are not as they must be");
    }
}

/// Refreshes the snapshot until it is complete, and marks it as fresh.
pub(super) async fn refresh(management: &Management) -> Result<(), StoreError> {
    loop {
        // A node that is starting, or was away for long, reads the whole directory.
        let patience = if management.snapshot.seen() == 0 { WHOLE_PATIENCE } else { LOOK_PATIENCE };
        let began = Instant::now();
        if timeout(patience, management.follow()).await.map_err(StoreError::unavailable)?? {
            management.snapshot.mark(began);
            return Ok(());
        }
    }
}

/// Keeps the snapshot up to date. An outage is logged once when it begins and once when it ends.
pub(super) async fn follow_directory(management: Management, clock: Arc<dyn Clock>, stop: CancellationToken) {
    metrics::describe_gauge!("countersign_directory_keys", "API keys in the snapshot");
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut failing, mut looks) = (false, 0);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        match refresh(&management).await {
            Ok(()) if failing => {
                tracing::info!("The directory can be read again");
                failing = false;
            }
            Ok(()) => {}
            Err(error) if !failing => {
                tracing::error!(error = %chain(&error), "The directory cannot be read; keys are known as they were, or after 2 s refused where no other node can tell of their end");
                failing = true;
            }
            Err(_) => {}
        }
        metrics::gauge!("countersign_directory_keys").set(management.snapshot.size().1 as f64);
        looks += 1;
        if looks % LOOKS_AN_HOUR == 1 {
            forget_old(&management, clock.now()).await;
        }
    }
}

/// Publishes notices about ended keys to the other nodes, and reads theirs.
pub(super) async fn follow_relays(management: Management, stop: CancellationToken) {
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut mark = String::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        match management.listen(&mark).await {
            Ok(Some(next)) => mark = next,
            // The store belongs to this process alone.
            Ok(None) => return stop.cancelled().await,
            Err(_) => {}
        }
    }
}

/// Deletes old rows. If that fails, the next round in an hour does it.
async fn forget_old(management: &Management, now: Timestamp) {
    let directory = &management.directory;
    let _ = directory.forget_changes(now - CHANGES_KEPT).await;
    let _ = directory.forget_answered(now - idempotency::KEPT).await;
    let _ = directory.forget_invitations(now - KEPT_AFTER_EXPIRY).await;
    let _ = directory.forget_address_uses(now - usage::KEPT).await;
}
