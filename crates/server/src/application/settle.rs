//! Completes the SQLite files at the end of the process.

use countersign_core::error::chain;
use countersign_stores::sqlite::Database;
use tokio::time::{Instant, timeout_at};

/// Copies each file's log into the file, so that a later copy of the file alone is complete.
pub(super) async fn settle(files: &[Database], end: Instant) {
    for file in files {
        let problem = match timeout_at(end, file.settle()).await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => chain(&error),
            Err(_) => "no time was left".to_owned(),
        };
        tracing::warn!(error = %problem, "A file is not whole by itself: the next start copies the log beside it");
    }
}
