//! Where the fields of packed values begin.
//!
//! An engine that runs scripts on its server reads and writes packed values by position. Its
//! scripts take the positions from here, and so does
//! [`Record::pack`](crate::verification::record::Record::pack). Positions count from 1, as in Lua.

/// A field of fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name of the field.
    pub name: &'static str,
    /// The position of its first byte.
    pub first: usize,
    /// The number of its bytes.
    pub length: usize,
}

impl Field {
    const fn begin(name: &'static str, length: usize) -> Self {
        Self { name, first: 1, length }
    }

    /// The field after this one.
    const fn then(self, name: &'static str, length: usize) -> Self {
        Self { name, first: self.first + self.length, length }
    }

    /// The position of its last byte.
    pub const fn last(self) -> usize {
        self.first + self.length - 1
    }

    /// Writes the field into a packed value. `bytes` must have its length.
    pub(super) fn put(self, packed: &mut [u8], bytes: &[u8]) {
        packed[self.first - 1..self.last()].copy_from_slice(bytes);
    }
}

/// The fields in this order, each with its number of bytes, without gaps.
///
/// An engine uses it for values that it packs itself.
pub const fn row<const N: usize>(fields: [(&'static str, usize); N]) -> [Field; N] {
    let mut row = [Field::begin(fields[0].0, fields[0].1); N];
    let mut index = 1;
    while index < N {
        row[index] = row[index - 1].then(fields[index].0, fields[index].1);
        index += 1;
    }
    row
}

pub(super) const FORMAT: Field = Field::begin("format", 1);
pub(super) const STATUS: Field = FORMAT.then("status", 1);
pub(super) const DELIVERY: Field = STATUS.then("delivery", 1);
pub(super) const RESEND: Field = DELIVERY.then("resend", 1);
pub(super) const FLAGS: Field = RESEND.then("flags", 1);
pub(super) const CREATED_AT: Field = FLAGS.then("created_at", 6);
pub(super) const EXPIRES_AT: Field = CREATED_AT.then("expires_at", 6);
pub(super) const RESEND_AT: Field = EXPIRES_AT.then("resend_at", 6);
pub(super) const CHECKS: Field = RESEND_AT.then("checks", 1);
pub(super) const MAX_CHECKS: Field = CHECKS.then("max_checks", 1);
pub(super) const SENDS: Field = MAX_CHECKS.then("sends", 1);
pub(super) const MAX_SENDS: Field = SENDS.then("max_sends", 1);
pub(super) const LENGTH: Field = MAX_SENDS.then("length", 1);
pub(super) const ALPHABET: Field = LENGTH.then("alphabet", 1);
pub(super) const PROFILE: Field = ALPHABET.then("profile", 16);
pub(super) const NUMBER: Field = PROFILE.then("number", 16);
pub(super) const MESSAGE: Field = NUMBER.then("message", 16);
pub(super) const SOURCE: Field = MESSAGE.then("source", 4);
pub(super) const MAC_VERSION: Field = SOURCE.then("mac_version", 1);
pub(super) const MAC: Field = MAC_VERSION.then("mac", 16);
/// 0 if no previous code is valid. Otherwise the MAC of that code follows.
pub(super) const PREVIOUS_VERSION: Field = MAC.then("previous_version", 1);

/// The part of a packed [`Record`](crate::verification::record::Record) that has a fixed length. The MAC of
/// the previous code, the two sealed values, the keyed hash of a payment and the last check follow it.
pub const RECORD: [Field; 21] = [
    FORMAT,
    STATUS,
    DELIVERY,
    RESEND,
    FLAGS,
    CREATED_AT,
    EXPIRES_AT,
    RESEND_AT,
    CHECKS,
    MAX_CHECKS,
    SENDS,
    MAX_SENDS,
    LENGTH,
    ALPHABET,
    PROFILE,
    NUMBER,
    MESSAGE,
    SOURCE,
    MAC_VERSION,
    MAC,
    PREVIOUS_VERSION,
];

/// The first byte of each packed form.
pub mod format {
    /// A record without the mark of a payment.
    pub const RECORD: u8 = 3;
    /// A record with the mark of a payment.
    pub const RECORD_WITH_PAYMENT: u8 = 4;
    /// The record of a phone number.
    pub const NUMBER_RECORD: u8 = 2;
}

/// Bits of the field `flags` of a packed record.
pub mod flag {
    /// A provider accepted a message of the verification.
    pub const ACCEPTED: u8 = 1;
    /// Test mode: the first check answers that the verification has expired.
    pub const EXPIRES_AT_CHECK: u8 = 2;
    /// The phone number is a review number.
    pub const REVIEW: u8 = 4;
}

/// The bytes of the fixed part of a record.
pub(super) const RECORD_BYTES: usize = PREVIOUS_VERSION.last();

/// The beginning of a packed [`NumberRecord`](crate::verification::number::NumberRecord). The times of the
/// starts follow it, then the number of verifications in one byte, [`STANDING`] for each, and [`GUESSES`].
pub const NUMBER_RECORD: [Field; 2] = row([("format", 1), ("starts", 1)]);

/// A verification in a packed number record.
pub const STANDING: [Field; 3] = row([("id", 16), ("listing", 16), ("until", 6)]);

/// The wrong codes in a packed number record. If `counted` is 0, nothing else follows; otherwise
/// [`SOURCE_COUNT`] follows for each source.
pub const GUESSES: [Field; 3] = row([("counted", 1), ("number", 16), ("sources", 1)]);

/// A count of wrong codes.
pub const COUNT: [Field; 3] = row([("wrong", 4), ("latest", 6), ("until", 6)]);

/// The count of wrong codes from one source.
pub const SOURCE_COUNT: [Field; 2] = row([("source", 4), ("count", 16)]);
