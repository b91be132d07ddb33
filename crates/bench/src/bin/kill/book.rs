//! What was acknowledged: the book that the server's answers are held against.

use countersign_bench::api::Answer;
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

pub const MAX_CHECKS: u64 = 5;
/// The tenant's limit: a start is regained each 86.4 ms, slower than they are made.
pub const LIMIT: u64 = 1_000_000;
pub const WINDOW: Duration = Duration::from_secs(86_400);
/// Faults that are kept; more say nothing new.
const MOST_FAULTS: usize = 50;

/// An act whose answer the kill cut off; `key` is its Idempotency-Key.
#[derive(Clone, Debug)]
pub enum Open {
    Start { key: Option<String> },
    Resend { key: Option<String> },
    Check { right: bool, key: Option<String> },
}

/// One verification, as its client knows it.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Empty until its start was acknowledged.
    pub id: String,
    pub to: String,
    /// The end user's address that its start gives.
    pub end_user_ip: Option<&'static str>,
    pub started: Instant,
    pub code: Option<String>,
    pub approved: bool,
    /// The Idempotency-Key of the check that was approved.
    pub approved_by: Option<String>,
    pub exhausted: bool,
    /// Wrong codes that were answered, and those that may have been counted unanswered.
    pub wrong: u64,
    pub maybe_wrong: u64,
    pub resent: u64,
    pub maybe_resent: u64,
    pub open: Option<Open>,
    /// Whether anything was asked of it since the last restart.
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

    /// Takes in how many tries are left, which tells what became of unanswered checks.
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

/// Counts of all rounds, the verifications that nobody works on, and what was wrong.
pub struct Book {
    begun: Instant,
    pub starts: AtomicU64,
    pub replays: AtomicU64,
    pub checks: AtomicU64,
    pub approvals: AtomicU64,
    pub resends: AtomicU64,
    /// Acts that were refused with 503.
    pub refused: AtomicU64,
    /// Acts that a kill cut off.
    pub cut: AtomicU64,
    /// Starts without an Idempotency-Key among them.
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

    /// A number that nobody else uses, or part of a key.
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

    /// The verifications that nobody works on.
    pub fn idle(&self) -> MutexGuard<'_, Vec<Verification>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most that the tenant's limit may say is left, when `starts` were acknowledged before.
    pub fn most_remaining(&self, starts: u64) -> u64 {
        let interval = WINDOW.as_micros() / u128::from(LIMIT);
        let regained = self.begun.elapsed().as_micros().div_ceil(interval);
        // One for what is regained in part.
        (LIMIT + 1).saturating_sub(starts).saturating_add(u64::try_from(regained).unwrap_or(LIMIT)).min(LIMIT)
    }
}

/// Adds one.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
