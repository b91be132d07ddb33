//! Copying the write-ahead log into the file, beside the writer: if it did that
//! itself, each act of that moment would wait.

use countersign_core::ports::StoreError;
use rusqlite::{Connection, hooks::Wal, wal::CheckpointMode};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc::{RecvError, sync_channel},
};

/// Pages in the log, 16 MiB, from which on they are copied. Most pages are
/// written many times before that, and copied once.
const PAGES: i32 = 4_096;

/// Has the log of `writer` copied over `beside`, a connection of its own. Only
/// what is written meanwhile is left to the writer: when all is copied, the log
/// begins anew.
pub(super) fn copy_beside(writer: &mut Connection, beside: Connection) -> Result<(), StoreError> {
    let (ask, asked) = sync_channel(1);
    let copied = Arc::new(AtomicBool::new(false));
    let done = copied.clone();
    let copy = move || -> Result<(), RecvError> {
        loop {
            asked.recv()?;
            if let Err(error) = beside.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE) {
                tracing::warn!(error = %error, "The log of a database was not copied into its file");
            }
            done.store(true, Ordering::Release);
        }
    };
    std::thread::Builder::new().name("checkpoint".to_owned()).spawn(copy).map_err(StoreError::unavailable)?;
    let mut waits = false;
    let hook = move |log: &mut Wal, pages: i32| {
        if pages < PAGES {
            return Ok(());
        }
        if !waits {
            waits = ask.try_send(()).is_ok();
        } else if copied.swap(false, Ordering::Acquire) {
            waits = false;
            // Busy, or on a full disk: the next commit asks again.
            let _ = log.checkpoint();
        }
        Ok(())
    };
    writer.wal_hook(Some(hook)).map_err(super::sqlite_error)
}
