//! The text of a receipt: SMPP 3.4, appendix B, and the variants of real SMSCs.

use super::super::{ids::written, pdu::Incoming};
use countersign_core::message::sms::read_gsm7;

/// `data_coding`: SMPP 3.4, 5.2.19.
const DEFAULT: u8 = 0;
const ASCII: u8 = 1;
const UCS2: u8 = 8;
/// The fields, by appendix B.
const KEYS: [&str; 8] = ["id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text"];

/// Decodes the text. Each octet becomes the character of the same number, which is right for everything but
/// ids. Ids may contain characters that the GSM alphabet has at other numbers, mainly `_` and `@`. Some SMSCs
/// send that alphabet and call it their own or ASCII.
pub(super) fn of(incoming: &Incoming<'_>) -> String {
    if incoming.data_coding == UCS2 {
        let units = incoming.text.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        return char::decode_utf16(units).map(|c| c.unwrap_or('?')).collect();
    }
    let text: String = incoming.text.iter().copied().map(char::from).collect();
    let may_be_gsm = matches!(incoming.data_coding, DEFAULT | ASCII);
    if may_be_gsm && field(&text, "id").is_some_and(|id| written(id).is_none()) {
        return read_gsm7(incoming.text);
    }
    text
}

/// The value of a key, in upper or lower case and at any position: `id:1 sub:001 ... text:Hello`. Other
/// people wrote the text after `text:`, so it is searched last.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let own = find(text, "text").unwrap_or(text.len());
    value_after(&text[..own], key).or_else(|| value_after(&text[own..], key))
}

fn value_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text[find(text, key)?..].trim_start_matches(' ');
    let value = match value.strip_prefix(['"', '\'']) {
        Some(quoted) => quoted.split(['"', '\'']).next().unwrap_or_default(),
        None => &value[..end_of(value)],
    };
    // Inside a value, NUL is the `@` of the GSM alphabet. At the end of a value, it is the end of a C string.
    let value = value.trim_end_matches('\0');
    // The value is empty if the next key begins here.
    (!value.is_empty() && !begins_with_key(value)).then_some(value)
}

/// A value ends at white space, or at a comma or a semicolon that is followed by a key or by nothing.
fn end_of(value: &str) -> usize {
    let ends = |(at, character): &(usize, char)| match character {
        ',' | ';' => {
            let rest = &value[at + 1..];
            let next = rest.trim_start();
            next.is_empty() || next.len() < rest.len() || begins_with_key(next)
        }
        character => character.is_whitespace(),
    };
    value.char_indices().find(ends).map_or(value.len(), |(at, _)| at)
}

fn begins_with_key(text: &str) -> bool {
    KEYS.iter().any(|key| {
        let begins = text.get(..key.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(key));
        begins && colon(&text[key.len()..]).is_some()
    })
}

/// The distance to the end of the colon after a key. The key may be in quotes.
fn colon(rest: &str) -> Option<usize> {
    let after = rest.trim_start_matches(['"', '\'', ' ']).strip_prefix(':')?;
    Some(rest.len() - after.len())
}

/// The position of a key's value, after its colon.
fn find(text: &str, key: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let begins_word = |at: usize| !lower[..at].ends_with(|c: char| c.is_alphanumeric());
    let value = |(at, _): (usize, &str)| {
        let end = at + key.len();
        if begins_word(at) { colon(&lower[end..]).map(|length| end + length) } else { None }
    };
    lower.match_indices(key).find_map(value)
}
