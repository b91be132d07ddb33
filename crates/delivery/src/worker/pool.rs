//! The send slots of a worker, and how many of them a tenant may use.
//!
//! A tenant may begin another message while it uses fewer slots than are free. So one tenant alone uses at
//! most half of the slots, the next one half of the rest, and so on: of 64 slots, seven tenants get at least
//! one each, even if each takes all that it may. A tenant whose messages take long counts as slow for a
//! while. All slow tenants together use at most half of the slots, divided by the same rule.

use countersign_core::{
    delivery::places::{Places, Room},
    id::TenantId,
    ports::error::StoreError,
};
use std::{collections::HashMap, future::Future, time::Duration};
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::Instant,
};

/// A message that takes longer makes its tenant slow.
const SLOW: Duration = Duration::from_secs(2);
/// A tenant stops being slow this long after its last slow message.
const SLOW_FOR: Duration = Duration::from_secs(30);
/// The wait between two searches for slow messages in flight.
const LOOK: Duration = Duration::from_millis(100);
/// The maximum number of slow tenants that are remembered.
const REMEMBERED: usize = 64;

struct Flight {
    tenant: TenantId,
    since: Instant,
}

/// The messages in flight, and the slow tenants.
pub(super) struct Pool {
    parallel: usize,
    sends: JoinSet<Result<(), StoreError>>,
    flights: HashMap<Id, Flight>,
    /// The number of messages in flight of each tenant.
    held: HashMap<TenantId, usize>,
    /// The time of the last search for slow messages.
    looked: Instant,
    /// For each slow tenant, when one of its messages was last seen to take long.
    slow: HashMap<TenantId, Instant>,
}

impl Pool {
    pub fn new(parallel: usize) -> Self {
        let (sends, flights, slow) = (JoinSet::new(), HashMap::new(), HashMap::new());
        Self { parallel, sends, flights, held: HashMap::new(), looked: Instant::now(), slow }
    }

    /// All slots: those that one tenant may use, and as many again.
    fn total(&self) -> usize {
        2 * self.parallel
    }

    fn free(&self) -> usize {
        self.total().saturating_sub(self.flights.len())
    }

    pub fn has_places(&self) -> bool {
        self.free() > 0
    }

    /// The free slots, for the next claim.
    pub fn places(&mut self) -> Places {
        let now = Instant::now();
        if now.duration_since(self.looked) >= LOOK {
            self.looked = now;
            self.note_slow(now);
        }
        let free = self.free();
        let most = self.room(0, free);
        let held = |tenant: &TenantId| self.held.get(tenant).copied().unwrap_or_default();
        let held_by_slow: usize = self.slow.keys().map(held).sum();
        let slow_free = self.parallel.saturating_sub(held_by_slow).min(free);
        let slow = self.slow.keys().map(|tenant| Room {
            tenant: *tenant,
            most: self.room(held(tenant), slow_free),
            slow: true,
        });
        let others = self.held.iter().filter(|(tenant, _)| !self.slow.contains_key(tenant));
        let others =
            others.map(|(tenant, held)| Room { tenant: *tenant, most: self.room(*held, free), slow: false });
        // A tenant that is not listed may take `most`.
        let rooms = slow.chain(others.filter(|room| room.most < most)).collect();
        Places::new(most, slow_free, rooms)
    }

    /// How many more sends a tenant with `held` sends in progress may begin. Each takes one of the `free` slots.
    fn room(&self, held: usize, free: usize) -> usize {
        self.parallel.saturating_sub(held).min(free.saturating_sub(held).div_ceil(2))
    }

    /// Returns whether messages of a tenant may have been left in the outbox because it had no free slot.
    pub fn is_anyone_full(&mut self) -> bool {
        let places = self.places();
        places.most == 0 || places.rooms().iter().any(|room| places.room(room.tenant) == 0)
    }

    pub fn begin(
        &mut self,
        tenant: TenantId,
        send: impl Future<Output = Result<(), StoreError>> + Send + 'static,
    ) {
        let id = self.sends.spawn(send).id();
        self.flights.insert(id, Flight { tenant, since: Instant::now() });
        *self.held.entry(tenant).or_default() += 1;
    }

    /// Waits until one send ends. Returns `None` if none is in flight.
    pub async fn join_next(&mut self) -> Option<Result<Result<(), StoreError>, JoinError>> {
        let joined = self.sends.join_next_with_id().await?;
        Some(self.land(joined))
    }

    /// A send that has already ended, if there is one.
    pub fn try_join_next(&mut self) -> Option<Result<Result<(), StoreError>, JoinError>> {
        let joined = self.sends.try_join_next_with_id()?;
        Some(self.land(joined))
    }

    fn land(
        &mut self,
        joined: Result<(Id, Result<(), StoreError>), JoinError>,
    ) -> Result<Result<(), StoreError>, JoinError> {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let now = Instant::now();
        if let Some(Flight { tenant, since }) = self.flights.remove(&id) {
            if now.duration_since(since) > SLOW {
                self.slow.insert(tenant, now);
            }
            if let Some(held) = self.held.get_mut(&tenant) {
                *held -= 1;
                if *held == 0 {
                    self.held.remove(&tenant);
                }
            }
        }
        joined.map(|(_, sent)| sent)
    }

    fn note_slow(&mut self, now: Instant) {
        for flight in self.flights.values().filter(|flight| now.duration_since(flight.since) > SLOW) {
            self.slow.insert(flight.tenant, now);
        }
        self.slow.retain(|_, at| now.duration_since(*at) < SLOW_FOR);
        while self.slow.len() > REMEMBERED {
            let oldest = self.slow.iter().min_by_key(|(_, at)| **at).map(|(tenant, _)| *tenant);
            oldest.map(|tenant| self.slow.remove(&tenant));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> TenantId {
        TenantId::from_bytes([byte; 16])
    }

    /// Begins as many messages of a tenant as it may have. Returns their number.
    fn fill(pool: &mut Pool, tenant: TenantId) -> usize {
        let mut begun = 0;
        while pool.places().room(tenant) > 0 {
            pool.begin(tenant, std::future::pending());
            begun += 1;
        }
        begun
    }

    #[tokio::test(start_paused = true)]
    async fn one_alone_holds_parallel_and_the_next_ones_find_room() {
        let mut pool = Pool::new(32);
        assert_eq!((pool.places().most, pool.places().room(id(1))), (32, 32));
        assert_eq!(fill(&mut pool, id(1)), 32);
        assert_eq!(pool.places().most, 16);
        let others: Vec<_> = (2..=8).map(|byte| fill(&mut pool, id(byte))).collect();
        assert_eq!(others, [16, 8, 4, 2, 1, 1, 0]);
        for parallel in 1..=200 {
            let mut pool = Pool::new(parallel);
            assert_eq!(fill(&mut pool, id(1)), parallel);
            assert!(pool.is_anyone_full());
            assert!(fill(&mut pool, id(2)) > 0, "{parallel}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_claim_is_never_given_more_than_a_tenant_may_hold() {
        let mut pool = Pool::new(32);
        for _ in 0..30 {
            pool.begin(id(1), std::future::pending());
        }
        let places = pool.places();
        assert_eq!((places.room(id(1)), places.most), (2, 17));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_tenants_hold_half_together() {
        let mut pool = Pool::new(32);
        for byte in 1..=40 {
            pool.begin(id(byte), std::future::pending());
        }
        tokio::time::advance(SLOW * 2).await;
        let places = pool.places();
        assert_eq!((places.slow(), places.room(id(1)), places.room(id(41))), (0, 0, 12));
        assert!(pool.is_anyone_full());

        let mut pool = Pool::new(32);
        for byte in 1..=3 {
            pool.begin(id(byte), async {
                tokio::time::sleep(SLOW * 2).await;
                Ok(())
            });
        }
        while pool.join_next().await.is_some() {}
        assert_eq!(fill(&mut pool, id(1)), 16);
        assert!(fill(&mut pool, id(2)) > 0);
        fill(&mut pool, id(3));
        assert!(pool.flights.len() <= 32, "{}", pool.flights.len());
        assert!(fill(&mut pool, id(4)) >= 16, "the other half is free");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_one_is_forgotten_and_few_are_remembered() {
        let mut pool = Pool::new(200);
        for byte in 0..100 {
            pool.begin(id(byte), async {
                tokio::time::sleep(SLOW * 2).await;
                Ok(())
            });
        }
        while pool.join_next().await.is_some() {}
        assert_eq!(pool.places().rooms().len(), REMEMBERED);
        tokio::time::advance(SLOW_FOR).await;
        assert_eq!((pool.places().rooms().len(), pool.places().room(id(1))), (0, 200));
    }

    #[tokio::test]
    async fn one_that_breaks_off_gives_its_place_back() {
        let mut pool = Pool::new(1);
        pool.begin(id(1), async { panic!("a defect") });
        assert!(pool.join_next().await.unwrap().is_err());
        assert!(pool.flights.is_empty() && pool.held.is_empty() && pool.join_next().await.is_none());
    }
}
