//! Connections that end for what their clients did, or did not: counted, and told in
//! one line a minute. A line for each would let strangers write the log.

use actix_http::error::DispatchError;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const NAME: &str = "countersign_connections_ended_total";
/// Between two lines.
const MINUTE: Duration = Duration::from_secs(60);

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// What was sent is no HTTP, or its head is too large.
    Malformed,
    /// No TLS came about.
    Handshake,
    /// The head of a request did not arrive in time.
    Head,
    /// An answer was not read in time.
    Answer,
}

impl End {
    const ALL: [Self; 4] = [Self::Malformed, Self::Handshake, Self::Head, Self::Answer];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Handshake => "handshake",
            Self::Head => "head",
            Self::Answer => "answer",
        }
    }
}

/// Those of the whole process, since the last line.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    since: [AtomicU64; 4],
}

impl Ends {
    pub fn note(&self, end: End) {
        metrics::counter!(NAME, "reason" => end.as_str()).increment(1);
        self.since[end as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// What the HTTP library made of a connection. Its own lines are not written: see `telemetry.rs`.
    pub fn note_error(&self, error: &DispatchError) {
        match error {
            DispatchError::Parse(_) => self.note(End::Malformed),
            // Of the network, and of clients that are gone.
            DispatchError::Io(_)
            | DispatchError::SlowRequestTimeout
            | DispatchError::DisconnectTimeout
            | DispatchError::HandlerDroppedPayload => {}
            _ => tracing::error!(%error, "a connection failed"),
        }
    }

    /// The counts since they were last taken, unless there are none.
    fn take(&self) -> Option<[u64; 4]> {
        let counts = End::ALL.map(|end| self.since[end as usize].swap(0, Ordering::Relaxed));
        counts.iter().any(|count| *count > 0).then_some(counts)
    }

    fn tell(&self) {
        if let Some([malformed, handshake, head, answer]) = self.take() {
            tracing::info!(malformed, handshake, head, answer, "Clients' connections were ended");
        }
    }
}

/// Tells each minute what there is to tell, until `stop`.
pub(crate) async fn tell_ends(ends: Arc<Ends>, stop: CancellationToken) {
    metrics::describe_counter!(NAME, "Connections that were ended for what their clients did");
    metrics::describe_gauge!("countersign_connections", "Connections that are open");
    for end in End::ALL {
        metrics::counter!(NAME, "reason" => end.as_str()).increment(0);
    }
    let mut tick = interval(MINUTE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return ends.tell(),
            _ = tick.tick() => ends.tell(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_once() {
        let ends = Ends::default();
        assert_eq!(ends.take(), None);
        for end in End::ALL {
            ends.note(end);
        }
        ends.note(End::Head);
        assert_eq!(ends.take(), Some([1, 1, 2, 1]));
        assert_eq!(ends.take(), None);
    }
}
