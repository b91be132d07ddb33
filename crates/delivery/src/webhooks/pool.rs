//! The places in which messages are in flight.

use countersign_core::{cause::chain, id::WebhookId, ports::StoreError};
use std::{
    collections::{HashMap, HashSet},
    future::Future,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// A try that took longer makes its webhook a slow one.
const SLOW: Duration = Duration::from_secs(2);
/// Slow webhooks that are remembered; beyond that, all are found out anew.
const REMEMBERED: usize = 10_000;

/// What a try says of its webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It took the message.
    Fine,
    /// It did not.
    Failed,
}

struct Ended {
    webhook: WebhookId,
    took: Duration,
    outcome: Result<Pace, StoreError>,
}

/// Messages in flight, and which webhooks are slow.
pub(super) struct Pool {
    parallel: usize,
    each: usize,
    tasks: JoinSet<Ended>,
    flying: HashMap<WebhookId, usize>,
    slow: HashSet<WebhookId>,
    begun: usize,
}

impl Pool {
    pub fn new(parallel: usize, each: usize) -> Self {
        let (flying, slow) = (HashMap::new(), HashSet::new());
        Self { parallel, each, tasks: JoinSet::new(), flying, slow, begun: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Tries since the beginning.
    pub fn begun(&self) -> usize {
        self.begun
    }

    /// How many messages of a webhook may be sent besides those in flight.
    pub fn places(&self, webhook: WebhookId) -> usize {
        let free = self.parallel.saturating_sub(self.tasks.len());
        let flying = self.flying.get(&webhook).copied().unwrap_or(0);
        if !self.slow.contains(&webhook) {
            return free.min(self.each.saturating_sub(flying));
        }
        let slow: usize = self.slow.iter().filter_map(|one| self.flying.get(one)).sum();
        let room = (self.parallel / 2).max(1).saturating_sub(slow);
        free.min(room).min(1usize.saturating_sub(flying))
    }

    pub fn begin(
        &mut self,
        webhook: WebhookId,
        attempt: impl Future<Output = Result<Pace, StoreError>> + Send + 'static,
    ) {
        *self.flying.entry(webhook).or_default() += 1;
        self.begun += 1;
        self.tasks.spawn(async move {
            let began = Instant::now();
            let outcome = attempt.await;
            Ended { webhook, took: began.elapsed(), outcome }
        });
    }

    /// Waits for one to end; `false` when none is in flight.
    pub async fn join_next(&mut self) -> bool {
        let Some(joined) = self.tasks.join_next().await else { return false };
        match joined {
            Ok(Ended { webhook, took, outcome }) => {
                match outcome {
                    Ok(Pace::Fine) if took < SLOW => drop(self.slow.remove(&webhook)),
                    Ok(_) => self.note_slow(webhook),
                    Err(error) => tracing::error!(
                        error = %chain(&error), webhook.id = %webhook,
                        "A try at a webhook could not be noted; it is made again after its lease"
                    ),
                }
                self.land(webhook);
            }
            Err(error) => {
                // Whose it was is not known any more, so all begin anew.
                tracing::error!(panicked = error.is_panic(), "A try at a webhook broke off");
                if self.tasks.is_empty() {
                    self.flying.clear();
                }
            }
        }
        true
    }

    fn land(&mut self, webhook: WebhookId) {
        if let Some(flying) = self.flying.get_mut(&webhook) {
            *flying = flying.saturating_sub(1);
            if *flying == 0 {
                self.flying.remove(&webhook);
            }
        }
    }

    fn note_slow(&mut self, webhook: WebhookId) {
        if self.slow.len() >= REMEMBERED {
            self.slow.clear();
        }
        self.slow.insert(webhook);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> WebhookId {
        WebhookId::from_bytes([byte; 16])
    }

    #[tokio::test]
    async fn one_webhook_holds_few_places_and_slow_ones_half_of_all() {
        let mut pool = Pool::new(4, 2);
        assert_eq!(pool.places(id(1)), 2);
        pool.begin(id(1), std::future::ready(Ok(Pace::Failed)));
        assert_eq!((pool.places(id(1)), pool.places(id(2))), (1, 2));
        assert!(pool.join_next().await);
        for byte in 2..=3 {
            pool.begin(id(byte), std::future::ready(Ok(Pace::Failed)));
        }
        while pool.join_next().await {}
        assert_eq!(pool.places(id(1)), 1, "it failed, so it gets one place");
        for byte in 1..=2 {
            pool.begin(id(byte), std::future::pending());
        }
        assert_eq!(pool.places(id(3)), 0, "half of the places are held by slow ones");
        assert_eq!(pool.places(id(4)), 2, "the others are free");
    }

    #[tokio::test]
    async fn one_that_answers_again_is_not_slow_any_more() {
        let mut pool = Pool::new(4, 2);
        for pace in [Pace::Failed, Pace::Fine] {
            pool.begin(id(1), std::future::ready(Ok(pace)));
            assert!(pool.join_next().await);
        }
        assert_eq!(pool.places(id(1)), 2);
        assert!(!pool.join_next().await);
    }
}
