//! Notices that the key ring file has become another one.

use super::{KeyFile, read};
use anyhow::Context as _;
use std::{os::unix::fs::MetadataExt as _, path::PathBuf};

/// The file as it was when it was read last. No watch by the system: those
/// miss what a network file system or a mounted secret does.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    read: Option<Stamp>,
    failed: Option<Stamp>,
}

/// What differs between two states of a file, wherever a link leads by now.
/// Device and number of the file, its size, its times; nothing if it is missing.
type Stamp = Option<[i64; 7]>;

impl Watch {
    /// Nothing seen yet, so that a change since the first read is not missed.
    pub fn new(path: PathBuf) -> Self {
        Self { path, read: None, failed: None }
    }

    /// What stands there now, once for each change. What cannot be read is
    /// tried again at each look, and told again only after another change.
    pub fn look(&mut self) -> Option<anyhow::Result<KeyFile>> {
        // Taken before the reading: what changes meanwhile is another change.
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
