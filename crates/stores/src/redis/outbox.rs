//! The outbox: claims and settlements, what arrived, and who looks where.

use super::{
    keys,
    reply::Reply,
    script,
    store::{Store, millis, text, unpack},
};
use countersign_core::{
    id::{MessageId, NodeId, TenantId},
    places::{Places, Room},
    ports::{Claim, Phase, StoreError, WORKER_SILENCE},
    verification::RecordKey,
};
use futures_util::future::join_all;
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// Partitions that are asked at once.
const AT_ONCE: usize = 16;
/// Set in a member's state while a claim holds its message.
pub(super) const HELD: u8 = 16;
/// Most messages that one script hands out, so that it delays no act for long.
const MOST_CLAIMS: usize = 100;

/// Partitions in which a message may have become due.
#[derive(Default)]
pub(super) struct Arrivals {
    /// One bit for each of the 1,024 partitions that there may be.
    bits: [AtomicU64; 16],
    notify: Notify,
}

impl Arrivals {
    pub fn note(&self, partition: u16) {
        if let Some(word) = self.bits.get(usize::from(partition / 64)) {
            word.fetch_or(1 << (partition % 64), Ordering::AcqRel);
        }
        self.notify.notify_one();
    }

    /// Takes what is noted of a range.
    fn take(&self, partitions: Range<u16>) -> Vec<u16> {
        let mut taken = Vec::new();
        for partition in partitions {
            let Some(word) = self.bits.get(usize::from(partition / 64)) else { break };
            let bit = 1 << (partition % 64);
            if word.load(Ordering::Acquire) & bit != 0 && word.fetch_and(!bit, Ordering::AcqRel) & bit != 0 {
                taken.push(partition);
            }
        }
        taken
    }
}

pub(super) struct Outbox {
    pub(super) store: Arc<Store>,
    arrivals: Arc<Arrivals>,
    /// Partitions that failed to answer, and when.
    failed: Mutex<HashMap<u16, Instant>>,
    /// What the last claim saw of a partition's line; empty ones are not kept.
    lines: Mutex<HashMap<u16, Line>>,
    /// The partition that was asked last: the next claim begins behind it.
    turn: AtomicU16,
}

/// Messages that wait for a place.
#[derive(Default)]
struct Line {
    /// Whose messages were left, of those who had no place any more.
    left: Vec<TenantId>,
    /// Whose message was taken last: the next one is another's.
    after: Option<TenantId>,
}

/// What one partition gave.
struct Found {
    more: bool,
    claims: Vec<Claim>,
    left: Vec<TenantId>,
}

/// A partition that failed is asked after all others for so long.
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
        self.arrivals.notify.notified().await;
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

    /// Claims from some partitions at once, each an equal share of what may
    /// still be claimed, so that the sum is never more than the limit. Those
    /// with more to give come again; what is left at the end is noted as arrived.
    /// Those in `left` are asked only for tenants who have places again, for each place one.
    /// Those of a master that does not answer come last, and only while nothing
    /// is claimed: its silence must not hold up the messages of the others.
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
            // Whoever waits behind one that failed is not left waiting with what is claimed.
            if now.is_empty() || (failures > 0 && !claims.is_empty()) {
                rest.extend(now);
                break;
            }
            if let Some(asked) = now.last() {
                self.turn.store(*asked, Ordering::Relaxed);
            }
            let parts = now.len();
            let one = |(part, partition): (usize, &u16)| {
                self.claim_one(*partition, lease, places.split(parts, part))
            };
            let found = join_all(now.iter().enumerate().map(one)).await;
            let mut again = Vec::new();
            for (partition, found) in now.into_iter().zip(found) {
                self.note_answer(partition, found.is_ok());
                asked += 1;
                match found {
                    Ok(found) => {
                        found.claims.iter().for_each(|claim| places.take(claim.key.tenant));
                        self.note_line(partition, &found);
                        claims.extend(found.claims);
                        again.push((partition, found.more, found.left));
                    }
                    Err(error) => {
                        failures += 1;
                        failed = Some(error);
                    }
                }
            }
            // Its part of a tenant's places may have been too small.
            let has_more = |more, left: &[TenantId]| more || left.iter().any(|one| places.room(*one) > 0);
            rest.extend(again.iter().filter(|(_, more, left)| has_more(*more, left)).map(|(one, ..)| *one));
            if !claims.is_empty() {
                // Later, unless nothing was claimed.
                last = None;
            }
        }
        // Where one master of many is away, the messages of the others go out.
        if let Some(error) = failed
            && failures == asked
        {
            return Err(error);
        }
        rest.iter().for_each(|partition| self.arrivals.note(*partition));
        Ok(claims)
    }

    /// From the one behind that which was asked last on, so that none is always the last.
    fn in_turn(&self, mut partitions: Vec<u16>) -> Vec<u16> {
        let turn = self.turn.load(Ordering::Relaxed);
        partitions.sort_unstable_by_key(|one| (*one <= turn, *one));
        partitions
    }

    /// Partitions with messages of tenants who have places again.
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

    /// Claims from one partition.
    async fn claim_one(&self, partition: u16, lease: Duration, places: Places) -> Result<Found, StoreError> {
        let names =
            [keys::due(partition), keys::events(partition), keys::line(partition), keys::none(partition)];
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let after = self.lines().get(&partition).and_then(|line| line.after);
        let [lease, most] = [millis(lease), text(places.most.min(MOST_CLAIMS))];
        let (slow, rooms) = (text(places.slow()), pack_rooms(&places));
        let after: &[u8] = after.as_ref().map_or(&[], |tenant| tenant.bytes());
        let args: [&[u8]; 5] = [&lease, &most, &slow, &rooms, after];
        let mut reply = Reply::new(self.store.run(&script::CLAIM, &names, &args).await?)?;
        let more = reply.number(0)? == 1;
        let (unreadable, tenants) = (reply.part(2)?, reply.part(3)?);
        for place in 0..unreadable.len() {
            let message = <[u8; 16]>::try_from(unreadable.bytes(place)?).map(MessageId::from_bytes);
            tracing::error!(message.id = ?message.ok(), "A message waits: its record cannot be read");
        }
        let tenant = |place| Ok(tenants.bytes(place)?.first_chunk().copied().map(TenantId::from_bytes));
        let left: Vec<_> = (0..tenants.len()).map(tenant).collect::<Result<_, StoreError>>()?;
        let left = left.into_iter().flatten().collect();
        let found = reply.part(1)?;
        let mut claims = Vec::with_capacity(found.len() / 2);
        for place in (0..found.len()).step_by(2) {
            let (state, attempt, key, message) = read_member(found.bytes(place)?)?;
            let Some(phase) = Phase::from_number(state & !HELD) else {
                tracing::error!(message.id = %message, "A message waits for what this release does not know");
                continue;
            };
            let record = match unpack(key, found.bytes(place + 1)?) {
                Ok(record) => record,
                // One record that cannot be read must not hold up everybody's messages.
                Err(error) => {
                    tracing::error!(message.id = %message, error = %error, "A message waits: its record cannot be read");
                    continue;
                }
            };
            claims.push(Claim { key, message, attempt: attempt.into(), phase, record });
        }
        Ok(Found { more, claims, left })
    }

    /// Notes that a worker lives, and gives its part of the partitions.
    pub async fn share(&self, worker: NodeId, partitions: u16) -> Result<Range<u16>, StoreError> {
        let mut workers = self.present(worker, b"").await?;
        workers.sort();
        let place = workers.iter().position(|one| one == worker.bytes()).unwrap_or_default();
        let part = |n: usize| {
            let at = usize::from(partitions) * n / workers.len().max(1);
            u16::try_from(at).unwrap_or(partitions)
        };
        Ok(part(place)..part(place + 1))
    }

    pub async fn leave(&self, worker: NodeId) -> Result<(), StoreError> {
        self.present(worker, b"1").await.map(drop)
    }

    async fn present(&self, worker: NodeId, leaves: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        let args: [&[u8]; 3] = [worker.bytes(), &millis(WORKER_SILENCE), leaves];
        let reply = Reply::new(self.store.run(&script::PRESENT, &[&keys::workers()], &args).await?)?;
        (0..reply.len()).map(|place| reply.bytes(place).map(<[u8]>::to_vec)).collect()
    }
}

/// `[tenant, 16][places, 2][1 if slow]` of each
fn pack_rooms(places: &Places) -> Vec<u8> {
    let pack = |room: &Room| {
        let most = u16::try_from(room.most).unwrap_or(u16::MAX).to_be_bytes();
        [room.tenant.bytes().as_slice(), &most, &[room.slow.into()]].concat()
    };
    places.rooms().iter().flat_map(pack).collect()
}

fn read_member(member: &[u8]) -> Result<(u8, u16, RecordKey, MessageId), StoreError> {
    let read = || {
        let (state, rest) = member.split_first()?;
        let (attempt, rest) = rest.split_first_chunk::<2>()?;
        let (key, message) = rest.split_at_checked(33)?;
        let message = MessageId::from_bytes(message.try_into().ok()?);
        Some((*state, u16::from_be_bytes(*attempt), RecordKey::from_bytes(key)?, message))
    };
    read().ok_or_else(|| StoreError::Corrupt { table: "due", id: "a message".to_owned() })
}
