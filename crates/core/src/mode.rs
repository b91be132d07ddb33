//! Live or test.

/// Live keys send messages; test keys never do. The mode is part of every
/// record's key and of every MAC, so neither sees the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Real messages.
    Live,
    /// Nothing is sent, the code is known.
    Test,
}

impl Mode {
    /// The text form, as it stands in a key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// The mode with this text form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Live, Self::Test].into_iter().find(|mode| mode.as_str() == text)
    }

    /// One byte, for packed records and MACs.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Live => b'l',
            Self::Test => b't',
        }
    }

    /// The mode with this byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Live, Self::Test].into_iter().find(|mode| mode.byte() == byte)
    }
}
