//! Maintenance: deletes old history, seals stored values with the newest key, and erases deleted tenants.

use super::recorder::Recorder;
use crate::{configuration::HistorySettings, machine};
use countersign_core::{
    access::change::Change,
    context::{Context, Management},
    error::chain,
    management::{
        audit::{Begun, Forgotten, begin_chains, forget_old},
        reseal::{Resealed, reseal_resources},
        reseal_history::{Resealing, reseal_contacts},
        reseal_people::{reseal_invitations, reseal_notices, reseal_people, reseal_phones},
        tenants::{Erased, erase_tenants},
    },
    ports::{
        clock::Clock,
        error::StoreError,
        history::HistoryUpkeep,
        people::{SignInStore, notices::Notices},
    },
    sign_in::upkeep::forget,
};
use rand::{SeedableRng, rngs::StdRng};
use std::{sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);
/// The audit log is cut once in so many rounds: its entries may stay a day longer anyway.
const AUDIT_ROUNDS: u64 = 60;
/// The number of verifications that one step deletes.
const AT_ONCE: u16 = 500;
/// The maximum number of steps in one round: 50,000 verifications a minute, more than one machine creates.
const STEPS: usize = 100;
/// The pause between two pages, so that re-sealing does not slow requests down.
const PAGE_PAUSE: Duration = Duration::from_millis(100);

/// The parts that the jobs use.
pub(super) struct Upkeep {
    pub history: Arc<dyn HistoryUpkeep>,
    pub settings: HistorySettings,
    pub audit_retention: Duration,
    pub context: Context,
    pub people: Arc<dyn SignInStore>,
    pub notices: Arc<dyn Notices>,
    pub clock: Arc<dyn Clock>,
    pub recorder: Arc<Recorder>,
}

impl Upkeep {
    /// Runs a round every minute, until `stop` is set.
    pub async fn run(self, stop: CancellationToken) {
        describe_metrics();
        let mut strays = 0;
        let mut rounds = 0;
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let round = async {
                // A job that fails does not stop the others.
                [
                    self.reseal_resources().await,
                    self.reseal_people().await,
                    forget(&*self.people, self.clock.now()).await,
                    self.delete_old(&mut strays).await,
                    self.reseal().await,
                    self.erase_tenants().await,
                    if rounds % AUDIT_ROUNDS == 0 { self.keep_audit().await } else { Ok(()) },
                ]
            };
            let outcomes = tokio::select! { () = stop.cancelled() => return, outcomes = round => outcomes };
            rounds += 1;
            for error in outcomes.into_iter().filter_map(Result::err) {
                tracing::warn!(error = %chain(&error), "A job of the upkeep failed; it is tried again in a minute");
            }
        }
    }

    async fn delete_old(&self, strays: &mut u64) -> Result<(), StoreError> {
        let now = self.clock.now();
        let arranged = self.history.arrange(now, now - self.settings.retention).await?;
        note_strays(std::mem::replace(strays, arranged.strays), arranged.strays);
        if arranged.dropped > 0 {
            tracing::info!(weeks = arranged.dropped, "Dropped what the history kept for its whole time");
        }
        for _ in 0..STEPS {
            let deleted = self.history.retain(arranged.before, AT_ONCE).await?;
            if deleted < usize::from(AT_ONCE) {
                break;
            }
        }
        for _ in 0..STEPS {
            if self.history.retain_counts(now - self.settings.rollup_retention).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Begins the chains of tenants of an older release, and removes the oldest entries of the audit log.
    async fn keep_audit(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let by = Change::by_system(now);
        let Management { replica, keyring, .. } = &self.context.management;
        let Begun { chains, failed } = begin_chains(&*replica.directory, &by).await?;
        if chains > 0 {
            tracing::info!(begun = chains, "Began the audit logs of tenants that had none");
        }
        for (tenant, error) in failed {
            tracing::error!(tenant.id = %tenant, error = %chain(&error), "The audit log of a tenant cannot be begun");
        }
        // On Redis this is a time of the server's clock. So a node whose clock is ahead removes nothing early.
        let shared = self.context.codes.recorded_until().await?;
        let before = now.min(shared) - self.audit_retention;
        let Forgotten { entries, failed } = forget_old(&*replica.directory, keyring, before, &by).await?;
        for (tenant, error) in failed {
            tracing::error!(tenant.id = %tenant, error = %chain(&error), "The audit log of a tenant cannot be cut");
        }
        if entries > 0 {
            tracing::info!(entries, "Removed what the audit log kept for its whole time");
        }
        Ok(())
    }

    /// Erases the tenants whose 30 days after deletion are over.
    async fn erase_tenants(&self) -> Result<(), StoreError> {
        let Erased { whole, failed } = {
            let Context { management, codes, webhooks, .. } = &self.context;
            erase_tenants(management, &**codes, &**webhooks, self.history.as_ref(), self.clock.now()).await?
        };
        for (tenant, error) in failed {
            tracing::warn!(tenant.id = %tenant, error = %chain(&error), "A deleted tenant is not erased yet");
        }
        for tenant in whole {
            tracing::info!(tenant.id = %tenant, "Erased a tenant that was deleted");
        }
        Ok(())
    }

    /// Seals the settings of accounts and the secrets of webhooks with the newest key, in one go, because
    /// there are few.
    async fn reseal_resources(&self) -> Result<(), StoreError> {
        let mut rng = StdRng::from_rng(&mut machine::rng());
        let Resealed { resealed, unreadable } =
            reseal_resources(&self.context, &Change::by_system(self.clock.now()), &mut rng).await?;
        if resealed > 0 {
            tracing::info!(
                resealed,
                "Sealed settings of providers and secrets of webhooks with the newest key"
            );
        }
        if unreadable > 0 {
            tracing::error!(
                unreadable,
                "Settings of providers or secrets of webhooks do not open with any key of the ring"
            );
        }
        Ok(())
    }

    /// Seals a limited number of persons, their phones, invitations and notices with the newest key.
    async fn reseal_people(&self) -> Result<(), StoreError> {
        let mut rng = StdRng::from_rng(&mut machine::rng());
        let Management { replica, keyring, .. } = &self.context.management;
        let people = reseal_people(&*replica.directory, keyring, &mut rng).await?;
        let invitations = reseal_invitations(&*replica.directory, keyring, &mut rng).await?;
        let phones = reseal_phones(&*self.people, keyring, &mut rng).await?;
        let notices = reseal_notices(&*self.notices, keyring, &mut rng).await?;
        let (mut resealed, mut unreadable) = (0, 0);
        for pass in [people, invitations, phones, notices] {
            resealed += pass.resealed;
            unreadable += pass.unreadable;
        }
        if resealed > 0 {
            tracing::info!(resealed, "Sealed persons, phones, invitations and notices with the newest key");
        }
        if unreadable > 0 {
            tracing::error!(
                unreadable,
                "Persons, phones, invitations or notices do not open with any key of the ring"
            );
        }
        Ok(())
    }

    /// Seals a limited number of contacts with the newest key. Usually there is nothing to do.
    async fn reseal(&self) -> Result<(), StoreError> {
        // A pass counts only for values recorded before this time. Later recordings may still be sealed with
        // an older key and may have been missed by the pass.
        let Some(passed) = self.recorder.passed() else { return Ok(()) };
        // A thread's generator cannot move with a task.
        let mut rng = StdRng::from_rng(&mut machine::rng());
        for _ in 0..STEPS {
            match reseal_contacts(self.history.as_ref(), &self.context.keyring, passed, &mut rng).await? {
                Resealing::Working => sleep(PAGE_PAUSE).await,
                Resealing::Done { unreadable: 0 } => break,
                Resealing::Done { unreadable } => {
                    tracing::error!(
                        unreadable,
                        "Contacts of the history do not open with any key of the ring"
                    );
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Sets the gauge of rows outside any weekly partition. Finding and deleting such rows is slower.
fn note_strays(before: u64, strays: u64) {
    metrics::gauge!("countersign_history_strays").set(strays as f64);
    if strays > before {
        tracing::warn!(
            strays,
            "Rows of the history belong to no week that is kept: is the clock of a node wrong?"
        );
    }
}

fn describe_metrics() {
    metrics::describe_gauge!(
        "countersign_history_strays",
        "Rows in the default partitions of the history, up to 200,000; there should be none"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strays_are_shown_to_whoever_watches() {
        let shown = |line: &str| crate::telemetry::metrics_handle().render().contains(line);
        crate::telemetry::metrics_handle();
        note_strays(0, 7);
        assert!(shown("countersign_history_strays 7"));
        note_strays(7, 0);
        assert!(shown("countersign_history_strays 0"));
    }
}
