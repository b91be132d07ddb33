//! The recorder: moves events from the codes store to the history.

use countersign_core::{
    context::Context,
    error::chain,
    ports::{
        codes::events::{EventBacklog, EventLog, Unrecorded},
        error::StoreError,
        history::HistoryUpkeep,
        nodes::Share,
    },
    time::Timestamp,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The maximum number of events of one transaction.
const BATCH: usize = 500;
/// The wait when no event is left.
const IDLE: Duration = Duration::from_millis(500);
/// The longest wait while the codes store or the database is away.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The time between two searches for expired verifications.
const EXPIRE_EVERY: Duration = Duration::from_secs(2);
/// The maximum number of expired verifications that one search records.
const EXPIRED_AT_ONCE: u16 = 200;

/// Records every event once, in the order of the codes store.
pub(super) struct Recorder {
    events: Arc<dyn EventLog>,
    history: Arc<dyn HistoryUpkeep>,
    share: Share,
    passed: Mutex<Option<Timestamp>>,
}

/// Whether the next pass would find work at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Work,
    Wait,
}

impl Recorder {
    pub fn new(events: Arc<dyn EventLog>, history: Arc<dyn HistoryUpkeep>, share: Share) -> Self {
        describe_metrics();
        Self { events, history, share, passed: Mutex::default() }
    }

    /// The time up to which every event is recorded.
    pub fn passed(&self) -> Option<Timestamp> {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records until `stop` is set. Events that cannot be written stay in the codes store.
    pub async fn run(&self, stop: CancellationToken) {
        let (mut outage, mut expired_at) = (None::<Duration>, None::<Instant>);
        loop {
            let expire = expired_at.is_none_or(|at| at.elapsed() >= EXPIRE_EVERY);
            let wait = match self.pass(expire).await {
                Ok(next) => {
                    if outage.take().is_some() {
                        tracing::info!("The history is written again");
                    }
                    if expire && next == Next::Wait {
                        expired_at = Some(Instant::now());
                    }
                    if next == Next::Work { Duration::ZERO } else { IDLE }
                }
                Err(error) => {
                    let wait = outage.map_or(IDLE, |wait| (wait * 2).min(LONGEST_WAIT));
                    if outage.replace(wait).is_none() {
                        tracing::warn!(error = %chain(&error), "Events cannot be recorded; they wait");
                    }
                    wait
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
    }

    /// Records the remaining events at the end of the process.
    pub async fn finish(&self) {
        loop {
            match self.pass(false).await {
                Ok(Next::Work) => {}
                Ok(Next::Wait) => return,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "The last events wait for the next start");
                    return;
                }
            }
        }
    }

    async fn pass(&self, expire: bool) -> Result<Next, StoreError> {
        let Unrecorded { events, now, drained, backlog } =
            self.events.unrecorded(self.share.get(), BATCH).await?;
        let oldest = events.iter().map(|event| event.at).min().unwrap_or(now);
        note_backlog(backlog, now.since(oldest));
        if !events.is_empty() {
            let recorded = self.history.record(&events).await?;
            metrics::counter!("countersign_history_recorded_total").increment(recorded.new as u64);
            metrics::counter!("countersign_history_dead_total").increment(recorded.dead as u64);
            let positions: Vec<_> = events.iter().map(|event| event.position).collect();
            self.events.trim(&positions).await?;
        }
        if !drained {
            return Ok(Next::Work);
        }
        if !expire {
            return Ok(Next::Wait);
        }
        // Every event up to this time is recorded, by this node or another. So a verification that is pending
        // in the history then is really pending.
        let until = self.events.recorded_until().await?;
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        // One worker is enough: the one with the first partition.
        if !self.share.get().contains(&0) {
            return Ok(Next::Wait);
        }
        let more = self.history.expire(until, EXPIRED_AT_ONCE).await? == usize::from(EXPIRED_AT_ONCE);
        Ok(if more { Next::Work } else { Next::Wait })
    }
}

/// Records the events that a stopped server left, with those of all partitions.
pub(crate) async fn record_rest(
    context: &Context,
    history: &Arc<dyn HistoryUpkeep>,
) -> Result<(), StoreError> {
    let share = Share::default();
    share.set(0..context.partitions);
    let recorder = Recorder::new(context.codes.clone(), Arc::clone(history), share);
    while recorder.pass(false).await? == Next::Work {}
    Ok(())
}

fn note_backlog(backlog: EventBacklog, lag: Duration) {
    metrics::gauge!("countersign_history_backlog_events").set(backlog.events as f64);
    metrics::gauge!("countersign_history_backlog_bytes").set(backlog.bytes as f64);
    metrics::gauge!("countersign_history_lag_seconds").set(lag.as_secs_f64());
}

fn describe_metrics() {
    metrics::describe_gauge!("countersign_history_backlog_events", "Events that wait for the history");
    metrics::describe_gauge!("countersign_history_backlog_bytes", "Bytes of the events that wait");
    metrics::describe_gauge!("countersign_history_lag_seconds", "Age of the oldest event that waits");
    metrics::describe_counter!("countersign_history_recorded_total", "Events recorded");
    metrics::describe_counter!("countersign_history_dead_total", "Events that cannot be recorded");
}
