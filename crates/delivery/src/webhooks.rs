//! Webhooks: sends the waiting messages, many at a time, but few to each webhook.
//!
//! A webhook that answers well may have [`WebhookSettings::each`] messages in flight, and the webhooks of one
//! tenant a quarter of all. A webhook that is new, failed or took long may have one message in flight until
//! it has answered well a few times. All webhooks that failed or were slow together have at most half of the
//! slots. So they cannot delay other webhooks.

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

/// The settings for sending to webhooks.
#[derive(Clone, Copy, Debug)]
pub struct WebhookSettings {
    /// The maximum number of messages in flight.
    pub parallel: usize,
    /// The maximum number of messages in flight to one webhook that answers well.
    pub each: usize,
    /// The wait between two checks for due messages.
    pub poll: Duration,
    /// How long a claimed message belongs to its worker. If a worker dies, another one sends its messages
    /// after this time. It must be much longer than `timeout`.
    pub lease: Duration,
    /// The longest time from connecting to the answer.
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

/// The number of webhooks with due messages that one check considers.
const LOOK: u16 = 64;
/// The number of messages of a disabled webhook that one check gives up.
const AT_ONCE: u16 = 500;
/// At the end, messages in flight get this much time. Messages that break off then are sent again.
const LAST: Duration = Duration::from_secs(5);

/// Sends the messages that wait for webhooks.
pub struct Webhooks {
    sender: Arc<Sender>,
    settings: WebhookSettings,
}

/// The position of the checks in the list of webhooks, and the list itself.
#[derive(Default)]
struct Place {
    after: Option<WebhookId>,
    /// The change number of the snapshot that `webhooks` was copied from.
    seen: i64,
    webhooks: HashMap<WebhookId, Arc<Webhook>>,
}

impl Place {
    /// Copies the webhooks if the snapshot has changed. The copy is kept, because a snapshot has many
    /// webhooks and checks are frequent.
    fn follow(&mut self, snapshot: &Snapshot) {
        let seen = snapshot.seen();
        if seen != self.seen {
            let webhooks = snapshot.webhooks().into_iter();
            (self.seen, self.webhooks) = (seen, webhooks.map(|webhook| (webhook.id, webhook)).collect());
        }
    }
}

/// What one check shows about the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Every due message is in flight.
    Emptied,
    /// More messages may be due.
    More,
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

    /// Sends everything that is due now. Returns the number of attempts.
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

    /// Sends until `stop` is set.
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

    /// Claims messages for the free slots, from the position of the last check, once around the list. Returns
    /// whether more may be due.
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
            // Move on before serving it: a webhook that cannot be served must not delay those after it.
            place.after = Some(id);
            // This node does not know the webhook yet, or not any more; a later check serves it.
            let Some(webhook) = place.webhooks.get(&id) else { continue };
            // Its messages are sent once the tenant is enabled again, as far as they are still stored then.
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

    /// Webhooks with due messages: first those after `after`, then the others, so that old webhooks have no
    /// advantage over new ones.
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

    /// Begins as many messages of a webhook as it has slots for. Returns whether it may have more.
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

    /// Gives up messages of a disabled webhook, a limited number at a time. Returns whether more are left.
    async fn end_tries(&self, webhook: &Webhook) -> Result<bool, StoreError> {
        let context = &self.sender.context;
        // The database is asked, because the webhook may have been enabled again in the meantime, which this
        // node's copy does not show yet.
        if is_enabled(context, (webhook.tenant, webhook.id)).await? {
            return Ok(false);
        }
        Ok(context.webhooks.end_tries(webhook.id, AT_ONCE).await? >= AT_ONCE.into())
    }
}
