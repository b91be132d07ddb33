//! Versions of keys, as nodes and people speak of them; never the keys.

use std::{fmt, str::FromStr};

/// The two lists of a key ring that rotate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Makes and compares the MACs of codes.
    Mac,
    /// Seals numbers, codes and credentials.
    Seal,
}

impl KeyKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mac, Self::Seal];

    /// The text form.
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

/// One version of a key. The check differs where two installations, or two
/// copies of one that were extended apart, gave one number to two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyVersion {
    /// 1 to 255.
    pub number: u8,
    /// Drawn from the key by a MAC.
    pub check: [u8; 4],
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:08x}", self.number, u32::from_be_bytes(self.check))
    }
}

/// A text that names no key versions.
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
    /// These versions, the primary one first.
    pub fn new(versions: Vec<KeyVersion>) -> Self {
        Self(versions)
    }

    /// All of them, the primary one first.
    pub fn iter(&self) -> impl Iterator<Item = KeyVersion> {
        self.0.iter().copied()
    }

    /// The one that makes new values.
    pub fn primary(&self) -> Option<KeyVersion> {
        self.0.first().copied()
    }

    /// The one with this number.
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

/// The versions of both kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Of the MAC keys.
    pub mac: KeyVersions,
    /// Of the sealing keys.
    pub seal: KeyVersions,
}

impl Versions {
    /// The versions of one kind.
    pub fn of(&self, kind: KeyKind) -> &KeyVersions {
        match kind {
            KeyKind::Mac => &self.mac,
            KeyKind::Seal => &self.seal,
        }
    }
}
