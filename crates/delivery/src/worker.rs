//! The worker: claims due messages and sends many at a time.
//!
//! The worker claims only as many messages as it has free slots, so it sends a claimed message at once and
//! well within its lease. A slow message uses one slot only, and one tenant, slow or not, never uses all of
//! them (`pool.rs`).

mod pool;

use crate::{
    accounts::Accounts, attempt::Sender, metric, provider::Provider, providers::simulator::Simulator,
};
use countersign_core::{
    context::Management,
    delivery::places::Places,
    error::chain,
    ports::{
        clock::Clock,
        codes::outbox::{Claim, Outbox},
        error::StoreError,
        nodes::Share,
    },
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

/// The settings of a worker.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSettings {
    /// The maximum number of messages in flight for one tenant, at least 1. All tenants together have twice
    /// as many. Default 32.
    pub parallel: usize,
    /// How long a claimed message belongs to its worker. If a worker dies, another one sends its messages
    /// after this time. Default 30 s.
    pub lease: Duration,
    /// The longest wait between two checks of the outbox. A message that becomes due by time alone wakes no
    /// worker. At least 10 ms. Default 1 s.
    pub poll: Duration,
    /// The longest time for a provider's answer. Default 10 s. At most half the lease, so that an attempt is
    /// settled while it still belongs to its worker.
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
    partitions: u16,
}

type Sent = Result<Result<(), StoreError>, JoinError>;

/// After this many checks of its own share, the worker checks all partitions. This bounds the wait in a
/// partition whose worker died, or that each of two nodes counts as the other's.
const POLLS_A_ROUND: u32 = 5;

/// The partitions that a check of the outbox covers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// The partitions of the worker's share in which a message may have become due.
    Arrived,
    Share,
    All,
}

/// What one check of the outbox shows about the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Every due message is in flight.
    Emptied,
    /// There may be more due messages than free slots, for all tenants or for one.
    Full,
    Failed,
}

impl Worker {
    /// A worker that sends live messages by their delivery routes, live messages without a route through
    /// `live`, and test messages through the simulator. If a live message has no route and there is no
    /// `live`, it waits for a node that has a route.
    pub fn new(
        management: Management,
        (outbox, partitions): (Arc<dyn Outbox>, u16),
        (live, accounts): (Option<Arc<dyn Provider>>, Arc<Accounts>),
        clock: Arc<dyn Clock>,
        share: Share,
        public_url: Option<String>,
        settings: WorkerSettings,
    ) -> Self {
        metric::describe();
        let settings = settings.within_bounds();
        let sender = Sender {
            outbox,
            management,
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
        Self { sender: Arc::new(sender), settings, share, partitions }
    }

    /// Claims one batch, sends and settles all of it, and returns the number of messages. If the store fails
    /// for one message, the others are still settled, and the error is returned.
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

    /// Sends messages until `stop` is set. Then it claims no more, settles the messages in flight, and
    /// returns, at the latest a few seconds after the send time-out.
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
                    // No message was waiting for the slot that is free now.
                    if last == Look::Emptied {
                        continue;
                    }
                    Where::Arrived
                }
                () = self.sender.outbox.due_arrived(), if pool.has_places() => Where::Arrived,
                _ = poll.tick() => {
                    polls = polls.wrapping_add(1);
                    self.sender.accounts.close_unused(&self.sender.management.snapshot);
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

    /// Claims as many messages as there are free slots. An outage of the store is logged once when it begins
    /// and once when it ends.
    async fn look(&self, whither: Where, pool: &mut Pool, last: Look) -> Look {
        loop {
            let places = pool.places();
            let most = places.most;
            if most == 0 {
                return Look::Full;
            }
            let asked = Instant::now();
            match self.claim(whither, places).await {
                // The claim took so long that the messages may belong to another worker before they are sent.
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
        let outbox = &self.sender.outbox;
        let lease = self.settings.lease;
        match whither {
            Where::Arrived => outbox.claim_arrived(self.share.get(), lease, places).await,
            Where::Share => outbox.claim(self.share.get(), lease, places).await,
            Where::All => outbox.claim(0..self.partitions, lease, places).await,
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

/// Does not log the panic's own text, which could contain a part of the message.
fn note_panic(error: &JoinError) {
    tracing::error!(panicked = error.is_panic(), "an attempt broke off, its message will be taken over");
}

#[cfg(test)]
mod tests;
