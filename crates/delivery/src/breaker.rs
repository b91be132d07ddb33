//! A circuit breaker for one account: it keeps messages away from a provider
//! that fails, lets one through after a while to find out, and closes again.
//!
//! Pure: the time is a parameter. What counts as a failure is that of the
//! provider; a number that nobody would take says nothing of the account.

use countersign_core::provider::{BreakerState, Health};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The attempts that are looked back at.
const WINDOW: usize = 20;
/// Failures in a row that open it.
const IN_A_ROW: usize = 5;
/// Fewer attempts than this say nothing by their share.
const FEWEST: usize = 10;
/// First stay open; each further one is twice as long.
const FIRST_OPEN: Duration = Duration::from_secs(5);
const LONGEST_OPEN: Duration = Duration::from_secs(300);
/// A probe that says nothing for so long is lost.
const PROBE: Duration = Duration::from_secs(30);

/// What an attempt says of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered as it should.
    Well,
    /// It failed.
    Failed(String),
    /// Nothing goes through until somebody acts, or until this time is over.
    Shut(String, Duration),
}

#[derive(Debug)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { since: Instant },
}

/// The breaker of one account.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
    /// Whether each of the last attempts went well, and how long it took.
    last: VecDeque<(bool, Duration)>,
    /// How often it opened in a row.
    opened: u32,
    reason: Option<String>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, last: VecDeque::new(), opened: 0, reason: None }
    }
}

impl Breaker {
    /// Whether a message may go through now. Asked while it is half open, only
    /// one may, and that one must be told of with [`Breaker::note`].
    pub fn admit(&mut self, now: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } if now < until => false,
            State::HalfOpen { since } if now.saturating_duration_since(since) < PROBE => false,
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen { since: now };
                true
            }
        }
    }

    /// Whether nothing may go through now, not even to find out.
    pub fn is_shut(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => false,
            State::Open { until } => now < until,
            State::HalfOpen { since } => now.saturating_duration_since(since) < PROBE,
        }
    }

    /// Whether it keeps nobody out and knows of no failure.
    pub fn is_quiet(&self) -> bool {
        matches!(self.state, State::Closed) && self.last.iter().all(|(well, _)| *well)
    }

    /// Notes what came of an attempt. Gives the new state if it changed.
    pub fn note(&mut self, verdict: Verdict, took: Duration, now: Instant) -> Option<BreakerState> {
        let before = self.state();
        self.last.push_back((verdict == Verdict::Well, took));
        if self.last.len() > WINDOW {
            self.last.pop_front();
        }
        match verdict {
            Verdict::Well => {
                // An answer to a message from before it opened proves nothing by itself.
                if !matches!(self.state, State::Open { .. }) {
                    if matches!(self.state, State::HalfOpen { .. }) {
                        self.last.clear();
                    }
                    (self.state, self.opened) = (State::Closed, 0);
                }
            }
            Verdict::Failed(reason) => {
                self.reason = Some(reason);
                let probe = matches!(self.state, State::HalfOpen { .. });
                if probe || (matches!(self.state, State::Closed) && self.is_failing()) {
                    let stay = FIRST_OPEN.saturating_mul(1 << self.opened.min(8)).min(LONGEST_OPEN);
                    self.open(now + stay);
                }
            }
            Verdict::Shut(reason, wait) => {
                self.reason = Some(reason);
                self.open(now + wait);
            }
        }
        let after = self.state();
        (before != after).then_some(after)
    }

    fn open(&mut self, until: Instant) {
        // A short wait that is asked for late does not end a longer one.
        let until = match self.state {
            State::Open { until: known } => known.max(until),
            _ => until,
        };
        self.state = State::Open { until };
        self.opened = self.opened.saturating_add(1);
    }

    fn is_failing(&self) -> bool {
        let failed = self.last.iter().filter(|(well, _)| !well).count();
        let in_a_row = self.last.iter().rev().take(IN_A_ROW).filter(|(well, _)| !well).count();
        in_a_row >= IN_A_ROW || (self.last.len() >= FEWEST && failed * 2 >= self.last.len())
    }

    fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// How the account fares.
    pub fn health(&self) -> Health {
        let (count, well) = (self.last.len(), self.last.iter().filter(|(well, _)| *well).count());
        let mut latencies: Vec<_> = self.last.iter().map(|(_, took)| *took).collect();
        latencies.sort_unstable();
        Health {
            state: self.state(),
            accepted_percent: (count > 0).then(|| u8::try_from(well * 100 / count).unwrap_or(100)),
            latency: latencies.get(count / 2).copied(),
            reason: self.reason.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(10);

    fn failed() -> Verdict {
        Verdict::Failed("HTTP 500".to_owned())
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_one_probe_closes_it() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for n in 1..=5 {
            assert!(breaker.admit(now));
            let changed = breaker.note(failed(), TOOK, now);
            assert_eq!(changed, (n == 5).then_some(BreakerState::Open), "{n}");
        }
        assert!(!breaker.admit(now + seconds(4)));
        assert!(breaker.admit(now + seconds(5)), "one finds out");
        assert!(!breaker.admit(now + seconds(5)), "and no other");
        assert_eq!(breaker.note(Verdict::Well, TOOK, now + seconds(6)), Some(BreakerState::Closed));
        assert!(breaker.admit(now + seconds(6)));
        // What came before it opened does not count against it now.
        assert_eq!(breaker.note(failed(), TOOK, now + seconds(7)), None);
    }

    #[test]
    fn a_failed_probe_keeps_it_open_for_twice_as_long() {
        let (mut breaker, mut now) = (Breaker::default(), Instant::now());
        for _ in 0..5 {
            breaker.note(failed(), TOOK, now);
        }
        for stay in [5, 10, 20, 40, 80, 160, 300, 300] {
            assert!(!breaker.admit(now + seconds(stay - 1)), "{stay}");
            now += seconds(stay);
            assert!(breaker.admit(now), "{stay}");
            assert_eq!(breaker.note(failed(), TOOK, now), Some(BreakerState::Open));
        }
    }

    #[test]
    fn half_of_ten_open_it_and_less_do_not() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for n in 0..9 {
            let verdict = if n % 2 == 0 { failed() } else { Verdict::Well };
            assert_eq!(breaker.note(verdict, TOOK, now), None, "{n}");
        }
        assert_eq!(breaker.note(failed(), TOOK, now), Some(BreakerState::Open));
        let mut breaker = Breaker::default();
        for n in 0..100 {
            let verdict = if n % 3 == 0 { failed() } else { Verdict::Well };
            assert_eq!(breaker.note(verdict, TOOK, now), None, "{n}");
        }
        assert_eq!(breaker.health().accepted_percent, Some(65));
    }

    #[test]
    fn an_account_problem_shuts_it_at_once() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        let shut = Verdict::Shut("no credit".to_owned(), seconds(60));
        assert_eq!(breaker.note(shut, TOOK, now), Some(BreakerState::Open));
        // A late answer to a message from before does not let others in.
        assert_eq!(breaker.note(Verdict::Well, TOOK, now), None);
        assert!(!breaker.admit(now + seconds(59)));
        assert!(breaker.admit(now + seconds(60)));
        assert_eq!(breaker.health().reason.as_deref(), Some("no credit"));
    }

    #[test]
    fn a_probe_that_is_never_heard_of_gives_way_to_another() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.note(Verdict::Shut("x".to_owned(), seconds(1)), TOOK, now);
        assert!(breaker.admit(now + seconds(1)));
        assert!(!breaker.admit(now + seconds(30)));
        assert!(breaker.admit(now + seconds(31)));
    }
}
