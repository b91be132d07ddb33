//! Counts what has a file open in this process: threads, and the readers of a database. If the process ends
//! before they do, the last writes stay in the log beside the file: SQLite copies them when the last
//! connection closes.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

static HOLDERS: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// One of them, until it is dropped.
pub(super) struct Open;

impl Open {
    /// Counts a thread that is about to start, or readers.
    pub(super) fn begin() -> Self {
        *holders() += 1;
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        *holders() -= 1;
        ENDED.notify_all();
    }
}

/// Waits until all files of this process are closed, at most for `within`. A command calls this at its end,
/// when nothing uses a database any more. Returns whether they are closed.
pub fn wait_until_closed(within: Duration) -> bool {
    let waited = ENDED.wait_timeout_while(holders(), within, |holders| *holders > 0);
    let (holders, _) = waited.unwrap_or_else(PoisonError::into_inner);
    *holders == 0
}

fn holders() -> MutexGuard<'static, usize> {
    HOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}
