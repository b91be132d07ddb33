//! Copying the write-ahead log into the file, beside the writer: if it did that
//! itself, each act of that moment would wait.

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

/// Pages in the log, 16 MiB, from which on they are copied. Most pages are
/// written many times before that, and copied once.
const PAGES: i32 = 4_096;
/// Pages in the log, 128 MiB, from which on readers wait for it.
const LONG: i32 = 8 * PAGES;
/// How long they wait at most for the writer to come by.
const DRAINED: Duration = Duration::from_secs(1);
/// Says that the writer has copied the rest.
const COPIED: i32 = 0;

/// Has the log of `writer` copied over `beside`, a connection of its own. Only
/// what is written meanwhile is left to the writer: when all is copied, the log
/// begins anew.
///
/// While readers come one after the other without a gap, the log cannot begin
/// anew: when it is long, the store's own wait once until it has.
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
        // Dropped in the other order: the connection is closed by then.
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
                // Busy, or on a full disk: the next commit asks again.
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
