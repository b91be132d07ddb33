//! Opens a SQLite file for a look that changes neither the file nor those beside it.

use super::{PATIENCE, sqlite_error};
use countersign_core::ports::error::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The largest size of file and log together that is copied for a look, in bytes.
pub const LOOK_LIMIT: u64 = 64 * 1024 * 1024;

/// A connection to the file, or to a copy of it. The copy is deleted with its folder.
pub(super) struct Look {
    pub connection: Connection,
    pub copy: Option<TempDir>,
}

/// There are three cases. If there is a log with its index, both are read with the file. If there is a log
/// without an index, as in a backup, SQLite would create the index, so the files are copied first; returns
/// `None` if they are larger than [`LOOK_LIMIT`]. If there is no log, the file is opened as immutable,
/// because SQLite would create log and index otherwise.
pub(super) fn connect_to_read(path: &Path) -> Result<Option<Look>, StoreError> {
    // A link is resolved, because log and index are beside the file itself.
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

/// Copies the files into a folder that only its owner may enter.
fn copy(path: &Path, log: &Path) -> Result<Look, StoreError> {
    let folder = tempfile::tempdir().map_err(StoreError::unavailable)?;
    let copied = folder.path().join("copy.sqlite");
    for (from, to) in [(path, &copied), (log, &beside(&copied, "-wal"))] {
        std::fs::copy(from, to).map_err(StoreError::unavailable)?;
    }
    // The copy is opened for writing, so that SQLite can create the index.
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
    // This reads the file for the first time, so a file that is no database fails here.
    let looked = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    looked.map_err(sqlite_error)?;
    Ok(connection)
}
