//! The events that wait for the history. Each partition has a stream of them.

use super::{entries::read_entries, keys, reply::Reply, script, store::Store};
use countersign_core::{
    id::RecordKey,
    ports::{
        codes::events::{EventBacklog, Position, Unrecorded, UnrecordedEvent},
        error::StoreError,
    },
    time::Timestamp,
    verification::event::{Event, EventKind},
};
use futures_util::future::join_all;
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};

/// The number of partitions that are asked at once.
const AT_ONCE: usize = 16;
/// The minimum number of events requested from a partition.
const LEAST: usize = 8;
/// The time between two measurements of the waiting events.
const MEASURE: Duration = Duration::from_secs(1);
/// For a timeline: the number of entries read at once, and the maximum number of such reads.
const PAGE: usize = 500;
const PAGES: usize = 20;
/// A verification's id contains the time of the node that made it, and its events the time of the server. The
/// two clocks differ by less than this.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(600);

/// The events and messages that wait in one partition.
#[derive(Clone, Copy, Default)]
struct Waiting {
    events: u64,
    bytes: u64,
    /// The time of the oldest waiting event, or the server's time if none waits.
    until: Timestamp,
    messages: u64,
}

impl Waiting {
    fn read(reply: &Reply) -> Result<(Timestamp, Self), StoreError> {
        let (events, bytes, messages) = (reply.small(1)?, reply.small(2)?, reply.small(4)?);
        Ok((reply.time(0)?, Self { events, bytes, until: reply.time(3)?, messages }))
    }
}

/// The size of the waiting events, compared with the budget. Each node measures all partitions once a second.
/// A count in the scripts would cost each operation a write, and could not be summed over the masters of a
/// cluster.
pub(super) struct Backlog {
    store: Arc<Store>,
    budget: u64,
    measured: Mutex<Measured>,
    turn: AtomicUsize,
}

struct Measured {
    partitions: Vec<Waiting>,
    /// Whether the warning about a half used budget was logged.
    warned: bool,
}

impl Backlog {
    pub async fn open(store: &Arc<Store>, budget: u64) -> Result<Arc<Self>, StoreError> {
        let partitions = vec![Waiting::default(); store.partitions.into()];
        let measured = Mutex::new(Measured { partitions, warned: false });
        let backlog =
            Arc::new(Self { store: Arc::clone(store), budget, measured, turn: AtomicUsize::new(0) });
        backlog.measure(0..store.partitions).await?;
        tokio::spawn(keep_measuring(Arc::downgrade(&backlog)));
        Ok(backlog)
    }

    /// Returns whether no more events fit.
    pub fn is_full(&self) -> bool {
        self.sum().bytes >= self.budget
    }

    fn sum(&self) -> EventBacklog {
        let measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |of: fn(&Waiting) -> u64| measured.partitions.iter().map(of).sum();
        EventBacklog { events: sum(|waiting| waiting.events), bytes: sum(|waiting| waiting.bytes) }
    }

    fn note(&self, partition: u16, waiting: Waiting) {
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = measured.partitions.get_mut(usize::from(partition)) {
            *place = waiting;
        }
    }

    fn warn(&self) {
        let EventBacklog { events, bytes } = self.sum();
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let half = bytes >= self.budget / 2;
        if half && !measured.warned {
            tracing::warn!(events, bytes, "Events that wait for the history fill half of their budget");
        }
        measured.warned = half;
    }

    async fn measure(&self, partitions: Range<u16>) -> Result<Vec<Waiting>, StoreError> {
        let all: Vec<u16> = partitions.collect();
        let mut found = Vec::with_capacity(all.len());
        for some in all.chunks(AT_ONCE) {
            found.extend(join_all(some.iter().map(|partition| self.measure_one(*partition))).await);
        }
        // Each partition that answers is counted, even if others do not.
        found.into_iter().collect()
    }

    async fn measure_one(&self, partition: u16) -> Result<Waiting, StoreError> {
        let names = [keys::events(partition), keys::due(partition)];
        let value = self.store.run(&script::WAITING, &[&names[0], &names[1]], &[]).await?;
        let (_, waiting) = Waiting::read(&Reply::new(value)?)?;
        self.note(partition, waiting);
        Ok(waiting)
    }

    pub async fn messages_waiting(&self) -> Result<u64, StoreError> {
        let all = self.measure(0..self.store.partitions).await?;
        Ok(all.iter().map(|waiting| waiting.messages).sum())
    }

    pub async fn recorded_until(&self) -> Result<Timestamp, StoreError> {
        let all = self.measure(0..self.store.partitions).await?;
        Ok(all.iter().map(|waiting| waiting.until).min().unwrap_or_default())
    }

    /// The oldest events of each partition, with an equal share of the limit for each. Each call begins with
    /// another partition, so that no partition is always last.
    pub async fn unrecorded(&self, partitions: Range<u16>, limit: usize) -> Result<Unrecorded, StoreError> {
        let mut all: Vec<u16> = partitions.collect();
        let turn = self.turn.fetch_add(AT_ONCE, Ordering::Relaxed) % all.len().max(1);
        all.rotate_left(turn);
        let share = (limit / all.len().max(1)).max(LEAST).min(limit);
        let (mut events, mut times, mut drained, mut failed) = (Vec::new(), Vec::new(), true, None);
        for some in all.chunks(AT_ONCE) {
            for read in join_all(some.iter().map(|partition| self.read(*partition, share))).await {
                match read {
                    Ok((now, found)) => {
                        drained &= found.len() < share;
                        times.push(now);
                        events.extend(found);
                    }
                    Err(error) => failed = Some(error),
                }
            }
            if events.len() > limit {
                events.truncate(limit);
                drained = false;
                break;
            }
        }
        // If one of several masters is down, the events of the others are still recorded.
        if let Some(error) = failed {
            if events.is_empty() {
                return Err(error);
            }
            drained = false;
        }
        self.warn();
        Ok(Unrecorded {
            events,
            now: times.into_iter().min().unwrap_or_default(),
            drained,
            backlog: self.sum(),
        })
    }

    async fn read(
        &self,
        partition: u16,
        most: usize,
    ) -> Result<(Timestamp, Vec<UnrecordedEvent>), StoreError> {
        let names = [keys::events(partition), keys::due(partition)];
        let most = super::store::text(most);
        let value = self.store.run(&script::EVENTS, &[&names[0], &names[1]], &[&most]).await?;
        let mut reply = Reply::new(value)?;
        let (now, waiting) = Waiting::read(&reply.part(1)?)?;
        self.note(partition, waiting);
        Ok((now, read_entries(partition, reply.part(0)?)?))
    }

    /// Deletes recorded events one by one: after a failover, the new master may have entries before those
    /// that were read.
    pub async fn trim(&self, positions: &[Position]) -> Result<(), StoreError> {
        let mut of: BTreeMap<u16, Vec<String>> = BTreeMap::new();
        for Position([partition, ms, seq]) in positions {
            let partition = u16::try_from(*partition).unwrap_or(u16::MAX);
            of.entry(partition).or_default().push(format!("{ms}-{seq}"));
        }
        let all: Vec<_> = of.into_iter().collect();
        let mut outcome = Ok(());
        for some in all.chunks(AT_ONCE) {
            let deletions = some.iter().map(async |(partition, entries)| {
                let mut command = redis::cmd("XDEL");
                command.arg(keys::events(*partition)).arg(entries);
                self.store.link.send(&command).await.map_err(StoreError::unavailable)?;
                // Measure again, so that a full backlog is noticed at once when it has room.
                if self.is_full() { self.measure_one(*partition).await.map(drop) } else { Ok(()) }
            });
            for deleted in join_all(deletions).await {
                outcome = outcome.and(deleted);
            }
        }
        outcome
    }

    pub async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        let partition = key.id.partition();
        let begin = (key.id.created_at() - CLOCK_DIFFERENCE).millis().max(0);
        let (mut from, mut timeline) = (begin.to_string(), Vec::new());
        for _ in 0..PAGES {
            let mut command = redis::cmd("XRANGE");
            command.arg(keys::events(partition)).arg(&from).arg("+").arg("COUNT").arg(PAGE);
            let value = self.store.link.send(&command).await.map_err(StoreError::unavailable)?;
            let page = read_entries(partition, Reply::new(value)?)?;
            let (count, last) = (page.len(), page.last().map(|event| event.position));
            for UnrecordedEvent { id, at, body, who, .. } in page.into_iter().filter(|event| event.key == key)
            {
                let kind =
                    EventKind::unpack(&body).map_err(|error| StoreError::unreadable("events", id, error))?;
                timeline.push(Event { id, at, kind, who });
            }
            match last {
                Some(Position([_, ms, seq])) if count == PAGE => from = format!("({ms}-{seq}"),
                _ => break,
            }
        }
        Ok(timeline)
    }
}

async fn keep_measuring(backlog: Weak<Backlog>) {
    let mut tick = interval(MEASURE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(backlog) = backlog.upgrade() else { return };
        // While a server is down, no start succeeds either.
        let _ = backlog.measure(0..backlog.store.partitions).await;
        backlog.warn();
    }
}
