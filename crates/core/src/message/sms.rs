//! How a text becomes SMS. The encoding is the GSM 03.38 alphabet (3GPP TS 23.038) if it has every character,
//! and UCS-2 otherwise. Long texts are cut into parts.
//!
//! A single SMS holds 160 septets or 70 UTF-16 units. In a text of several parts, each part gives up seven
//! septets or three units for the header that numbers it. An extension character or a surrogate pair takes
//! two units and is never cut in two, so a part may be one unit short.

mod alphabet;
pub mod transliteration;

use std::fmt;
use zeroize::Zeroizing;

/// The encoding of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The GSM default alphabet and its extension table.
    Gsm7,
    /// Sixteen bits a unit, in practice UTF-16. One character outside the GSM alphabet is enough to need it.
    Ucs2,
}

impl Encoding {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    /// The number of units that fit into a message of one part.
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// The number of units that fit into each of several parts.
    pub const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// The encoding that the text needs.
    pub fn of(text: &str) -> Self {
        if text.chars().all(alphabet::contains) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// The number of units that a character takes: one or two.
    fn units(self, character: char) -> usize {
        match self {
            Self::Gsm7 if alphabet::is_extension(character) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => character.len_utf16(),
        }
    }

    /// Writes a character as octets: one octet for each septet, or two for each UTF-16 unit, high byte first.
    fn write(self, character: char, octets: &mut Vec<u8>) {
        match self {
            Self::Gsm7 => octets.extend(alphabet::septets(character)),
            Self::Ucs2 => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    octets.extend(unit.to_be_bytes());
                }
            }
        }
    }
}

/// The encoding of a text, its length, and the number of SMS that carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    pub encoding: Encoding,
    /// Septets or UTF-16 units, without the headers of parts.
    pub units: usize,
    /// The number of SMS that the provider bills. An empty text still counts as one.
    pub parts: usize,
}

/// Counts a text without encoding it.
pub fn segments(text: &str) -> Segments {
    let encoding = Encoding::of(text);
    let units = text.chars().map(|character| encoding.units(character)).sum();
    Segments { encoding, units, parts: bounds(text, encoding, units).len() }
}

/// A text as octets, for providers that take octets. It may contain a code, so Debug shows only lengths.
#[derive(Clone, PartialEq, Eq)]
pub struct Split {
    pub encoding: Encoding,
    /// The parts in order, without headers. Each octet is one septet (not packed eight into seven), or half a
    /// UTF-16 unit with the high byte first. There is at least one part.
    pub parts: Vec<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths: Vec<_> = self.parts.iter().map(|part| part.len()).collect();
        f.debug_struct("Split").field("encoding", &self.encoding).field("octets", &lengths).finish()
    }
}

/// Splits a text into encoded parts.
pub fn split(text: &str) -> Split {
    let encoding = Encoding::of(text);
    let units = text.chars().map(|character| encoding.units(character)).sum();
    let write = |part: &str| {
        // Allocate all of it at once: a vector that grows leaves a copy of the code in memory.
        let mut octets = Zeroizing::new(Vec::with_capacity(2 * encoding.single()));
        part.chars().for_each(|character| encoding.write(character, &mut octets));
        octets
    };
    Split { encoding, parts: bounds(text, encoding, units).into_iter().map(write).collect() }
}

/// Reads octets that each contain one septet of the GSM alphabet.
pub fn read_gsm7(octets: &[u8]) -> String {
    alphabet::characters(octets).collect()
}

/// The slice of the text that each part carries.
fn bounds(text: &str, encoding: Encoding, units: usize) -> Vec<&str> {
    if units <= encoding.single() {
        return vec![text];
    }
    let (mut parts, mut begin, mut filled) = (Vec::new(), 0, 0);
    for (at, character) in text.char_indices() {
        let taken = encoding.units(character);
        if filled + taken > encoding.part() {
            parts.push(&text[begin..at]);
            (begin, filled) = (at, 0);
        }
        filled += taken;
    }
    parts.push(&text[begin..]);
    parts
}

#[cfg(test)]
mod tests;
