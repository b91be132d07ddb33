//! The times at which the server repeats a failed message: the schedule that Standard Webhooks proposes.

use std::time::Duration;

/// The wait before each attempt. After as many failures as there are waits, the server gives the message up.
pub const WAITS: [Duration; 10] = {
    const fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }
    [
        Duration::ZERO,
        Duration::from_secs(5),
        minutes(5),
        minutes(30),
        minutes(2 * 60),
        minutes(5 * 60),
        minutes(10 * 60),
        minutes(14 * 60),
        minutes(20 * 60),
        minutes(24 * 60),
    ]
};

/// The wait after `failures` attempts; `None` after the last one. `random` adds up to a tenth, so that the
/// messages of an outage do not all return at once. If the endpoint `asked` for a longer wait, that one
/// applies. The client for outgoing calls has already cut it to an hour.
pub fn wait_after(failures: u32, asked: Option<Duration>, random: u32) -> Option<Duration> {
    let wait = *WAITS.get(usize::try_from(failures).ok()?)?;
    let jitter = wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 10.0);
    Some((wait + jitter).max(asked.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_those_of_the_standard() {
        let seconds: Vec<_> = (1..=10).map(|n| wait_after(n, None, 0).map(|wait| wait.as_secs())).collect();
        let expected = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map(Some);
        assert_eq!(seconds[..9], expected);
        assert_eq!(seconds[9], None);
        assert_eq!(wait_after(u32::MAX, None, 0), None);
    }

    #[test]
    fn jitter_adds_a_tenth_at_most() {
        assert_eq!(wait_after(2, None, u32::MAX), Some(Duration::from_secs(330)));
    }

    #[test]
    fn an_endpoint_may_ask_for_more_time() {
        let asked = |failures, seconds| wait_after(failures, Some(Duration::from_secs(seconds)), 0).unwrap();
        assert_eq!(asked(1, 60).as_secs(), 60);
        assert_eq!(asked(2, 1).as_secs(), 300);
        assert_eq!(wait_after(10, Some(Duration::from_secs(1)), 0), None, "there is no eleventh try");
    }
}
