//! A look into a file of SQLite that changes nothing of it and nothing beside it.

use super::{PATIENCE, sqlite_error};
use countersign_core::ports::error::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Largest file that is copied to be looked at, with its log, in bytes.
pub const LOOK_LIMIT: u64 = 64 * 1024 * 1024;

/// A file, or the copy of one, which goes with its folder.
pub(super) struct Look {
    pub connection: Connection,
    pub copy: Option<TempDir>,
}

/// A log that is there must be read with the file, and then SQLite needs its index too, which a server or
/// a crash has left there. A copy has a log and no index, which SQLite would make; so it is copied once more.
/// Without a log the file is said to stand still, for else SQLite would make both. `None` if a copy would be
/// larger than [`LOOK_LIMIT`].
pub(super) fn connect_to_read(path: &Path) -> Result<Option<Look>, StoreError> {
    // Log and index stand beside the file that a link leads to.
    let path = std::fs::canonicalize(path).map_err(StoreError::unavailable)?;
    let log = beside(&path, "-wal");
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    if size(&log) > 0 && !beside(&path, "-shm").exists() {
        if size(&path).saturating_add(size(&log)) > LOOK_LIMIT {
            return Ok(None);
        }
        return copy(&path, &log).map(Some);
    }
    let still = if log.exists() && beside(&path, "-shm").exists() { "" } else { "?immutable=1" };
    let connection = connect(&path, still, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(Some(Look { connection, copy: None }))
}

/// In a folder that only its owner may enter.
fn copy(path: &Path, log: &Path) -> Result<Look, StoreError> {
    let folder = tempfile::tempdir().map_err(StoreError::unavailable)?;
    let copied = folder.path().join("copy.sqlite");
    for (from, to) in [(path, &copied), (log, &beside(&copied, "-wal"))] {
        std::fs::copy(from, to).map_err(StoreError::unavailable)?;
    }
    // Not to read only: the index is to be made.
    let connection = connect(&copied, "", OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    Ok(Look { connection, copy: Some(folder) })
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn connect(path: &Path, still: &str, access: OpenFlags) -> Result<Connection, StoreError> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str(still);
    let flags = access | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags).map_err(sqlite_error)?;
    connection.busy_timeout(PATIENCE).map_err(sqlite_error)?;
    // Reads the file for the first time: what is no database shows here.
    let looked = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    looked.map_err(sqlite_error)?;
    Ok(connection)
}
