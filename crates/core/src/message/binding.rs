//! The bindings of a message: a web site, or an Android app.

/// A host name for the last line of an origin-bound code (WICG "origin-bound one-time codes").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(pub(crate) String);

impl Origin {
    /// Reads a lower-case host name with at least one dot, at most 100 characters. Refuses a scheme, port or
    /// path.
    pub fn parse(text: &str) -> Option<Self> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        let host = text.len() <= 100 && text.contains('.') && text.split('.').all(label);
        host.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The 11-character hash by which Android's SMS Retriever finds its app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppHash(pub(crate) String);

impl AppHash {
    /// Reads 11 characters of base64.
    pub fn parse(text: &str) -> Option<Self> {
        let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        (text.len() == 11 && text.bytes().all(base64)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The maximum length of a message that Android's SMS Retriever reads, in bytes.
pub const RETRIEVER_BYTES: usize = 140;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_hashes_are_checked() {
        for bad in [
            "",
            "localhost",
            "https://a.example",
            "a.example:80",
            "A.example",
            "-a.example",
            "a..b",
            "a.b/c",
            "a b.c",
        ] {
            assert!(Origin::parse(bad).is_none(), "{bad}");
        }
        for bad in ["", "short", "FA+9qCX9VS\n", "FA+9qCX9VSuu"] {
            assert!(AppHash::parse(bad).is_none(), "{bad}");
        }
    }
}
