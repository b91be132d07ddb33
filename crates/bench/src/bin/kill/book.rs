//! The book: everything that the server acknowledged, with which later answers are compared.

use countersign_bench::api::Answer;
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

pub const MAX_CHECKS: u64 = 5;
/// The tenant's limit. It recovers from a start in 86.4 ms, which is slower than the load starts.
pub const LIMIT: u64 = 1_000_000;
pub const WINDOW: Duration = Duration::from_secs(86_400);
/// The maximum number of faults in the book. More would add nothing.
const MOST_FAULTS: usize = 50;

/// A request whose answer the kill cut off. `key` is its Idempotency-Key.
#[derive(Clone, Debug)]
pub enum Open {
    Start { key: Option<String> },
    Resend { key: Option<String> },
    Check { right: bool, key: Option<String> },
}

/// A verification, as its client knows it.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The id; empty until the start is acknowledged.
    pub id: String,
    pub to: String,
    /// The end user's address that the start names.
    pub end_user_ip: Option<&'static str>,
    pub started: Instant,
    pub code: Option<String>,
    pub approved: bool,
    /// The Idempotency-Key of the check that was approved.
    pub approved_by: Option<String>,
    pub exhausted: bool,
    /// The number of wrong codes answered, and of those that may have been counted without an answer.
    pub wrong: u64,
    pub maybe_wrong: u64,
    pub resent: u64,
    pub maybe_resent: u64,
    pub open: Option<Open>,
    /// Whether any request concerned it since the last restart.
    pub touched: bool,
}

impl Verification {
    pub fn new(to: String) -> Self {
        Self {
            id: String::new(),
            to,
            end_user_ip: None,
            started: Instant::now(),
            code: None,
            approved: false,
            approved_by: None,
            exhausted: false,
            wrong: 0,
            maybe_wrong: 0,
            resent: 0,
            maybe_resent: 0,
            open: None,
            touched: true,
        }
    }

    /// Takes the number of tries left from an answer. It shows whether unanswered checks were counted.
    pub fn note_attempts_left(&mut self, answer: &Answer, book: &Book) {
        let left = answer.json["attempts_left"].as_u64().unwrap_or(99);
        let used = MAX_CHECKS.saturating_sub(left);
        if left > MAX_CHECKS || !(self.wrong..=self.wrong + self.maybe_wrong).contains(&used) {
            let Self { wrong, maybe_wrong, .. } = self;
            book.fault(format!("{}: {left} tries left after {wrong} (+{maybe_wrong}) wrong codes", self.id));
        }
        (self.wrong, self.maybe_wrong) = (used, 0);
    }
}

/// The counts of all rounds, the verifications that no connection works on, and the faults.
pub struct Book {
    begun: Instant,
    pub starts: AtomicU64,
    pub replays: AtomicU64,
    pub checks: AtomicU64,
    pub approvals: AtomicU64,
    pub resends: AtomicU64,
    /// The number of requests refused with 503.
    pub refused: AtomicU64,
    /// The number of requests that a kill cut off.
    pub cut: AtomicU64,
    /// Among them, starts without an Idempotency-Key.
    pub lost_starts: AtomicU64,
    next: AtomicUsize,
    idle: Mutex<Vec<Verification>>,
    faults: Mutex<Vec<String>>,
}

impl Book {
    pub fn new() -> Self {
        Self {
            begun: Instant::now(),
            starts: AtomicU64::default(),
            replays: AtomicU64::default(),
            checks: AtomicU64::default(),
            approvals: AtomicU64::default(),
            resends: AtomicU64::default(),
            refused: AtomicU64::default(),
            cut: AtomicU64::default(),
            lost_starts: AtomicU64::default(),
            next: AtomicUsize::default(),
            idle: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    /// Draws a number that is used only once, for a phone number or a key.
    pub fn draw(&self) -> usize {
        self.next.fetch_add(1, Relaxed)
    }

    pub fn fault(&self, fault: String) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() < MOST_FAULTS {
            faults.push(fault);
        }
    }

    pub fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The verifications that no connection works on.
    pub fn idle(&self) -> MutexGuard<'_, Vec<Verification>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The highest remaining count that the tenant's limit may report after `starts` acknowledged starts.
    pub fn most_remaining(&self, starts: u64) -> u64 {
        let interval = WINDOW.as_micros() / u128::from(LIMIT);
        let regained = self.begun.elapsed().as_micros().div_ceil(interval);
        // One more, because the limit recovers in parts.
        (LIMIT + 1).saturating_sub(starts).saturating_add(u64::try_from(regained).unwrap_or(LIMIT)).min(LIMIT)
    }
}

/// Adds one.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
