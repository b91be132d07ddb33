//! The worker: claims due messages and has them sent, many at a time.
//!
//! It claims no more than it has free places for, so a claimed message is sent
//! at once and well within its lease; a slow message holds one place only, and
//! one tenant, slow or not, never all of them (`pool.rs`).

mod pool;

use crate::{
    accounts::Accounts, attempt::Sender, metric, provider::Provider, providers::simulator::Simulator,
};
use countersign_core::{
    context::Context,
    delivery::places::Places,
    error::chain,
    ports::{clock::Clock, codes::outbox::Claim, error::StoreError, nodes::Share},
};
use pool::Pool;
use rand::rngs::StdRng;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    task::JoinError,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSettings {
    /// Messages of one tenant in flight at once; at least 1. Of all tenants
    /// together it is twice as many. Default 32.
    pub parallel: usize,
    /// How long a claimed message belongs to its worker; a message of a worker
    /// that died is sent by another after that. Default 30 s.
    pub lease: Duration,
    /// The longest wait between two looks at the outbox: messages that become
    /// due by time alone wake nobody. At least 10 ms. Default 1 s.
    pub poll: Duration,
    /// How long a provider may take. Default 10 s; half the lease at most, so
    /// that an attempt is settled while it still belongs to its worker.
    pub send_timeout: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            parallel: 32,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            send_timeout: Duration::from_secs(10),
        }
    }
}

impl WorkerSettings {
    fn within_bounds(self) -> Self {
        Self {
            parallel: self.parallel.max(1),
            poll: self.poll.max(Duration::from_millis(10)),
            send_timeout: self.send_timeout.min(self.lease / 2),
            ..self
        }
    }
}

/// The wait after the store did not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Sends the messages of the outbox.
pub struct Worker {
    sender: Arc<Sender>,
    settings: WorkerSettings,
    share: Share,
}

type Sent = Result<Result<(), StoreError>, JoinError>;

/// Polls of its own share before the worker looks at all partitions: one whose
/// worker died, or that two nodes count to each other's, waits no longer than that.
const POLLS_A_ROUND: u32 = 5;

/// Where a look at the outbox looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// Partitions of its share in which something may have become due.
    Arrived,
    Share,
    /// All partitions.
    All,
}

/// What a look at the outbox says about the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// All that was due is in flight.
    Emptied,
    /// More may be due than there were free places, of all or of one tenant.
    Full,
    /// The store did not answer.
    Failed,
}

impl Worker {
    /// A worker that sends live messages as their routes say, those without a
    /// route through `live`, and those of test mode through the simulator.
    /// Without either, live messages wait for a node that has a route.
    pub fn new(
        context: Context,
        (live, accounts): (Option<Arc<dyn Provider>>, Arc<Accounts>),
        clock: Arc<dyn Clock>,
        share: Share,
        public_url: Option<String>,
        settings: WorkerSettings,
    ) -> Self {
        metric::describe();
        let settings = settings.within_bounds();
        let sender = Sender {
            context,
            live,
            simulator: Simulator,
            clock,
            rng: Mutex::new(rand::make_rng::<StdRng>()),
            send_timeout: settings.send_timeout,
            slow_account: (settings.parallel / 2).max(1),
            lease: settings.lease,
            accounts,
            public_url,
        };
        Self { sender: Arc::new(sender), settings, share }
    }

    /// Claims one batch, sends and settles all of it, and says how many
    /// messages it handled. An error of the store is given back, the others of
    /// the batch are settled all the same.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let claims = self.claim(Where::All, Places::of_anybody(self.settings.parallel)).await?;
        let handled = claims.len();
        let mut pool = Pool::new(self.settings.parallel);
        self.begin(claims, &mut pool);
        let mut outcome = Ok(handled);
        while let Some(sent) = pool.join_next().await {
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome = Err(error),
                Err(error) => note_panic(&error),
            }
        }
        outcome
    }

    /// Sends messages until `stop`; then claims no more, settles what is in
    /// flight and returns, at the latest a few seconds after the send time-out.
    pub async fn run(&self, stop: CancellationToken) {
        let mut pool = Pool::new(self.settings.parallel);
        let mut poll = interval(self.settings.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut last, mut polls) = (Look::Emptied, 0u32);
        loop {
            let whither = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(sent) = pool.join_next() => {
                    note(sent);
                    // Nothing was left waiting for the place that is free now.
                    if last == Look::Emptied {
                        continue;
                    }
                    Where::Arrived
                }
                () = self.sender.context.codes.due_arrived(), if pool.has_places() => Where::Arrived,
                _ = poll.tick() => {
                    polls = polls.wrapping_add(1);
                    self.sender.accounts.close_unused(&self.sender.context.snapshot);
                    if polls.is_multiple_of(POLLS_A_ROUND) { Where::All } else { Where::Share }
                }
            };
            while let Some(sent) = pool.try_join_next() {
                note(sent);
            }
            let look = self.look(whither, &mut pool, last).await;
            if look == Look::Failed {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = sleep(STORE_PAUSE) => {}
                }
            }
            last = look;
        }
        while let Some(sent) = pool.join_next().await {
            note(sent);
        }
    }

    /// Claims as many messages as there are places for. An outage of the
    /// store is told once when it begins and once when it ends.
    async fn look(&self, whither: Where, pool: &mut Pool, last: Look) -> Look {
        loop {
            let places = pool.places();
            let most = places.most;
            if most == 0 {
                return Look::Full;
            }
            let asked = Instant::now();
            match self.claim(whither, places).await {
                // What took that long may be another worker's by the time it is sent.
                Ok(claims) if asked.elapsed() > self.settings.lease / 2 => {
                    tracing::warn!(
                        claims = claims.len(),
                        "claims came too late, their messages wait for their lease to end"
                    );
                    return Look::Emptied;
                }
                Ok(claims) => {
                    if last == Look::Failed {
                        tracing::info!("the outbox can be read again");
                    }
                    let found = claims.len();
                    self.begin(claims, pool);
                    if found < most {
                        return if pool.is_anyone_full() { Look::Full } else { Look::Emptied };
                    }
                }
                Err(error) => {
                    if last != Look::Failed {
                        tracing::error!(error = %chain(&error), "the outbox cannot be read, messages wait");
                    }
                    return Look::Failed;
                }
            }
        }
    }

    async fn claim(&self, whither: Where, places: Places) -> Result<Vec<Claim>, StoreError> {
        let Context { codes, partitions, .. } = &self.sender.context;
        let lease = self.settings.lease;
        match whither {
            Where::Arrived => codes.claim_arrived(self.share.get(), lease, places).await,
            Where::Share => codes.claim(self.share.get(), lease, places).await,
            Where::All => codes.claim(0..*partitions, lease, places).await,
        }
    }

    fn begin(&self, claims: Vec<Claim>, pool: &mut Pool) {
        for claim in claims {
            let sender = Arc::clone(&self.sender);
            pool.begin(claim.key.tenant, async move { sender.handle(claim).await });
        }
    }
}

fn note(sent: Sent) {
    match sent {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(error = %chain(&error), "an attempt could not be settled, its message will be taken over");
        }
        Err(error) => note_panic(&error),
    }
}

/// Without the panic's own words: they could hold what the message holds.
fn note_panic(error: &JoinError) {
    tracing::error!(panicked = error.is_panic(), "an attempt broke off, its message will be taken over");
}

#[cfg(test)]
mod tests;
