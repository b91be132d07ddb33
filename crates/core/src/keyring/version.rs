//! Versions of keys, as nodes publish them and commands print them. They never contain a key.

use std::{fmt, str::FromStr};

/// The two kinds of keys that can be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// These keys make and compare the MACs of codes.
    Mac,
    /// These keys seal phone numbers, codes and credentials.
    Seal,
}

impl KeyKind {
    pub const ALL: [Self; 2] = [Self::Mac, Self::Seal];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::Seal => "seal",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One version of a key. If two installations, or two diverged copies of one key ring, gave the same number
/// to different keys, their check values differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyVersion {
    pub number: u8,
    /// 32 bits of a MAC made with the key.
    pub check: [u8; 4],
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:08x}", self.number, u32::from_be_bytes(self.check))
    }
}

/// The text is not a list of key versions.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a list of key versions")]
pub struct VersionError;

impl FromStr for KeyVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let (number, check) = text.split_once(':').ok_or(VersionError)?;
        let number = number.parse().map_err(|_| VersionError)?;
        let check = u32::from_str_radix(check, 16).map_err(|_| VersionError)?;
        Ok(Self { number, check: check.to_be_bytes() })
    }
}

/// The versions of one kind, the primary one first: `2:9f3a1c7e,1:77ab0210`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyVersions(Vec<KeyVersion>);

impl KeyVersions {
    /// Takes the versions with the primary one first.
    pub fn new(versions: Vec<KeyVersion>) -> Self {
        Self(versions)
    }

    pub fn iter(&self) -> impl Iterator<Item = KeyVersion> {
        self.0.iter().copied()
    }

    /// The version that makes new values.
    pub fn primary(&self) -> Option<KeyVersion> {
        self.0.first().copied()
    }

    pub fn find(&self, number: u8) -> Option<KeyVersion> {
        self.iter().find(|version| version.number == number)
    }
}

impl fmt::Display for KeyVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, version) in self.iter().enumerate() {
            write!(f, "{}{version}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for KeyVersions {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    pub mac: KeyVersions,
    pub seal: KeyVersions,
}

impl Versions {
    pub fn of(&self, kind: KeyKind) -> &KeyVersions {
        match kind {
            KeyKind::Mac => &self.mac,
            KeyKind::Seal => &self.seal,
        }
    }
}
