//! A circuit breaker for one account: it keeps messages away from a provider
//! that fails, lets one through after a while to find out, and closes again.
//!
//! Pure: the time is a parameter. What counts as a failure is that of the
//! provider; a number that nobody would take says nothing of the account.
//!
//! The breaker of a shared account opens for all tenants, so one of them alone
//! must not open it, whatever its numbers make a provider answer: it opens only
//! where the account fails without that tenant too, and no single probe decides.

use countersign_core::{
    delivery::account::{BreakerState, Health},
    id::TenantId,
};
use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

/// The attempts that are looked back at.
const WINDOW: usize = 20;
/// Failures in a row that open it.
const IN_A_ROW: usize = 5;
/// Fewer attempts than this say nothing by their share.
const FEWEST: usize = 10;
/// Failures of others that it takes to believe those of one tenant.
const FEWEST_OF_OTHERS: usize = 2;
/// An account whose usual answer takes longer is slow.
const SLOW: Duration = Duration::from_secs(2);
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
    Failed(String),
    /// Nothing goes through until somebody acts, or until this time is over.
    Shut(String, Duration),
    /// It was not asked.
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
    /// How often it opened in a row.
    opened: u32,
    reason: Option<String>,
    /// Whether several tenants send through the account.
    shared: bool,
}

impl Breaker {
    /// One that knows of no failure.
    pub fn new(shared: bool) -> Self {
        Self { state: State::Closed, last: VecDeque::new(), opened: 0, reason: None, shared }
    }

    /// Whether a message may go through now. Asked while it is half open, only
    /// one may, and that one must be told of with [`Breaker::note`]; of a shared
    /// account all may.
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

    /// Whether nothing may go through now, not even to find out.
    pub fn is_shut(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => false,
            State::Open { until } => now < until,
            State::HalfOpen { since } => !self.shared && now.saturating_duration_since(since) < PROBE,
        }
    }

    /// Whether it keeps nobody out and knows of no failure.
    pub fn is_quiet(&self) -> bool {
        matches!(self.state, State::Closed) && self.last.iter().all(|attempt| attempt.well)
    }

    /// Notes what came of a tenant's attempt. Gives the new state if it changed.
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
                // A probe that asked nobody: the next one may.
                if matches!(self.state, State::HalfOpen { .. }) && !self.shared {
                    self.state = State::Open { until: now };
                }
            }
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
        // A short wait that is asked for late does not end a longer one.
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

    /// Whether half of the attempts fail of those of all but the tenant with the most failures.
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

    /// Whether its usual answer takes long.
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

    /// How the account fares.
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
        // What came before it opened does not count against it now.
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
        // A late answer to a message from before does not let others in.
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
        // Nor with one failure of another.
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
