//! How a text becomes SMS: the GSM 03.38 alphabet (3GPP TS 23.038), else
//! UCS-2, and where it is cut into parts.
//!
//! A single SMS holds 160 septets or 70 UTF-16 units; each of several gives up
//! seven or three of them to say which part it is. What takes two units, an
//! extension character or a surrogate pair, is never cut in two, so a part may
//! stay one short.

mod alphabet;
pub mod transliteration;

use std::fmt;
use zeroize::Zeroizing;

/// What the characters of a message are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The GSM default alphabet and its extension table.
    Gsm7,
    /// Sixteen bits a unit, in practice UTF-16: as soon as one character is not in the GSM alphabet.
    Ucs2,
}

impl Encoding {
    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    /// Units that a message of one part holds.
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units that each of several parts holds.
    pub const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// What the text needs.
    pub fn of(text: &str) -> Self {
        if text.chars().all(alphabet::contains) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// Units that a character takes: one or two.
    fn units(self, character: char) -> usize {
        match self {
            Self::Gsm7 if alphabet::is_extension(character) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => character.len_utf16(),
        }
    }

    /// Adds a character as octets: a septet in each, or a UTF-16 unit in two, high byte first.
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

/// What a text costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// What it is written in.
    pub encoding: Encoding,
    /// Septets or UTF-16 units, without the headers of parts.
    pub units: usize,
    /// Messages that are paid for; a text of nothing is still one.
    pub parts: usize,
}

/// Counts without writing anything.
pub fn segments(text: &str) -> Segments {
    let encoding = Encoding::of(text);
    let units = text.chars().map(|character| encoding.units(character)).sum();
    Segments { encoding, units, parts: bounds(text, encoding, units).len() }
}

/// A text as a provider that speaks octets sends it. It may hold a code, so
/// Debug shows lengths alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Split {
    /// What the parts are written in.
    pub encoding: Encoding,
    /// The parts in order, without headers: one septet an octet (not packed
    /// eight into seven), or UTF-16 with the high byte first. Never none.
    pub parts: Vec<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths: Vec<_> = self.parts.iter().map(|part| part.len()).collect();
        f.debug_struct("Split").field("encoding", &self.encoding).field("octets", &lengths).finish()
    }
}

/// Writes the parts of a text.
pub fn split(text: &str) -> Split {
    let encoding = Encoding::of(text);
    let units = text.chars().map(|character| encoding.units(character)).sum();
    let write = |part: &str| {
        // All of it at once: a vector that grows leaves a copy of the code behind.
        let mut octets = Zeroizing::new(Vec::with_capacity(2 * encoding.single()));
        part.chars().for_each(|character| encoding.write(character, &mut octets));
        octets
    };
    Split { encoding, parts: bounds(text, encoding, units).into_iter().map(write).collect() }
}

/// The text of octets that hold a septet of the GSM alphabet each.
pub fn read_gsm7(octets: &[u8]) -> String {
    alphabet::characters(octets).collect()
}

/// The text of each part.
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
