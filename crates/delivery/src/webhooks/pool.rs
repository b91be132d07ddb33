//! The slots for messages in flight.

use countersign_core::{
    error::chain,
    id::{TenantId, WebhookId},
    ports::error::StoreError,
};
use std::{
    collections::HashMap,
    future::Future,
    time::{Duration, Instant},
};
use tokio::task::{Id, JoinSet};

/// An attempt that took longer makes its webhook a slow one.
const SLOW: Duration = Duration::from_secs(2);
/// The maximum number of webhooks whose behaviour is remembered. Beyond that, all of it is forgotten and
/// learnt again.
const REMEMBERED: usize = 10_000;
/// The number of good answers in a row after which a webhook may have several messages in flight.
const GOOD: u8 = 3;

/// What an attempt shows about its webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// The webhook accepted the message in time.
    Fine,
    /// The attempt failed.
    Failed,
}

/// A webhook with its tenant.
pub(super) type Owned = (TenantId, WebhookId);

struct Ended {
    took: Duration,
    outcome: Result<Pace, StoreError>,
}

/// The messages in flight, and how well each webhook answers.
pub(super) struct Pool {
    parallel: usize,
    each: usize,
    tasks: JoinSet<Ended>,
    /// The webhook of each task. A task that breaks off cannot report its webhook itself.
    flying: HashMap<Id, Owned>,
    /// The number of good answers in a row of each webhook, at most [`GOOD`].
    good: HashMap<WebhookId, u8>,
    begun: usize,
}

impl Pool {
    pub fn new(parallel: usize, each: usize) -> Self {
        let (flying, good) = (HashMap::new(), HashMap::new());
        Self { parallel, each, tasks: JoinSet::new(), flying, good, begun: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The number of attempts begun so far.
    pub fn begun(&self) -> usize {
        self.begun
    }

    /// Returns whether every slot is in use.
    pub fn is_full(&self) -> bool {
        self.tasks.len() >= self.parallel
    }

    /// How many more messages of a webhook may be sent now.
    pub fn places(&self, (tenant, webhook): Owned) -> usize {
        let flying = |of: &dyn Fn(&Owned) -> bool| self.flying.values().filter(|one| of(one)).count();
        let free = self.parallel.saturating_sub(self.tasks.len());
        // The webhooks of one tenant have at most a quarter of the slots.
        let share = (self.parallel / 4).max(self.each);
        let free = free.min(share.saturating_sub(flying(&|one| one.0 == tenant)));
        let mine = flying(&|one| one.1 == webhook);
        let one = 1usize.saturating_sub(mine);
        match self.good.get(&webhook) {
            Some(&GOOD) => free.min(self.each.saturating_sub(mine)),
            Some(_) => {
                let slow = flying(&|one| self.good.get(&one.1).is_some_and(|good| *good < GOOD));
                let room = (self.parallel / 2).max(1).saturating_sub(slow);
                free.min(room).min(one)
            }
            // Nothing is known about this webhook yet.
            None => free.min(one),
        }
    }

    pub fn begin(
        &mut self,
        webhook: Owned,
        attempt: impl Future<Output = Result<Pace, StoreError>> + Send + 'static,
    ) {
        self.begun += 1;
        let task = self.tasks.spawn(async move {
            let began = Instant::now();
            let outcome = attempt.await;
            Ended { took: began.elapsed(), outcome }
        });
        self.flying.insert(task.id(), webhook);
    }

    /// Waits until one attempt ends. Returns `false` if none is in flight.
    pub async fn join_next(&mut self) -> bool {
        let Some(joined) = self.tasks.join_next_with_id().await else { return false };
        let task = joined.as_ref().map_or_else(|error| error.id(), |(task, _)| *task);
        let Some((_, webhook)) = self.flying.remove(&task) else { return true };
        match joined {
            Ok((_, Ended { took, outcome })) => match outcome {
                Ok(Pace::Fine) if took < SLOW => self.note(webhook, true),
                Ok(_) => self.note(webhook, false),
                Err(error) => tracing::error!(
                    error = %chain(&error), webhook.id = %webhook,
                    "A try at a webhook could not be noted; it is made again after its lease"
                ),
            },
            Err(error) => {
                tracing::error!(panicked = error.is_panic(), webhook.id = %webhook, "A try at a webhook broke off");
                self.note(webhook, false);
            }
        }
        true
    }

    fn note(&mut self, webhook: WebhookId, well: bool) {
        if self.good.len() >= REMEMBERED {
            self.good.clear();
        }
        let good = self.good.entry(webhook).or_default();
        *good = if well { (*good + 1).min(GOOD) } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    fn of(tenant: u8, webhook: u8) -> Owned {
        (TenantId::from_bytes([tenant; 16]), WebhookId::from_bytes([webhook; 16]))
    }

    /// A webhook of a tenant of its own.
    fn id(byte: u8) -> Owned {
        of(byte, byte)
    }

    /// Makes one attempt with each of these results, one after the other.
    async fn answer(pool: &mut Pool, webhook: Owned, paces: &[Pace]) {
        for pace in paces {
            pool.begin(webhook, ready(Ok(*pace)));
            assert!(pool.join_next().await);
        }
    }

    #[tokio::test]
    async fn a_webhook_gets_several_places_once_it_answers_well() {
        let mut pool = Pool::new(32, 4);
        for places in [1, 1, 1, 4] {
            assert_eq!(pool.places(id(1)), places);
            answer(&mut pool, id(1), &[Pace::Fine]).await;
        }
        answer(&mut pool, id(1), &[Pace::Failed]).await;
        assert_eq!(pool.places(id(1)), 1, "from the beginning");
        answer(&mut pool, id(1), &[Pace::Fine; 3]).await;
        assert_eq!(pool.places(id(1)), 4);
        assert!(!pool.join_next().await);
    }

    #[tokio::test]
    async fn slow_ones_hold_half_of_all_places() {
        let mut pool = Pool::new(4, 2);
        for byte in 1..=3 {
            answer(&mut pool, id(byte), &[Pace::Failed]).await;
        }
        for byte in 1..=2 {
            pool.begin(id(byte), pending());
        }
        assert_eq!(pool.places(id(3)), 0, "half of the places are held by slow ones");
        assert_eq!(pool.places(id(4)), 1, "the others are free");
    }

    #[tokio::test]
    async fn a_tenant_with_many_webhooks_holds_a_quarter() {
        let mut pool = Pool::new(32, 4);
        for webhook in 1..=3 {
            answer(&mut pool, of(1, webhook), &[Pace::Fine; 3]).await;
        }
        for webhook in 1..=2 {
            for _ in 0..pool.places(of(1, webhook)) {
                pool.begin(of(1, webhook), pending());
            }
        }
        assert_eq!((pool.places(of(1, 3)), pool.places(of(2, 4))), (0, 1));
    }

    #[tokio::test]
    async fn one_that_breaks_off_gives_its_place_back() {
        let mut pool = Pool::new(2, 2);
        pool.begin(id(1), async { panic!("on purpose") });
        pool.begin(id(2), pending());
        assert!(pool.is_full());
        assert!(pool.join_next().await);
        assert_eq!((pool.is_full(), pool.places(id(1)), pool.places(id(3))), (false, 1, 1));
    }
}
