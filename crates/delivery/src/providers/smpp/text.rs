//! Encodes a text in the alphabets that SMSCs use.

use super::settings::DefaultAlphabet;
use countersign_core::message::sms::{self, Encoding};
use zeroize::Zeroizing;

const DEFAULT: u8 = 0;
const UCS2: u8 = 8;

/// A text as parts, without headers. There is at least one part.
pub(super) struct Text {
    pub(super) data_coding: u8,
    pub(super) parts: Vec<Zeroizing<Vec<u8>>>,
}

/// Uses the default alphabet if it has all characters, and UCS-2 otherwise.
pub(super) fn encode(text: &str, alphabet: DefaultAlphabet) -> Text {
    let encoding = Encoding::of(text);
    let data_coding = |encoding| if encoding == Encoding::Gsm7 { DEFAULT } else { UCS2 };
    match alphabet {
        DefaultAlphabet::Latin1 if encoding == Encoding::Gsm7 => latin1(text),
        _ => {
            let split = sms::split(text);
            Text { data_coding: data_coding(split.encoding), parts: split.parts }
        }
    }
}

/// Encodes for an SMSC that converts ISO 8859-1 to GSM 03.38. Lengths are counted in septets, because the
/// SMSC sends septets. The euro sign and the Greek letters are in only one of the two alphabets, so a text
/// with them is UCS-2.
fn latin1(text: &str) -> Text {
    if text.chars().all(|character| u8::try_from(character).is_ok()) {
        let septets = |character: char| sms::segments(character.encode_utf8(&mut [0; 4])).units;
        let parts = cut(text, Encoding::Gsm7, septets);
        let octets = |part: &str| written(part.chars().filter_map(|character| u8::try_from(character).ok()));
        return Text { data_coding: DEFAULT, parts: parts.into_iter().map(octets).collect() };
    }
    let parts = cut(text, Encoding::Ucs2, char::len_utf16);
    let octets = |part: &str| written(part.encode_utf16().flat_map(u16::to_be_bytes));
    Text { data_coding: UCS2, parts: parts.into_iter().map(octets).collect() }
}

/// Encodes one part. A vector that grows would leave a copy of the code in memory.
fn written(octets: impl Iterator<Item = u8>) -> Zeroizing<Vec<u8>> {
    let mut part = Zeroizing::new(Vec::with_capacity(2 * Encoding::Gsm7.single()));
    part.extend(octets);
    part
}

/// Cuts the text into pieces that fit, and never inside a character.
fn cut(text: &str, encoding: Encoding, units: impl Fn(char) -> usize) -> Vec<&str> {
    if text.chars().map(&units).sum::<usize>() <= encoding.single() {
        return vec![text];
    }
    let (mut parts, mut begin, mut filled) = (Vec::new(), 0, 0);
    for (at, character) in text.char_indices() {
        let taken = units(character);
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
mod tests {
    use super::*;

    fn lengths(text: &str, alphabet: DefaultAlphabet) -> (u8, Vec<usize>) {
        let text = encode(text, alphabet);
        (text.data_coding, text.parts.iter().map(|part| part.len()).collect())
    }

    #[test]
    fn the_default_alphabet_is_used_where_it_suffices() {
        let gsm = DefaultAlphabet::Gsm;
        assert_eq!(*encode("a@é€", gsm).parts[0], [0x61, 0x00, 0x05, 0x1b, 0x65]);
        assert_eq!(lengths(&"a".repeat(160), gsm), (0, vec![160]));
        assert_eq!(lengths(&format!("{}€{}", "a".repeat(152), "b".repeat(20)), gsm), (0, vec![152, 22]));
        assert_eq!(lengths(&"ł".repeat(70), gsm), (8, vec![140]));
        assert_eq!(lengths(&"ł".repeat(71), gsm), (8, vec![134, 8]));
        let split = format!("{}😀{}", "ł".repeat(66), "ł".repeat(10));
        assert_eq!(lengths(&split, gsm), (8, vec![132, 24]));
    }

    #[test]
    fn latin1_is_counted_as_what_it_becomes() {
        let latin1 = DefaultAlphabet::Latin1;
        assert_eq!(*encode("a@é{", latin1).parts[0], [0x61, 0x40, 0xe9, 0x7b]);
        assert_eq!(lengths(&"{".repeat(80), latin1), (0, vec![80]));
        assert_eq!(lengths(&"{".repeat(81), latin1), (0, vec![76, 5]));
        assert_eq!(lengths(&"a".repeat(161), latin1), (0, vec![153, 8]));
        // In GSM but not in ISO 8859-1, and the reverse.
        assert_eq!(*encode("€Ω", latin1).parts[0], [0x20, 0xac, 0x03, 0xa9]);
        assert_eq!(lengths(&"€".repeat(71), latin1), (8, vec![134, 8]));
        assert_eq!(encode("ç", latin1).data_coding, UCS2);
    }
}
