//! The two modes of a key: live or test.

/// Live keys send messages; test keys never do. The mode is part of every record's key and of every MAC, so
/// neither mode can see the other's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Messages are sent.
    Live,
    /// No message is sent, and the caller knows the code.
    Test,
}

impl Mode {
    /// The text form, as written in an API key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Live, Self::Test].into_iter().find(|mode| mode.as_str() == text)
    }

    /// The one-byte form, for packed records and MACs.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Live => b'l',
            Self::Test => b't',
        }
    }

    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Live, Self::Test].into_iter().find(|mode| mode.byte() == byte)
    }
}
