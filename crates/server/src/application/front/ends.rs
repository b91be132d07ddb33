//! Counts the connections that end because of what their client did, and logs one line a minute. With a line
//! for each, strangers could fill the log.

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
/// The time between two lines.
const MINUTE: Duration = Duration::from_secs(60);

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client sent something other than HTTP, or too large a head.
    Malformed,
    /// The TLS handshake failed.
    Handshake,
    /// The head of a request did not arrive in time.
    Head,
    /// The client did not read an answer in time.
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

/// The counts of the whole process, since the last line.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    since: [AtomicU64; 4],
}

impl Ends {
    pub fn note(&self, end: End) {
        metrics::counter!(NAME, "reason" => end.as_str()).increment(1);
        self.since[end as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an error with which the HTTP library ended a connection. The library's own log lines are
    /// switched off: see `telemetry.rs`.
    pub fn note_error(&self, error: &DispatchError) {
        match error {
            DispatchError::Parse(_) => self.note(End::Malformed),
            // These errors are the network's, or of clients that have gone away.
            DispatchError::Io(_)
            | DispatchError::SlowRequestTimeout
            | DispatchError::DisconnectTimeout
            | DispatchError::HandlerDroppedPayload => {}
            _ => tracing::error!(%error, "a connection failed"),
        }
    }

    /// The counts since the last call; `None` if all are zero.
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

/// Logs the counts each minute, until `stop` is set.
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
