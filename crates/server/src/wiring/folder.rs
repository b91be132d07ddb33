//! The data folder. The first start creates it, and only one process at a time may use it.

use anyhow::{Context as _, bail, ensure};
use rustix::fs::{Access, access};
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::ErrorKind,
    path::Path,
    time::Duration,
};
use tokio::time::sleep;

/// A `config check` that tests the lock holds it for a moment, so the lock is tried again.
const LOOKS: usize = 4;
const PAUSE: Duration = Duration::from_millis(50);

/// Refuses a folder that this process could not create or write to. Creates nothing.
pub(super) fn judge_folder(folder: &Path) -> anyhow::Result<()> {
    let there =
        folder.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let nearest = there.into_iter().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let shown = nearest.display();
    ensure!(nearest.is_dir(), "{shown} is not a folder");
    let allowed = access(nearest, Access::WRITE_OK | Access::EXEC_OK);
    allowed.with_context(|| {
        if nearest == folder {
            format!("The folder {shown} cannot be written in")
        } else {
            format!("The folder {} cannot be made in {shown}", folder.display())
        }
    })
}

/// Refuses an existing file that this process could not write. Returns whether the file exists.
pub(super) fn judge_file(file: &Path) -> anyhow::Result<bool> {
    let shown = file.display();
    if !file.try_exists().with_context(|| format!("{shown} cannot be looked at"))? {
        return Ok(false);
    }
    ensure!(file.is_file(), "{shown} is not a file");
    let allowed = access(file, Access::READ_OK | Access::WRITE_OK);
    allowed.with_context(|| format!("{shown} cannot be read and written"))?;
    Ok(true)
}

/// Creates the folder, readable only by its owner, and the folders above it.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(folder);
    made.with_context(|| format!("The folder {} cannot be made", folder.display()))
}

/// Keeps other processes out until the returned file is dropped.
pub(super) async fn lock_folder(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("The lock {} cannot be opened", path.display()))?;
    for _ in 1..LOOKS {
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            break;
        }
        sleep(PAUSE).await;
    }
    refuse_served(file.try_lock(), folder)?;
    Ok(file)
}

/// Refuses a folder that another process serves from. Tests the lock for a moment, and creates none.
pub(super) fn judge_lock(folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("lock");
    match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("The lock {} cannot be opened", path.display())),
        Ok(file) => refuse_served(file.try_lock_shared(), folder),
    }
}

fn refuse_served(locked: Result<(), TryLockError>, folder: &Path) -> anyhow::Result<()> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => bail!(
            "Another countersign process serves from the folder {}; stop it, or choose another folder",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("The folder {} cannot be locked", folder.display()))
        }
    }
}
