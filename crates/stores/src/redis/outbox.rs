//! The outbox: claims and settlements, what arrived, and who looks where.

use super::{
    codes::{Store, millis, text, unpack},
    keys,
    reply::{Reply, number},
    script,
};
use countersign_core::{
    event::EventKind,
    id::{EventId, MessageId, NodeId},
    ports::{Claim, Phase, Settled, StoreError, WORKER_SILENCE},
    receipt::FailedAttempt,
    verification::{Delivery, RecordKey, Settlement},
};
use futures_util::future::join_all;
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// Partitions that are asked at once.
const AT_ONCE: usize = 16;
/// Set in a member's state while a claim holds its message.
const HELD: u8 = 16;
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
    store: Arc<Store>,
    arrivals: Arc<Arrivals>,
    /// Partitions that failed to answer, and when.
    failed: Mutex<HashMap<u16, Instant>>,
}

/// A partition that failed is asked after all others for so long.
const LAST_FOR: Duration = Duration::from_secs(5);

impl Outbox {
    pub fn new(store: Arc<Store>) -> Self {
        Self { store, arrivals: Arc::default(), failed: Mutex::default() }
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
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        self.arrivals.take(partitions.clone());
        self.claim_from(&partitions.collect::<Vec<_>>(), lease, limit).await
    }

    pub async fn claim_arrived(
        &self,
        partitions: Range<u16>,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let arrived = self.arrivals.take(partitions);
        self.claim_from(&arrived, lease, limit).await
    }

    /// Claims from some partitions at once, each an equal share of what may
    /// still be claimed, so that the sum is never more than the limit. Those
    /// with more to give come again; what is left at the end is noted as arrived.
    /// Those of a master that does not answer come last, and only while nothing
    /// is claimed: its silence must not hold up the messages of the others.
    async fn claim_from(
        &self,
        partitions: &[u16],
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let (last, first): (Vec<_>, Vec<_>) = partitions.iter().partition(|one| self.failed_lately(**one));
        let (mut claims, mut rest) = (Vec::new(), VecDeque::from(first));
        let mut last = Some(last);
        let (mut failed, mut failures, mut asked) = (None, 0, 0);
        loop {
            if rest.is_empty()
                && let Some(last) = last.take()
            {
                rest.extend(last);
            }
            // Whoever waits behind one that failed is not left waiting with what is claimed.
            if rest.is_empty() || claims.len() >= limit || (failures > 0 && !claims.is_empty()) {
                break;
            }
            let free = limit - claims.len();
            let now: Vec<u16> = rest.drain(..rest.len().min(AT_ONCE).min(free)).collect();
            let share = (free / now.len()).clamp(1, MOST_CLAIMS);
            let found = join_all(now.iter().map(|partition| self.claim_one(*partition, lease, share))).await;
            for (partition, found) in now.into_iter().zip(found) {
                self.note_answer(partition, found.is_ok());
                match found {
                    Ok((more, found)) => {
                        claims.extend(found);
                        rest.extend(more.then_some(partition));
                    }
                    Err(error) => {
                        failures += 1;
                        failed = Some(error);
                    }
                }
                asked += 1;
            }
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

    /// Claims, and says whether more may be due.
    async fn claim_one(
        &self,
        partition: u16,
        lease: Duration,
        limit: usize,
    ) -> Result<(bool, Vec<Claim>), StoreError> {
        let names = [keys::due(partition), keys::events(partition), keys::none(partition)];
        let args = [millis(lease), text(limit)];
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let value = self.store.run(&script::CLAIM, &names, &[&args[0], &args[1]]).await?;
        let mut reply = Reply::new(value)?;
        let more = reply.number(0)? == 1;
        let unreadable = reply.part(2)?;
        for place in 0..unreadable.len() {
            let message = <[u8; 16]>::try_from(unreadable.bytes(place)?).map(MessageId::from_bytes);
            tracing::error!(message.id = ?message.ok(), "A message waits: its record cannot be read");
        }
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
        Ok((more, claims))
    }

    pub async fn settle(
        &self,
        claim: &Claim,
        settlement: Settlement,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        let message = claim.message;
        let (wait, phase) = claim
            .phase
            .next(&settlement)
            .map_or_else(Default::default, |(after, phase)| (millis(after), text(phase.number())));
        let (what, delivery, kind) = match settlement {
            Settlement::Accepted { provider, .. } => {
                ("accepted", None, Some(EventKind::MessageSent { message, provider }))
            }
            Settlement::Retry { provider, reason, after } => {
                ("retry", None, Some(EventKind::MessageRetried { message, provider, reason, after }))
            }
            // Somebody has it: only this attempt failed.
            Settlement::Rejected { provider, reason } if matches!(claim.phase, Phase::Await(_)) => {
                let after = Duration::ZERO;
                ("retry", None, Some(EventKind::MessageRetried { message, provider, reason, after }))
            }
            Settlement::Rejected { provider, reason } => {
                let kind = EventKind::MessageRejected { message, provider, reason, failed: false };
                ("rejected", None, Some(kind))
            }
            Settlement::Receipt(delivery @ Delivery::Delivered) => {
                ("receipt", Some(delivery), Some(EventKind::Delivered { message }))
            }
            Settlement::Receipt(delivery) => {
                ("receipt", Some(delivery), Some(EventKind::Undelivered { message }))
            }
            Settlement::GaveUp => ("gave_up", None, None),
        };
        let mut body = kind.map_or_else(Vec::new, |kind| kind.pack());
        if what == "rejected" {
            // Whether the verification failed with it is for the script to find.
            body.pop();
        }
        let delivery = delivery.map_or_else(Vec::new, |delivery| text(delivery as u8));
        let names = held_names(claim);
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let args: [&[u8]; 7] =
            [&member(claim), what.as_bytes(), event.bytes(), &body, &wait, &phase, &delivery];
        let noted = number(self.store.run(&script::SETTLE, &names, &args).await?)?;
        Ok(if noted == 1 { Settled::Done } else { Settled::Lost })
    }

    pub async fn note_attempt(
        &self,
        claim: &Claim,
        attempt: FailedAttempt,
        event: EventId,
    ) -> Result<Settled, StoreError> {
        let FailedAttempt { provider, reason, lease } = attempt;
        let (message, after) = (claim.message, Duration::ZERO);
        let body = EventKind::MessageRetried { message, provider, reason, after }.pack();
        let names = held_names(claim);
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let args: [&[u8]; 4] = [&member(claim), event.bytes(), &body, &millis(lease)];
        let noted = number(self.store.run(&script::ATTEMPT, &names, &args).await?)?;
        Ok(if noted == 1 { Settled::Done } else { Settled::Lost })
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

/// What the scripts about a claim are given: its verification, where it is held, the events.
fn held_names(claim: &Claim) -> [Vec<u8>; 3] {
    let partition = claim.key.id.partition();
    let held = match claim.phase {
        Phase::Await(_) => keys::awaited(partition),
        _ => keys::due(partition),
    };
    [keys::verification(claim.key), held, keys::events(partition)]
}

/// `[state][claims so far, 2][tenant, mode and id, 33][message, 16]`
fn member(claim: &Claim) -> Vec<u8> {
    let attempt = u16::try_from(claim.attempt).unwrap_or(u16::MAX).to_be_bytes();
    let state = claim.phase.number() + HELD;
    [&[state], attempt.as_slice(), &claim.key.bytes(), claim.message.bytes()].concat()
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
