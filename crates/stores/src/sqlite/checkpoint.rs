//! Copies the write-ahead log into the file on a second thread. If the writer copied it, operations would
//! have to wait.

use super::{READERS, open::Open, sqlite_error};
use countersign_core::ports::error::StoreError;
use rusqlite::{Connection, hooks::Wal, wal::CheckpointMode};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvError, sync_channel},
    },
    time::Duration,
};
use tokio::{runtime::Handle, sync::Semaphore};

/// The size of the log, in pages (16 MiB), from which it is copied. Most pages are written many times before
/// that, and so are copied only once.
const PAGES: i32 = 4_096;
/// The size of the log, in pages (128 MiB), from which readers wait for the copy.
const LONG: i32 = 8 * PAGES;
/// How long readers wait at most until the writer has restarted the log.
const DRAINED: Duration = Duration::from_secs(1);
/// Tells the copying thread that the writer has copied the rest.
const COPIED: i32 = 0;

/// Copies the log of `writer` over `beside`, a second connection. The writer itself copies only what it wrote
/// meanwhile. When everything is copied, the log restarts from its beginning.
///
/// The log cannot restart while any reader is active. If it has become long, new readers of this store wait
/// once until it has restarted.
pub(super) fn copy_beside(
    writer: &mut Connection,
    beside: Connection,
    readers: Arc<Semaphore>,
) -> Result<(), StoreError> {
    let runtime = Handle::try_current().map_err(StoreError::unavailable)?;
    let (ask, asked) = sync_channel(1);
    let copied = Arc::new(AtomicBool::new(false));
    let done = copied.clone();
    let held = Open::begin();
    let copy = move || -> Result<(), RecvError> {
        // Rust drops them in the other order, so the connection is closed first.
        let (_held, beside) = (held, beside);
        loop {
            let pages: i32 = asked.recv()?;
            if pages == COPIED {
                continue;
            }
            if let Err(error) = beside.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE) {
                tracing::warn!(error = %error, pages, "The log of a database was not copied into its file");
            }
            let drained = (pages >= LONG).then(|| runtime.block_on(readers.acquire_many(READERS as u32)));
            done.store(true, Ordering::Release);
            if drained.is_some() {
                let _ = asked.recv_timeout(DRAINED);
            }
        }
    };
    std::thread::Builder::new().name("checkpoint".to_owned()).spawn(copy).map_err(StoreError::unavailable)?;
    let mut waits = None;
    let hook = move |log: &mut Wal, pages: i32| {
        if pages < PAGES {
            return Ok(());
        }
        match waits {
            None => waits = ask.try_send(pages).is_ok().then_some(pages),
            Some(then) if copied.swap(false, Ordering::Acquire) => {
                waits = None;
                // On an error, such as a busy file or a full disk, the next commit tries again.
                let _ = log.checkpoint();
                if then >= LONG {
                    let _ = ask.try_send(COPIED);
                }
            }
            Some(_) => {}
        }
        Ok(())
    };
    writer.wal_hook(Some(hook)).map_err(sqlite_error)
}
