//! How long a message waits for its next attempt, and when the worker gives it up.

use std::time::Duration;

/// The worker gives a message up after this many attempts. Their waits alone take four minutes, and a code is
/// seldom valid for more than five.
pub(crate) const MAX_ATTEMPTS: u32 = 20;

/// The longest wait that a provider may request.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(60);

/// The wait after attempt number `attempt`, from 1. If the provider `asked` for a wait, that one applies,
/// within bounds. The first waits are short, because a person is waiting for the message. There is no jitter,
/// so that the timeline can show the wait in advance.
pub(crate) fn wait_after(attempt: u32, asked: Option<Duration>) -> Duration {
    let usual = Duration::from_secs(match attempt {
        0 | 1 => 1,
        2 => 2,
        3 => 4,
        4 => 8,
        _ => 15,
    });
    asked.map_or(usual, |asked| asked.clamp(Duration::from_secs(1), MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let waits: Vec<_> = (1..=7).map(|attempt| wait_after(attempt, None).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(wait_after(u32::MAX, None).as_secs(), 15);
    }

    #[test]
    fn a_provider_may_ask_for_its_own_wait() {
        let asked = |seconds| wait_after(3, Some(Duration::from_secs(seconds))).as_secs();
        assert_eq!([asked(0), asked(30), asked(3_600)], [1, 30, 60]);
    }
}
