//! The runtime in which a store's connections run.
//!
//! A connection belongs to the runtime in which it was opened: a task of that runtime drives it, and the
//! runtime's driver watches its socket. Each thread of the HTTP server has its own runtime, which ends with
//! the listeners. If such a thread opened the connections, they would be closed before the last events and
//! uses of keys are written, and a busy thread would delay the database's answers for all others. So a store
//! opens all its connections in one runtime.

use std::{future::Future, panic::resume_unwind};
use tokio::{
    runtime::Handle,
    task::{AbortHandle, JoinError},
};

/// The runtime in which a store was opened. Clones share it.
#[derive(Clone)]
pub(crate) struct Home(Option<Handle>);

/// Aborts a task when nobody waits for it any more.
struct Cut(AbortHandle);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Home {
    /// The caller's runtime. If there is none, each later caller uses its own.
    pub fn here() -> Self {
        Self(Handle::try_current().ok())
    }

    /// Runs the work in this runtime. As with a plain await, the work ends when the caller stops waiting.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let Some(runtime) = &self.0 else { return work.await };
        let task = runtime.spawn(work);
        let _cut = Cut(task.abort_handle());
        match task.await.map_err(JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => resume_unwind(panic),
            // The runtime is ending, and the process with it: the callers' time-outs give the answers.
            Err(Err(_)) => std::future::pending().await,
        }
    }

    /// Starts a task in this runtime.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        match &self.0 {
            Some(runtime) => runtime.spawn(task),
            None => tokio::spawn(task),
        }
    }
}
