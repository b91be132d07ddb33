//! Packed records. Fields have a fixed width and big-endian order, times are 48 bits of milliseconds, and a
//! 16-bit length precedes each variable part. The Redis scripts can read this form, and a live verification
//! takes about 200 bytes.

use crate::time::Timestamp;
use std::ops::RangeInclusive;

/// Packs a time into 48 bits of milliseconds.
pub(crate) fn packed_time(time: Timestamp) -> [u8; 6] {
    let [_, _, packed @ ..] = time.millis().to_be_bytes();
    packed
}

#[derive(Default)]
pub(crate) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub fn time(mut self, value: Timestamp) -> Self {
        self.0.extend(packed_time(value));
        self
    }

    pub fn number(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub fn short(mut self, value: &[u8; 4]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    pub fn fixed(mut self, value: &[u8; 16]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    /// Writes at most 65,535 bytes; every caller bounds its values far below that.
    pub fn blob(mut self, value: &[u8]) -> Self {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(&value[..usize::from(length)]);
        self
    }

    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    pub fn time(&mut self) -> Option<Timestamp> {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(self.take(6)?);
        Some(Timestamp::from_millis(i64::from_be_bytes(millis)))
    }

    pub fn number(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        Some(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub fn short(&mut self) -> Option<[u8; 4]> {
        self.take(4)?.try_into().ok()
    }

    pub fn eight(&mut self) -> Option<[u8; 8]> {
        self.take(8)?.try_into().ok()
    }

    pub fn fixed(&mut self) -> Option<[u8; 16]> {
        self.take(16)?.try_into().ok()
    }

    pub fn blob(&mut self) -> Option<&'a [u8]> {
        let length = self.take(2)?;
        self.take(u16::from_be_bytes([length[0], length[1]]).into())
    }

    pub fn text(&mut self) -> Option<String> {
        String::from_utf8(self.blob()?.to_vec()).ok()
    }

    pub fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads a whole value whose first byte is its format.
pub(crate) fn unpack<T>(
    packed: &[u8],
    format: u8,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, UnpackError> {
    unpack_since(packed, format..=format, |_, reader| read(reader))
}

/// Like [`unpack`], but also reads the older formats in `formats`.
pub(crate) fn unpack_since<T>(
    packed: &[u8],
    formats: RangeInclusive<u8>,
    read: impl FnOnce(u8, &mut Reader<'_>) -> Option<T>,
) -> Result<T, UnpackError> {
    let mut reader = Reader(packed);
    match reader.byte() {
        Some(found) if formats.contains(&found) => {
            read(found, &mut reader).filter(|_| reader.is_done()).ok_or(UnpackError::Damaged)
        }
        Some(found) if found > *formats.end() => Err(UnpackError::Future(found)),
        _ => Err(UnpackError::Damaged),
    }
}

/// The reasons why a packed record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// A newer release wrote this format. The reader refuses it and does not guess.
    #[error("record format {0} is newer than this release reads")]
    Future(u8),
    /// The bytes are not a record.
    #[error("record is damaged")]
    Damaged,
}
