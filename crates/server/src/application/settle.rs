//! The last that is done with the files of SQLite.

use countersign_core::error::chain;
use countersign_stores::sqlite::Database;
use tokio::time::{Instant, timeout_at};

/// Leaves each file whole by itself: whoever copies it need not know of the log beside it.
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
