//! The outbox: claims, settlements, and the partitions in which messages have arrived.

use super::{
    arrivals::Arrivals,
    claim::{Found, claim},
    store::Store,
};
use countersign_core::{
    delivery::places::Places,
    id::TenantId,
    ports::{codes::outbox::Claim, error::StoreError},
};
use futures_util::future::join_all;
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

/// The number of partitions that are asked at once.
const AT_ONCE: usize = 16;

pub(super) struct Outbox {
    pub(super) store: Arc<Store>,
    arrivals: Arc<Arrivals>,
    /// The partitions that did not answer, and when.
    failed: Mutex<HashMap<u16, Instant>>,
    /// The messages that the last claim left in each partition; partitions without any are not listed.
    lines: Mutex<HashMap<u16, Line>>,
    /// The partition that was asked last. The next claim begins after it.
    turn: AtomicU16,
}

/// The messages of a partition that wait for a free slot.
#[derive(Default)]
struct Line {
    /// Tenants without a free slot, of which messages stay in the outbox.
    left: Vec<TenantId>,
    /// The tenant whose message was taken last. The next claim begins with another tenant.
    after: Option<TenantId>,
}

/// For this long, a partition that did not answer is asked after all others.
const LAST_FOR: Duration = Duration::from_secs(5);

impl Outbox {
    pub fn new(store: Arc<Store>) -> Self {
        let (arrivals, failed, lines) = Default::default();
        Self { store, arrivals, failed, lines, turn: AtomicU16::default() }
    }

    pub fn arrivals(&self) -> Arc<Arrivals> {
        Arc::clone(&self.arrivals)
    }

    pub fn arrived(&self, partition: u16) {
        self.arrivals.note(partition);
    }

    pub async fn due_arrived(&self) {
        self.arrivals.wait().await;
    }

    pub async fn claim(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        self.arrivals.take(partitions.clone());
        self.claim_from(partitions.collect(), Vec::new(), lease, places).await
    }

    pub async fn claim_arrived(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        let arrived = self.arrivals.take(partitions.clone());
        let left: Vec<u16> = {
            let is_left =
                |one: &u16| partitions.contains(one) && !arrived.contains(one) && !self.failed_lately(*one);
            self.lines().keys().copied().filter(is_left).collect()
        };
        self.claim_from(arrived, left, lease, places).await
    }

    /// Claims from some partitions at once. Each gets an equal share of the free slots, so the total never
    /// exceeds them. Partitions with more messages are asked again, and those that still have some at the end
    /// are recorded as arrived. Partitions in `left` are asked only for tenants that have free slots again.
    /// Partitions of a master that does not answer come last, and only while nothing has been claimed,
    /// because its silence must not delay the messages of others.
    async fn claim_from(
        &self,
        partitions: Vec<u16>,
        left: Vec<u16>,
        lease: Duration,
        mut places: Places,
    ) -> Result<Vec<Claim>, StoreError> {
        let partitions = self.in_turn(partitions).into_iter();
        let (last, first): (Vec<_>, Vec<_>) = partitions.partition(|one| self.failed_lately(*one));
        let (mut claims, mut rest) = (Vec::new(), VecDeque::from(first));
        let mut left = VecDeque::from(self.in_turn(left));
        let mut last = Some(last);
        let (mut failed, mut failures, mut asked) = (None, 0, 0);
        loop {
            let mut now = self.next_left(&mut left, &places);
            now.extend(rest.drain(..rest.len().min(AT_ONCE.min(places.most) - now.len())));
            if now.is_empty()
                && let Some(last) = last.take()
            {
                rest.extend(last);
                now.extend(rest.drain(..rest.len().min(AT_ONCE.min(places.most))));
            }
            // Return what is claimed now. Messages behind a failed partition must not delay claimed ones.
            if now.is_empty() || (failures > 0 && !claims.is_empty()) {
                rest.extend(now);
                break;
            }
            let mut again = Vec::new();
            for (partition, found) in self.claim_each(now, lease, &places).await {
                asked += 1;
                match found {
                    Ok(found) => {
                        found.claims.iter().for_each(|claim| places.take(claim.key.tenant));
                        claims.extend(found.claims);
                        again.push((partition, found.more, found.left));
                    }
                    Err(error) => {
                        failures += 1;
                        failed = Some(error);
                    }
                }
            }
            // The partition's part of a tenant's slots may have been too small.
            let has_more = |more, left: &[TenantId]| more || left.iter().any(|one| places.room(*one) > 0);
            rest.extend(again.iter().filter(|(_, more, left)| has_more(*more, left)).map(|(one, ..)| *one));
            if !claims.is_empty() {
                // Failed partitions are asked later, unless nothing was claimed.
                last = None;
            }
        }
        // If one of several masters is down, the messages of the others are still sent.
        if let Some(error) = failed
            && failures == asked
        {
            return Err(error);
        }
        rest.iter().for_each(|partition| self.arrivals.note(*partition));
        Ok(claims)
    }

    /// Claims from some partitions at once, each with an equal part of the slots.
    async fn claim_each(
        &self,
        partitions: Vec<u16>,
        lease: Duration,
        places: &Places,
    ) -> Vec<(u16, Result<Found, StoreError>)> {
        if let Some(last) = partitions.last() {
            self.turn.store(*last, Ordering::Relaxed);
        }
        let parts = partitions.len();
        let one = async |(part, partition)| {
            let after = self.lines().get(&partition).and_then(|line| line.after);
            let found = claim(&self.store, partition, lease, &places.split(parts, part), after).await;
            self.note_answer(partition, found.is_ok());
            if let Ok(found) = &found {
                self.note_line(partition, found);
            }
            (partition, found)
        };
        join_all(partitions.into_iter().enumerate().map(one)).await
    }

    /// Begins after the partition that was asked last, so that no partition is always last.
    fn in_turn(&self, mut partitions: Vec<u16>) -> Vec<u16> {
        let turn = self.turn.load(Ordering::Relaxed);
        partitions.sort_unstable_by_key(|one| (*one <= turn, *one));
        partitions
    }

    /// The partitions with messages of tenants that have free slots again.
    fn next_left(&self, left: &mut VecDeque<u16>, places: &Places) -> Vec<u16> {
        let (mut spare, mut next, lines) = (places.clone(), Vec::new(), self.lines());
        while next.len() < AT_ONCE.min(places.most)
            && let Some(partition) = left.pop_front()
        {
            let waiting = lines.get(&partition).map_or(&[][..], |line| &line.left);
            if let Some(tenant) = waiting.iter().find(|tenant| spare.room(**tenant) > 0) {
                spare.take(*tenant);
                next.push(partition);
            }
        }
        next
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<u16, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_line(&self, partition: u16, found: &Found) {
        let mut lines = self.lines();
        if !found.more && found.left.is_empty() {
            lines.remove(&partition);
            return;
        }
        let line = lines.entry(partition).or_default();
        line.after = found.claims.last().map(|claim| claim.key.tenant).or(line.after);
        line.left.clone_from(&found.left);
    }

    fn failed_lately(&self, partition: u16) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(&partition).is_some_and(|at| at.elapsed() < LAST_FOR)
    }

    fn note_answer(&self, partition: u16, answered: bool) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            failed.remove(&partition);
        } else {
            failed.insert(partition, Instant::now());
        }
    }
}
