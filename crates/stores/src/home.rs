//! The runtime that a store's connections live in.
//!
//! A connection is driven by a task, and its socket watched by a driver, of the
//! runtime that it was opened in. Each thread of the HTTP server has a runtime of
//! its own, which ends with the listeners: what such a thread opened was gone when
//! the last events and uses of keys were written, and a busy thread held up the
//! answers of the database for all others.

use std::{future::Future, panic::resume_unwind};
use tokio::{
    runtime::Handle,
    task::{AbortHandle, JoinError},
};

/// Where a store was opened; clones lead to the same runtime.
#[derive(Clone)]
pub(crate) struct Home(Option<Handle>);

/// Ends a task that nobody waits for any more.
struct Cut(AbortHandle);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Home {
    /// The runtime of the caller; where there is none, each caller's own.
    pub fn here() -> Self {
        Self(Handle::try_current().ok())
    }

    /// Does the work in this runtime, as if it was awaited here: it ends when nobody waits.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let Some(runtime) = &self.0 else { return work.await };
        let task = runtime.spawn(work);
        let _cut = Cut(task.abort_handle());
        match task.await.map_err(JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => resume_unwind(panic),
            // The runtime ends, and with it the process: the time-outs of the callers answer.
            Err(Err(_)) => std::future::pending().await,
        }
    }

    /// Leaves a task to this runtime.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        match &self.0 {
            Some(runtime) => runtime.spawn(task),
            None => tokio::spawn(task),
        }
    }
}
