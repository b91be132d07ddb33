//! A circuit breaker for one account. It opens when the provider fails and lets no messages pass. After a
//! while it lets one message pass as a probe, and closes if the probe succeeds.
//!
//! The breaker is pure: the time is a parameter. Only failures of the provider count. A refused phone number
//! says nothing about the account.
//!
//! When the breaker of a shared account opens, it stops all tenants. So one tenant alone must not be able to
//! open it by sending to bad numbers. It opens only if the account also fails without that tenant's messages,
//! and a single probe does not decide.

use countersign_core::{
    delivery::account::{BreakerState, Health},
    id::TenantId,
};
use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

/// The number of recent attempts that are considered.
const WINDOW: usize = 20;
/// This many failures in a row open the breaker.
const IN_A_ROW: usize = 5;
/// The share of failures is used only from this many attempts on.
const FEWEST: usize = 10;
/// On a shared account, this many failures of other tenants are needed besides the worst tenant's.
const FEWEST_OF_OTHERS: usize = 2;
/// An account whose median answer takes longer than this is slow.
const SLOW: Duration = Duration::from_secs(2);
/// How long the breaker first stays open. Each further time is twice as long.
const FIRST_OPEN: Duration = Duration::from_secs(5);
const LONGEST_OPEN: Duration = Duration::from_secs(300);
/// A probe without a result after this time counts as lost.
const PROBE: Duration = Duration::from_secs(30);

/// What an attempt shows about the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The account works.
    Well,
    Failed(String),
    /// The account cannot send until a person acts, or until this time is over.
    Shut(String, Duration),
    /// The provider was not asked.
    Nothing,
}

#[derive(Debug)]
struct Attempt {
    well: bool,
    took: Duration,
    tenant: TenantId,
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
    last: VecDeque<Attempt>,
    /// How often the breaker opened in a row.
    opened: u32,
    reason: Option<String>,
    /// Whether several tenants send through the account.
    shared: bool,
}

impl Breaker {
    /// A closed breaker without failures.
    pub fn new(shared: bool) -> Self {
        Self { state: State::Closed, last: VecDeque::new(), opened: 0, reason: None, shared }
    }

    /// Returns whether a message may pass now. If the breaker is half open, only one message may pass, and
    /// the caller must report its result with [`Breaker::note`]. On a shared account, all messages may pass
    /// then.
    pub fn admit(&mut self, now: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } if now < until => false,
            State::HalfOpen { .. } if self.shared => true,
            State::HalfOpen { since } if now.saturating_duration_since(since) < PROBE => false,
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen { since: now };
                if self.shared {
                    self.last.clear();
                }
                true
            }
        }
    }

    /// Returns whether no message may pass now, not even a probe.
    pub fn is_shut(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => false,
            State::Open { until } => now < until,
            State::HalfOpen { since } => !self.shared && now.saturating_duration_since(since) < PROBE,
        }
    }

    /// Returns whether the breaker is closed and knows of no failure.
    pub fn is_quiet(&self) -> bool {
        matches!(self.state, State::Closed) && self.last.iter().all(|attempt| attempt.well)
    }

    /// Records the result of a tenant's attempt. Returns the new state if it changed.
    pub fn note(
        &mut self,
        verdict: Verdict,
        (tenant, took): (TenantId, Duration),
        now: Instant,
    ) -> Option<BreakerState> {
        let before = self.state();
        if verdict != Verdict::Nothing {
            self.last.push_back(Attempt { well: verdict == Verdict::Well, took, tenant });
            if self.last.len() > WINDOW {
                self.last.pop_front();
            }
        }
        match verdict {
            Verdict::Nothing => {
                // The probe did not reach the provider, so the next message may be the probe.
                if matches!(self.state, State::HalfOpen { .. }) && !self.shared {
                    self.state = State::Open { until: now };
                }
            }
            Verdict::Well => {
                // A late answer to a message sent before the breaker opened does not close it.
                if !matches!(self.state, State::Open { .. }) {
                    if matches!(self.state, State::HalfOpen { .. }) {
                        self.last.clear();
                    }
                    (self.state, self.opened) = (State::Closed, 0);
                }
            }
            Verdict::Failed(reason) => {
                self.reason = Some(reason);
                let probe = matches!(self.state, State::HalfOpen { .. }) && !self.shared;
                if probe || (!matches!(self.state, State::Open { .. }) && self.is_failing()) {
                    self.open(now + self.stay());
                }
            }
            Verdict::Shut(reason, wait) => {
                self.reason = Some(reason);
                if !self.shared || self.is_failing() {
                    self.open(now + wait);
                }
            }
        }
        let after = self.state();
        (before != after).then_some(after)
    }

    fn stay(&self) -> Duration {
        FIRST_OPEN.saturating_mul(1 << self.opened.min(8)).min(LONGEST_OPEN)
    }

    fn open(&mut self, until: Instant) {
        // A short wait that is requested later does not end a longer one.
        let until = match self.state {
            State::Open { until: known } => known.max(until),
            _ => until,
        };
        self.state = State::Open { until };
        self.opened = self.opened.saturating_add(1);
    }

    fn is_failing(&self) -> bool {
        let failed = self.last.iter().filter(|attempt| !attempt.well).count();
        let in_a_row = self.last.iter().rev().take(IN_A_ROW).filter(|attempt| !attempt.well).count();
        let fails = in_a_row >= IN_A_ROW || (self.last.len() >= FEWEST && failed * 2 >= self.last.len());
        fails && (!self.shared || self.fails_without_worst())
    }

    /// Leaves out the tenant with the most failures. Returns whether at least half of the other attempts
    /// failed.
    fn fails_without_worst(&self) -> bool {
        let mut of = HashMap::<TenantId, (usize, usize)>::new();
        for attempt in &self.last {
            let (all, failed) = of.entry(attempt.tenant).or_default();
            *all += 1;
            *failed += usize::from(!attempt.well);
        }
        let worst = of.values().copied().max_by_key(|(_, failed)| *failed).unwrap_or_default();
        let sum = of.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let (all, failed) = (sum.0 - worst.0, sum.1 - worst.1);
        failed >= FEWEST_OF_OTHERS && failed * 2 >= all
    }

    /// Returns whether the median answer takes long.
    pub fn is_slow(&self) -> bool {
        self.health().latency.is_some_and(|latency| latency > SLOW)
    }

    fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// The state of the account.
    pub fn health(&self) -> Health {
        let (count, well) = (self.last.len(), self.last.iter().filter(|attempt| attempt.well).count());
        let mut latencies: Vec<_> = self.last.iter().map(|attempt| attempt.took).collect();
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

    const TOOK: (TenantId, Duration) = (TenantId::from_bytes([1; 16]), Duration::from_millis(10));

    fn of(byte: u8) -> (TenantId, Duration) {
        (TenantId::from_bytes([byte; 16]), TOOK.1)
    }

    fn failed() -> Verdict {
        Verdict::Failed("HTTP 500".to_owned())
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_one_probe_closes_it() {
        let (mut breaker, now) = (Breaker::new(false), Instant::now());
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
        // A late failure of a message sent before the breaker opened does not count now.
        assert_eq!(breaker.note(failed(), TOOK, now + seconds(7)), None);
    }

    #[test]
    fn a_failed_probe_keeps_it_open_for_twice_as_long() {
        let (mut breaker, mut now) = (Breaker::new(false), Instant::now());
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
        let (mut breaker, now) = (Breaker::new(false), Instant::now());
        for n in 0..9 {
            let verdict = if n % 2 == 0 { failed() } else { Verdict::Well };
            assert_eq!(breaker.note(verdict, TOOK, now), None, "{n}");
        }
        assert_eq!(breaker.note(failed(), TOOK, now), Some(BreakerState::Open));
        let mut breaker = Breaker::new(false);
        for n in 0..100 {
            let verdict = if n % 3 == 0 { failed() } else { Verdict::Well };
            assert_eq!(breaker.note(verdict, TOOK, now), None, "{n}");
        }
        assert_eq!(breaker.health().accepted_percent, Some(65));
    }

    #[test]
    fn an_account_problem_shuts_it_at_once() {
        let (mut breaker, now) = (Breaker::new(false), Instant::now());
        let shut = Verdict::Shut("no credit".to_owned(), seconds(60));
        assert_eq!(breaker.note(shut, TOOK, now), Some(BreakerState::Open));
        // A late answer to an earlier message does not let others pass.
        assert_eq!(breaker.note(Verdict::Well, TOOK, now), None);
        assert!(!breaker.admit(now + seconds(59)));
        assert!(breaker.admit(now + seconds(60)));
        assert_eq!(breaker.health().reason.as_deref(), Some("no credit"));
    }

    #[test]
    fn a_probe_that_is_never_heard_of_gives_way_to_another() {
        let (mut breaker, now) = (Breaker::new(false), Instant::now());
        breaker.note(Verdict::Shut("x".to_owned(), seconds(1)), TOOK, now);
        assert!(breaker.admit(now + seconds(1)));
        assert!(!breaker.admit(now + seconds(30)));
        assert!(breaker.admit(now + seconds(31)));
    }

    #[test]
    fn what_asked_nobody_counts_neither_well_nor_badly() {
        let (mut breaker, now) = (Breaker::new(false), Instant::now());
        for _ in 0..4 {
            breaker.note(failed(), TOOK, now);
        }
        for _ in 0..20 {
            assert_eq!(breaker.note(Verdict::Nothing, TOOK, now), None);
        }
        assert_eq!(breaker.note(failed(), TOOK, now), Some(BreakerState::Open), "the fifth in a row");
        assert!(breaker.admit(now + seconds(5)));
        assert_eq!(breaker.note(Verdict::Nothing, TOOK, now + seconds(5)), Some(BreakerState::Open));
        assert!(breaker.admit(now + seconds(5)), "the probe is another's");
        assert_eq!(breaker.note(Verdict::Well, TOOK, now + seconds(6)), Some(BreakerState::Closed));
    }

    #[test]
    fn one_tenant_alone_does_not_open_a_shared_account() {
        let (mut breaker, now) = (Breaker::new(true), Instant::now());
        for n in 0..100 {
            let verdict = if n % 2 == 0 { failed() } else { Verdict::Shut("HTTP 403".into(), seconds(60)) };
            assert_eq!(breaker.note(verdict, of(1), now), None, "{n}");
            if n % 4 == 0 {
                breaker.note(Verdict::Well, of(2), now);
            }
        }
        // One failure of another tenant is not enough either.
        breaker.note(failed(), of(2), now);
        assert!(breaker.admit(now) && !breaker.is_shut(now));
    }

    #[test]
    fn a_shared_account_that_fails_for_two_opens_for_all_and_no_probe_keeps_it_open() {
        let (mut breaker, mut now) = (Breaker::new(true), Instant::now());
        for stay in [5, 10, 20] {
            for n in 0..4 {
                assert_eq!(breaker.note(failed(), of(1 + n % 2), now), None);
            }
            assert_eq!(breaker.note(failed(), of(1), now), Some(BreakerState::Open));
            assert!(!breaker.admit(now + seconds(stay - 1)) && breaker.is_shut(now));
            now += seconds(stay);
            assert!(breaker.admit(now) && breaker.admit(now), "all find out");
        }
        for _ in 0..20 {
            assert_eq!(breaker.note(failed(), of(1), now), None, "one alone does not shut it again");
        }
        assert_eq!(breaker.note(Verdict::Well, of(2), now), Some(BreakerState::Closed));
    }

    #[test]
    fn an_account_is_slow_by_its_usual_answer() {
        let (mut breaker, now) = (Breaker::new(true), Instant::now());
        let took = |n| (TOOK.0, seconds(n));
        assert!(!breaker.is_slow());
        for n in [1, 1, 9] {
            breaker.note(Verdict::Well, took(n), now);
        }
        assert!(!breaker.is_slow());
        for _ in 0..3 {
            breaker.note(Verdict::Well, took(9), now);
        }
        assert!(breaker.is_slow());
    }
}
