//! Counts the threads of this process that have a file open. If the process ends before they do, the last
//! writes stay in the log beside the file: SQLite copies them when the last connection closes.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

static THREADS: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// One such thread, until it is dropped.
pub(super) struct Open;

impl Open {
    /// Counts a thread that is about to start.
    pub(super) fn begin() -> Self {
        *threads() += 1;
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        *threads() -= 1;
        ENDED.notify_all();
    }
}

/// Waits until all files of this process are closed, at most for `within`. A command calls this at its end,
/// when nothing uses a database any more. Returns whether they are closed.
pub fn wait_until_closed(within: Duration) -> bool {
    let waited = ENDED.wait_timeout_while(threads(), within, |threads| *threads > 0);
    let (threads, _) = waited.unwrap_or_else(PoisonError::into_inner);
    *threads == 0
}

fn threads() -> MutexGuard<'static, usize> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}
