//! Notices changes of the key ring file.

use super::{KeyFile, read};
use anyhow::Context as _;
use std::{os::unix::fs::MetadataExt as _, path::PathBuf};

/// Compares the file with the state in which it was last read. The system's own file watching is not used,
/// because it misses changes on a network file system or in a mounted secret.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    read: Option<Stamp>,
    failed: Option<Stamp>,
}

/// A fingerprint of the file's state: device and number of the file that a link leads to, its size, its
/// times. `None` if it is missing.
type Stamp = Option<[i64; 7]>;

impl Watch {
    /// Begins without a state, so that a change since the first read is noticed.
    pub fn new(path: PathBuf) -> Self {
        Self { path, read: None, failed: None }
    }

    /// Returns the new contents once for each change. An unreadable file is tried again at each check, but
    /// reported again only after another change.
    pub fn look(&mut self) -> Option<anyhow::Result<KeyFile>> {
        // Take the fingerprint before reading, so that a change during the read counts as another change.
        let stamp = Some(self.stamp());
        if self.read == stamp {
            return None;
        }
        let missing = || format!("The key ring {} is gone", self.path.display());
        let outcome = read(&self.path).and_then(|file| file.with_context(missing));
        if outcome.is_ok() {
            (self.read, self.failed) = (stamp, None);
        } else if std::mem::replace(&mut self.failed, stamp) == stamp {
            return None;
        }
        Some(outcome)
    }

    fn stamp(&self) -> Stamp {
        let data = std::fs::metadata(&self.path).ok()?;
        let whole = [data.dev(), data.ino(), data.size()].map(u64::cast_signed);
        let [device, number, size] = whole;
        Some([device, number, size, data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()])
    }
}
