//! The key ring file: TOML, readable only by its owner.
//!
//! It also contains the number of partitions. Like the fingerprint key, this number never changes, and both
//! must be restored together.

mod text;
mod watch;

use anyhow::{Context as _, ensure};
use countersign_core::{
    keyring::{KeyRing, MAX_VERSIONS, VersionedKey, version::KeyKind},
    management::keyring_rotation::{self, ListedKey, Refusal},
    ports::nodes::Node,
    time::Timestamp,
};
use rand::CryptoRng;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown},
    path::Path,
};
pub(crate) use text::DIRECTORY;
pub use text::parse;
pub use watch::Watch;
use zeroize::Zeroizing;

/// The maximum size of a key ring file. A larger file must be another one.
const MAX_BYTES: u64 = 64 * 1024;

/// The contents of the file.
pub struct KeyFile {
    /// The number of partitions of this installation; `None` if the file does not contain it.
    pub partitions: Option<u16>,
    /// Whether a directory on this machine was created with these keys.
    pub directory: bool,
    fingerprint: Zeroizing<[u8; 32]>,
    mac: Vec<FileKey>,
    seal: Vec<FileKey>,
}

struct FileKey {
    key: VersionedKey,
    demoted_at: Option<Timestamp>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyFile")
    }
}

impl KeyFile {
    /// New keys for a new installation.
    fn generate(partitions: u16, rng: &mut impl CryptoRng) -> Self {
        let mut fingerprint = Zeroizing::new([0; 32]);
        rng.fill_bytes(fingerprint.as_mut());
        let mut first = || vec![FileKey::generate(1, rng)];
        Self { partitions: Some(partitions), directory: false, fingerprint, mac: first(), seal: first() }
    }

    /// The keys in the form that the operations use.
    pub fn keyring(&self) -> anyhow::Result<KeyRing> {
        let keys = |kind| self.list(kind).iter().map(|one| one.key.clone()).collect();
        let keyring = KeyRing::new(*self.fingerprint, keys(KeyKind::Mac), keys(KeyKind::Seal));
        keyring.with_context(|| {
            format!("mac and seal each need 1 to {MAX_VERSIONS} keys, and each version only once")
        })
    }

    /// The whole text of the file, with its keys.
    pub fn text(&self) -> anyhow::Result<Zeroizing<String>> {
        self.keyring()?;
        Ok(text::render(self))
    }

    fn list(&self, kind: KeyKind) -> &[FileKey] {
        match kind {
            KeyKind::Mac => &self.mac,
            KeyKind::Seal => &self.seal,
        }
    }

    fn list_mut(&mut self, kind: KeyKind) -> &mut Vec<FileKey> {
        match kind {
            KeyKind::Mac => &mut self.mac,
            KeyKind::Seal => &mut self.seal,
        }
    }

    /// The versions of a kind, the primary one first.
    pub fn listed(&self, kind: KeyKind) -> Vec<ListedKey> {
        let listed = |one: &FileKey| ListedKey { version: one.key.id(), demoted_at: one.demoted_at };
        self.list(kind).iter().map(listed).collect()
    }

    /// Adds a new key after the others, and returns its version. The key only reads until it is promoted.
    pub fn add(&mut self, kind: KeyKind, rng: &mut impl CryptoRng) -> anyhow::Result<u8> {
        let list = self.list_mut(kind);
        ensure!(list.len() < MAX_VERSIONS, "{kind} has {MAX_VERSIONS} versions; retire an old one first");
        let highest = list.iter().map(|one| one.key.version).max().unwrap_or(0);
        let version = highest.checked_add(1).with_context(|| format!("{kind} has used up its versions"))?;
        list.push(FileKey::generate(version, rng));
        Ok(version)
    }

    /// Makes the newest version primary, if all nodes can read it, and returns it.
    pub fn promote(&mut self, kind: KeyKind, nodes: &[Node], now: Timestamp) -> Result<u8, Refusal> {
        let version = keyring_rotation::may_promote(kind, &self.listed(kind), nodes)?.number;
        let list = self.list_mut(kind);
        if let Some(primary) = list.first_mut() {
            primary.demoted_at = Some(now);
        }
        // Move it to the front; the others keep their order.
        list.sort_by_key(|one| one.key.version != version);
        if let Some(primary) = list.first_mut() {
            primary.demoted_at = None;
        }
        Ok(version)
    }

    /// Removes a version that neither the nodes nor the codes store need.
    pub fn retire(
        &mut self,
        kind: KeyKind,
        version: u8,
        nodes: &[Node],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        keyring_rotation::may_retire(kind, version, &self.listed(kind), nodes, now)?;
        self.list_mut(kind).retain(|one| one.key.version != version);
        Ok(())
    }
}

impl FileKey {
    fn generate(version: u8, rng: &mut impl CryptoRng) -> Self {
        let mut key = VersionedKey { version, key: [0; 32] };
        rng.fill_bytes(&mut key.key);
        Self { key, demoted_at: None }
    }
}

/// Reads the file. Returns `None` if there is none.
pub fn read(path: &Path) -> anyhow::Result<Option<KeyFile>> {
    let shown = path.display();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("The key ring {shown} cannot be read")),
    };
    refuse_shared(&file, path)?;
    let mut text = Zeroizing::new(String::new());
    let read = file.take(MAX_BYTES).read_to_string(&mut text);
    read.with_context(|| format!("The key ring {shown} cannot be read"))?;
    parse(&text).map(Some).with_context(|| format!("The key ring {shown} is not valid"))
}

/// Creates a file with new random keys. The file appears whole or not at all, and never replaces an existing
/// one.
pub fn create(path: &Path, partitions: u16, rng: &mut impl CryptoRng) -> anyhow::Result<()> {
    let shown = path.display();
    let text = text::render(&KeyFile::generate(partitions, rng));
    // Processes that start at once each have a draft of their own: one never links what another still writes.
    let draft = path.with_extension(format!("new-{:016x}", rng.next_u64()));
    write_private(&draft, text.as_bytes()).with_context(|| format!("The key ring {shown} cannot be made"))?;
    // Unlike a rename, a hard link fails if another process has created the file in the meantime.
    let linked = std::fs::hard_link(&draft, path);
    let removed = std::fs::remove_file(&draft);
    linked.and(removed).with_context(|| format!("The key ring {shown} cannot be made"))
}

/// Changes the file as a whole: a reader sees either the old or the new contents. If `edit` fails, the file
/// stays as it was.
pub fn update<T>(path: &Path, edit: impl FnOnce(&mut KeyFile) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let missing =
        || format!("There is no key ring {}; `countersign keyring create` makes it", path.display());
    // A link stays a link, and leads to the new file.
    let path = &std::fs::canonicalize(path).with_context(missing)?;
    let folder = File::open(path.parent().with_context(missing)?).with_context(missing)?;
    match folder.try_lock() {
        Err(TryLockError::WouldBlock) => anyhow::bail!("Another command is changing the key ring; try again"),
        outcome => outcome.with_context(|| format!("The folder of {} cannot be locked", path.display()))?,
    }
    let mut file = read(path)?.with_context(missing)?;
    let outcome = edit(&mut file)?;
    let replaced = replace(path, file.text()?.as_bytes()).and_then(|()| folder.sync_all());
    replaced.with_context(|| format!("The key ring {} cannot be written", path.display()))?;
    Ok(outcome)
}

/// Records in the file that a directory was created with these keys.
pub fn note_directory(path: &Path) -> anyhow::Result<()> {
    update(path, |file| {
        file.directory = true;
        Ok(())
    })
}

/// Replaces the file and keeps its owner and mode, because the server may run as another user than the
/// command.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    let written = || {
        let old = std::fs::metadata(path)?;
        write_private(&draft, bytes)?;
        let new = File::open(&draft)?;
        let made = new.metadata()?;
        if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
            fchown(&new, Some(old.uid()), Some(old.gid()))?;
        }
        new.set_permissions(old.permissions())?;
        std::fs::rename(&draft, path)
    };
    let outcome = written();
    if outcome.is_err() {
        // The draft contains keys. If it cannot be removed, the first error is more useful.
        let _ = std::fs::remove_file(&draft);
    }
    outcome
}

/// Writes a file that only its owner can read, and replaces an existing one.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // An existing file would keep its mode, so it is removed first.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn refuse_shared(file: &File, path: &Path) -> anyhow::Result<()> {
    let metadata = file.metadata()?;
    let mode = metadata.mode() & 0o777;
    // A mounted secret belongs to root, and this process reads it as a member of its group.
    let mounted = metadata.uid() == 0 && !rustix::process::geteuid().is_root();
    let forbidden = if mounted { 0o037 } else { 0o077 };
    let shown = path.display();
    ensure!(
        mode & forbidden == 0,
        "The key ring {shown} can be read by other users (mode {mode:03o}); run: chmod 600 {shown}"
    );
    Ok(())
}

#[cfg(test)]
mod tests;
