//! The text of the key ring file.

use super::{FileKey, KeyFile};
use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::{
    keyring::{VersionedKey, version::KeyKind},
    time::Timestamp,
};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

const HEAD: &str = "\
# The keys of this Countersign installation. Keep a copy in a safe place: without
# them stored numbers and codes cannot be read. Never change fingerprint or partitions.
# The first mac and the first seal make new values, the others only read; change them
# with `countersign keyring`, which keeps the order that is safe.
";

/// This is a comment, because older releases refuse fields that they do not know.
pub(crate) const DIRECTORY: &str =
    "# A directory was made with these keys: an empty one beside them is refused.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    partitions: Option<u16>,
    fingerprint: String,
    mac: Vec<KeyText>,
    seal: Vec<KeyText>,
}

impl Drop for Text {
    fn drop(&mut self) {
        self.fingerprint.zeroize();
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    version: u8,
    key: String,
    demoted_at: Option<String>,
}

impl Drop for KeyText {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Reads the text of a key ring file.
pub fn parse(text: &str) -> anyhow::Result<KeyFile> {
    // Use only the parser's message: its full report quotes the line, which may be a key.
    let read = toml::from_str::<Text>(text).map_err(|error| anyhow::anyhow!("{}", error.message()))?;
    let keys = |kind: KeyKind, keys: &[KeyText]| {
        let read =
            keys.iter().map(|key| parse_key(key).with_context(|| format!("{kind} version {}", key.version)));
        read.collect::<anyhow::Result<Vec<_>>>()
    };
    let file = KeyFile {
        partitions: read.partitions,
        directory: text.lines().any(|line| line.trim_end() == DIRECTORY),
        fingerprint: decode(&read.fingerprint).context("fingerprint")?,
        mac: keys(KeyKind::Mac, &read.mac)?,
        seal: keys(KeyKind::Seal, &read.seal)?,
    };
    file.keyring()?;
    Ok(file)
}

fn parse_key(text: &KeyText) -> anyhow::Result<FileKey> {
    ensure!(text.version > 0, "a version is 1 to 255");
    let key = VersionedKey { version: text.version, key: *decode(&text.key)? };
    let demoted_at = text.demoted_at.as_deref().map(str::parse::<jiff::Timestamp>).transpose();
    let demoted_at = demoted_at.ok().context("demoted_at is a time such as \"2026-01-31T12:00:00.000Z\"")?;
    let demoted_at = demoted_at.map(|time| Timestamp::from_micros(time.as_microsecond()));
    Ok(FileKey { key, demoted_at })
}

/// Writes the text that [`parse`] reads as `file`.
pub(super) fn render(file: &KeyFile) -> Zeroizing<String> {
    // Reserve the full size: a text that grows leaves copies of keys in memory.
    let keys = file.mac.len() + file.seal.len();
    let mut text = Zeroizing::new(String::with_capacity(HEAD.len() + DIRECTORY.len() + 256 + 160 * keys));
    text.push_str(HEAD);
    if file.directory {
        text.push_str(DIRECTORY);
        text.push('\n');
    }
    if let Some(partitions) = file.partitions {
        text.push_str(&format!("partitions = {partitions}\n"));
    }
    push_key(&mut text, "fingerprint", &file.fingerprint);
    for kind in KeyKind::ALL {
        for FileKey { key, demoted_at } in file.list(kind) {
            text.push_str(&format!("\n[[{kind}]]\nversion = {}\n", key.version));
            push_key(&mut text, "key", &key.key);
            if let Some(at) = demoted_at {
                text.push_str(&format!("demoted_at = \"{at}\"\n"));
            }
        }
    }
    text
}

fn push_key(text: &mut String, name: &str, key: &[u8; 32]) {
    text.push_str(name);
    text.push_str(" = \"");
    text.push_str(&Zeroizing::new(STANDARD.encode(key)));
    text.push_str("\"\n");
}

fn decode(text: &str) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    let bytes = STANDARD.decode(text).map(Zeroizing::new);
    let bytes = bytes.ok().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    bytes.map(Zeroizing::new).context("a key is 32 bytes in base64")
}
