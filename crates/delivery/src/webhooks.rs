//! Webhooks: sends what waits for them, many at a time, few to each.
//!
//! A webhook that answers well holds [`WebhookSettings::each`] places at most,
//! and those of one tenant a quarter of all. One that is new, failed or took
//! long holds one place until it answered well a few times, and all of which
//! something bad is known together no more than half, so that they stall nobody else.

mod attempt;
mod pool;

use crate::{metric, outbound::Outbound};
use attempt::Sender;
use countersign_core::{
    context::Context,
    error::chain,
    id::WebhookId,
    management::webhooks::is_enabled,
    ports::{clock::Clock, error::StoreError},
    snapshot::Snapshot,
    time::Timestamp,
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
/// Messages of a disabled webhook whose tries one look ends.
const AT_ONCE: u16 = 500;
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

    /// Claims what there are places for, from where the last look stopped, once
    /// around. Whether more may be due.
    async fn look(&self, pool: &mut Pool, place: &mut Place) -> Result<bool, StoreError> {
        let now = self.sender.clock.now();
        let (due, mut more) = self.due(place.after, now).await?;
        if due.is_empty() {
            return Ok(false);
        }
        place.follow(&self.sender.context.snapshot);
        for id in due {
            if pool.is_full() {
                return Ok(true);
            }
            // Before it is served: one that cannot be must not hold up those after it.
            place.after = Some(id);
            // One that this node does not know yet, or no more, waits for another look.
            let Some(webhook) = place.webhooks.get(&id) else { continue };
            // It is told once the tenant is enabled again, of what is kept until then.
            if self.sender.context.snapshot.is_disabled(webhook.tenant) {
                continue;
            }
            more |= if webhook.enabled {
                self.serve(pool, webhook, now).await?
            } else {
                self.end_tries(webhook).await?
            };
        }
        Ok(more)
    }

    /// Webhooks with due messages, those after `after` first and then the others,
    /// so that the oldest have no better turn than the youngest.
    async fn due(
        &self,
        after: Option<WebhookId>,
        now: Timestamp,
    ) -> Result<(Vec<WebhookId>, bool), StoreError> {
        let webhooks = &self.sender.context.webhooks;
        let mut due = webhooks.due(after, now, LOOK).await?;
        let room = LOOK.saturating_sub(due.len() as u16);
        let mut whole = room > 0;
        if whole && after.is_some() {
            let before = webhooks.due(None, now, room).await?;
            whole = before.len() < usize::from(room);
            due.extend(before.into_iter().filter(|id| Some(*id) <= after));
        }
        Ok((due, !whole))
    }

    /// Begins as many messages of a webhook as it has places for. Whether it may have more.
    async fn serve(
        &self,
        pool: &mut Pool,
        webhook: &Arc<Webhook>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let of = (webhook.tenant, webhook.id);
        let places = pool.places(of);
        if places == 0 {
            return Ok(true);
        }
        let until = now + self.settings.lease;
        let claims = self.sender.context.webhooks.claim(webhook.id, (now, until), places as u16).await?;
        let more = claims.len() == places;
        for claim in claims {
            let (sender, webhook) = (Arc::clone(&self.sender), Arc::clone(webhook));
            pool.begin(of, async move { sender.handle(&webhook, claim).await });
        }
        Ok(more)
    }

    /// Ends tries of a webhook that is disabled, a bounded number at a time. Whether more are left.
    async fn end_tries(&self, webhook: &Webhook) -> Result<bool, StoreError> {
        let context = &self.sender.context;
        // What waits may have come after somebody enabled it again, which this
        // node's copy does not show yet.
        if is_enabled(context, (webhook.tenant, webhook.id)).await? {
            return Ok(false);
        }
        Ok(context.webhooks.end_tries(webhook.id, AT_ONCE).await? >= AT_ONCE.into())
    }
}
