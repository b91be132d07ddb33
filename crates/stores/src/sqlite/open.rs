//! How many threads of this process have a file open. A process that ends while
//! they do leaves the last writes in the log beside the file: whoever closes a
//! file last copies them.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

static THREADS: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// One of them, until it is dropped.
pub(super) struct Open;

impl Open {
    /// Counts a thread that is about to begin.
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

/// Waits at most so long until all files of this process are closed: for the end of a command, once
/// nothing holds a database any more. Whether they are.
pub fn wait_until_closed(within: Duration) -> bool {
    let waited = ENDED.wait_timeout_while(threads(), within, |threads| *threads > 0);
    let (threads, _) = waited.unwrap_or_else(PoisonError::into_inner);
    *threads == 0
}

fn threads() -> MutexGuard<'static, usize> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}
