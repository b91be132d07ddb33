//! Webhooks: sends what waits for them, many at a time, few to each.
//!
//! A webhook that answers holds [`WebhookSettings::each`] places at most. One
//! whose last try failed or took long is slow: it holds one place, and all
//! slow ones together no more than half, so that they stall nobody else.

mod attempt;
mod pool;

use crate::{metric, outbound::Outbound};
use attempt::Sender;
use countersign_core::{
    Context,
    cause::chain,
    id::WebhookId,
    ports::{Clock, StoreError},
    snapshot::Snapshot,
    webhook::Webhook,
};
use pool::Pool;
use rand::rngs::StdRng;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How webhooks are sent to.
#[derive(Clone, Copy, Debug)]
pub struct WebhookSettings {
    /// Messages in flight at once.
    pub parallel: usize,
    /// Of them to one webhook that answers well.
    pub each: usize,
    /// Between two looks at what is due.
    pub poll: Duration,
    /// How long a claimed message belongs to its worker; one of a worker that
    /// died is sent by another after that. Longer than `timeout` by far.
    pub lease: Duration,
    /// From connecting to the answer.
    pub timeout: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            parallel: 32,
            each: 4,
            poll: Duration::from_millis(500),
            lease: Duration::from_secs(60),
            timeout: Duration::from_secs(15),
        }
    }
}

/// Webhooks with due messages that one look considers.
const LOOK: u16 = 64;
/// What is in flight at the end may take so long; what then breaks off is sent again.
const LAST: Duration = Duration::from_secs(5);

/// Sends the messages that wait for webhooks.
pub struct Webhooks {
    sender: Arc<Sender>,
    settings: WebhookSettings,
}

/// Where the looks are: how far through the webhooks, and which there are.
#[derive(Default)]
struct Place {
    after: Option<WebhookId>,
    /// The change up to which `webhooks` holds them all.
    seen: i64,
    webhooks: HashMap<WebhookId, Arc<Webhook>>,
}

impl Place {
    /// A snapshot holds many, and looks are frequent.
    fn follow(&mut self, snapshot: &Snapshot) {
        let seen = snapshot.seen();
        if seen != self.seen {
            let webhooks = snapshot.webhooks().into_iter();
            (self.seen, self.webhooks) = (seen, webhooks.map(|webhook| (webhook.id, webhook)).collect());
        }
    }
}

/// What a look says about the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// All that was due is in flight.
    Emptied,
    /// More may be due.
    More,
    /// The store did not answer.
    Failed,
}

impl Webhooks {
    /// A sender that calls through `outbound`.
    pub fn new(
        context: Context,
        outbound: Outbound,
        clock: Arc<dyn Clock>,
        settings: WebhookSettings,
    ) -> Self {
        metric::describe_webhooks();
        let rng = Mutex::new(rand::make_rng::<StdRng>());
        let sender = Sender { context, outbound, clock, rng, timeout: settings.timeout };
        Self { sender: Arc::new(sender), settings }
    }

    /// Sends all that is due now, and says how many tries that were.
    pub async fn run_once(&self) -> Result<usize, StoreError> {
        let (mut pool, mut place, mut tries) = (self.pool(), Place::default(), 0);
        loop {
            let before = pool.begun();
            let more = self.look(&mut pool, &mut place).await?;
            tries += pool.begun() - before;
            if !pool.join_next().await && !more {
                return Ok(tries);
            }
        }
    }

    /// Sends until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let (mut pool, mut place) = (self.pool(), Place::default());
        let (mut poll, mut last) = (interval(self.settings.poll), Look::Emptied);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                joined = pool.join_next(), if !pool.is_empty() => {
                    if !joined || last != Look::More {
                        continue;
                    }
                }
                _ = poll.tick() => {}
            }
            last = match self.look(&mut pool, &mut place).await {
                Ok(more) => {
                    if last == Look::Failed {
                        tracing::info!("What waits for webhooks can be read again");
                    }
                    if more { Look::More } else { Look::Emptied }
                }
                Err(error) => {
                    if last != Look::Failed {
                        tracing::error!(error = %chain(&error), "What waits for webhooks cannot be read");
                    }
                    Look::Failed
                }
            };
        }
        let rest = async { while pool.join_next().await {} };
        if timeout(LAST, rest).await.is_err() {
            tracing::info!("Tries at webhooks were broken off; they are made again after their lease");
        }
    }

    fn pool(&self) -> Pool {
        Pool::new(self.settings.parallel, self.settings.each)
    }

    /// Claims what there are places for, from where the last look stopped.
    /// Whether more may be due.
    async fn look(&self, pool: &mut Pool, place: &mut Place) -> Result<bool, StoreError> {
        let Context { webhooks, snapshot, .. } = &self.sender.context;
        let now = self.sender.clock.now();
        let due = webhooks.due(place.after, now, LOOK).await?;
        let wrapped = due.len() < usize::from(LOOK);
        place.after = due.last().copied().filter(|_| !wrapped);
        let mut more = !wrapped;
        if due.is_empty() {
            return Ok(false);
        }
        place.follow(snapshot);
        for id in due {
            // One that this node does not know yet, or no more, waits for another look.
            let Some(webhook) = place.webhooks.get(&id) else { continue };
            if !webhook.enabled {
                webhooks.end_tries(id).await?;
                continue;
            }
            let places = pool.places(id);
            if places == 0 {
                more = true;
                continue;
            }
            let until = now + self.settings.lease;
            let claims = webhooks.claim(id, (now, until), places as u16).await?;
            more |= claims.len() == places;
            for claim in claims {
                let (sender, webhook) = (Arc::clone(&self.sender), Arc::clone(webhook));
                pool.begin(id, async move { sender.handle(&webhook, claim).await });
            }
        }
        Ok(more)
    }
}
