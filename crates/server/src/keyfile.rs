//! The key ring file: TOML, readable by its owner only.
//!
//! It also holds the number of partitions: like the fingerprint key that is
//! fixed at install, and whoever restores the one must restore the other.

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::keyring::{KeyRing, VersionedKey};
use rand::CryptoRng;
use serde::Deserialize;
use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    path::Path,
};
use zeroize::{Zeroize, Zeroizing};

/// A key ring file is small; whatever is larger is another file.
const MAX_BYTES: u64 = 64 * 1024;

/// What the file holds.
#[derive(Debug)]
pub struct KeyFile {
    /// The keys.
    pub keyring: KeyRing,
    /// The number of partitions of this installation; `None` in a file without it.
    pub partitions: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    partitions: Option<u16>,
    fingerprint: String,
    mac: Vec<KeyText>,
    seal: Vec<KeyText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    version: u8,
    key: String,
}

impl Drop for KeyText {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Reads the file. `None` when there is none.
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

/// Makes a file with fresh random keys. It appears whole or not at all, and
/// never replaces one.
pub fn create(path: &Path, partitions: u16, rng: &mut impl CryptoRng) -> anyhow::Result<()> {
    let shown = path.display();
    let mut text = Zeroizing::new(String::with_capacity(1_024));
    text.push_str("# The keys of this Countersign installation. Keep a copy in a safe place: without\n");
    text.push_str(
        "# them stored numbers and codes cannot be read. Never change fingerprint or partitions.\n",
    );
    let fingerprint = fresh_key(rng);
    write!(text, "partitions = {partitions}\nfingerprint = \"{}\"\n", *fingerprint)?;
    for kind in ["mac", "seal"] {
        let key = fresh_key(rng);
        write!(text, "\n[[{kind}]]\nversion = 1\nkey = \"{}\"\n", *key)?;
    }
    let draft = path.with_extension("new");
    write_private(&draft, text.as_bytes()).with_context(|| format!("The key ring {shown} cannot be made"))?;
    // A hard link, unlike a rename, fails if somebody else has made the file meanwhile.
    let linked = std::fs::hard_link(&draft, path);
    let removed = std::fs::remove_file(&draft);
    linked.and(removed).with_context(|| format!("The key ring {shown} cannot be made"))
}

/// Writes a file that only its owner can read, replacing what stands there.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A leftover keeps its mode when it is opened again, so it goes first.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn refuse_shared(file: &File, path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    let shown = path.display();
    ensure!(
        mode & 0o077 == 0,
        "The key ring {shown} can be read by other users (mode {mode:03o}); run: chmod 600 {shown}"
    );
    Ok(())
}

#[cfg(not(unix))]
fn refuse_shared(_: &File, _: &Path) -> anyhow::Result<()> {
    Ok(())
}

fn fresh_key(rng: &mut impl CryptoRng) -> Zeroizing<String> {
    let mut key = Zeroizing::new([0; 32]);
    rng.fill_bytes(key.as_mut());
    Zeroizing::new(STANDARD.encode(*key))
}

fn parse(text: &str) -> anyhow::Result<KeyFile> {
    // The parser's own words only: its full report quotes the line, which may be a key.
    let read = toml::from_str::<Text>(text).map_err(|error| anyhow::anyhow!("{}", error.message()))?;
    let fingerprint = decode(&read.fingerprint).context("fingerprint")?;
    let keys = |kind: &str, keys: &[KeyText]| {
        let decoded = keys.iter().map(|key| {
            ensure!(key.version > 0, "{kind}: a version is 1 to 255");
            let bytes = decode(&key.key).with_context(|| format!("{kind} version {}", key.version))?;
            Ok(VersionedKey { version: key.version, key: *bytes })
        });
        decoded.collect::<anyhow::Result<Vec<_>>>()
    };
    let keyring = KeyRing::new(*fingerprint, keys("mac", &read.mac)?, keys("seal", &read.seal)?);
    let Some(keyring) = keyring else { bail!("mac and seal each need a key, and each version only once") };
    Ok(KeyFile { keyring, partitions: read.partitions })
}

fn decode(text: &str) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let bytes = STANDARD.decode(text).map(Zeroizing::new);
    let bytes = bytes.ok().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    bytes.map(Zeroizing::new).context("a key is 32 bytes in base64")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn created() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        create(&path, 64, &mut StdRng::seed_from_u64(1)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_fresh_file_reads_back_the_same_and_is_never_replaced() {
        let (folder, path) = created();
        let first = read(&path).unwrap().unwrap();
        assert_eq!(first.partitions, Some(64));
        assert!(create(&path, 64, &mut StdRng::seed_from_u64(2)).is_err());
        let again = read(&path).unwrap().unwrap();
        assert_eq!(first.keyring.derive("x"), again.keyring.derive("x"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        assert!(read(&folder.path().join("none.toml")).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path) = created();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_broken_file_is_refused_without_showing_keys() {
        let (_folder, path) = created();
        let whole = std::fs::read_to_string(&path).unwrap();
        let key = whole.lines().find_map(|line| line.strip_prefix("fingerprint = ")).unwrap();
        let key = key.trim_matches('"');
        for broken in [
            whole.replace(key, &key[..20]),
            whole.replace("version = 1", "version = 0"),
            whole.replace("[[seal]]", "[[mac]]"),
            whole.replace("partitions", "partition"),
            whole.replace(&format!("\"{key}\""), key),
            whole.replace("[[seal]]", "[[seal]]\nversion = 1\nkey = \"\"\n[[seal]]"),
        ] {
            assert_ne!(broken, whole);
            std::fs::write(&path, &broken).unwrap();
            let error = format!("{:#}", read(&path).unwrap_err());
            assert!(error.contains("is not valid"), "{error}");
            assert!(!error.contains(&key[..20]), "{error}");
        }
    }
}
