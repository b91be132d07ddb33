//! Delivery receipts: SMPP 3.4, 5.3.2.12, 5.3.2.35 and appendix B.

use super::{ids::IdFormat, pdu::DeliverSm};
use crate::receipt::ReportOutcome as Outcome;
use std::borrow::Cow;

/// `esm_class`: the bits of the message type, and the two types that are receipts.
const TYPE: u8 = 0x3c;
const FINAL: u8 = 0x04;
const INTERMEDIATE: u8 = 0x20;
const UCS2: u8 = 8;
/// Longest code that is kept, in characters.
const MAX_CODE: usize = 64;

/// What became of one `submit_sm`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) id: String,
    pub(super) outcome: Outcome,
    /// The state as the SMSC names it, and its error.
    pub(super) code: String,
}

/// Reads a receipt; `None` for an ordinary message, or a receipt that names
/// none or no state.
pub(super) fn read(deliver: &DeliverSm<'_>, format: IdFormat) -> Option<Receipt> {
    let kind = deliver.esm_class & TYPE;
    let by_tlv = deliver.receipted_id.is_some() && deliver.state.is_some();
    // Some SMSCs forget the bits; nothing else carries these two TLVs.
    if kind != FINAL && kind != INTERMEDIATE && !by_tlv {
        return None;
    }
    let text = text(deliver);
    let in_text = |key: &str| field(&text, key);
    let of_tlv = || format.of_response(deliver.receipted_id?);
    let of_text = || format.of_receipt(in_text("id")?.as_bytes());
    // Where the two forms differ, the settings speak of the text.
    let id = if format == IdFormat::Text { of_tlv().or_else(of_text) } else { of_text().or_else(of_tlv) }?;
    let stat = in_text("stat");
    let (outcome, name) = match (deliver.state, stat) {
        (Some(state), _) => by_state(state),
        (None, Some(stat)) => (by_stat(stat), "?"),
        (None, None) => return None,
    };
    let error = in_text("err").map(Cow::from).or_else(|| network_error(deliver.network_error));
    let code: Vec<&str> = [Some(stat.unwrap_or(name)), error.as_deref()].into_iter().flatten().collect();
    let printable = |c: &char| matches!(c, ' '..='~');
    let code = code.join(" ").chars().filter(printable).take(MAX_CODE).collect();
    Some(Receipt { id, outcome, code })
}

fn by_state(state: u8) -> (Outcome, &'static str) {
    match state {
        0 => (Outcome::Progress, "SCHEDULED"),
        1 => (Outcome::Progress, "ENROUTE"),
        2 => (Outcome::Delivered, "DELIVRD"),
        3 => (Outcome::Undelivered, "EXPIRED"),
        4 => (Outcome::Undelivered, "DELETED"),
        5 => (Outcome::Undelivered, "UNDELIV"),
        6 => (Outcome::Progress, "ACCEPTD"),
        8 => (Outcome::Undelivered, "REJECTD"),
        9 => (Outcome::Undelivered, "SKIPPED"),
        // The SMSC does not know; that is no reason to say that the phone has nothing.
        _ => (Outcome::Progress, "UNKNOWN"),
    }
}

fn by_stat(stat: &str) -> Outcome {
    let begins = |words: &[&str]| {
        let stat = stat.to_ascii_uppercase();
        words.iter().any(|word| stat.starts_with(word))
    };
    if begins(&["DELIV"]) {
        Outcome::Delivered
    } else if begins(&["UNDELIV", "EXPIRED", "DELETED", "REJECT", "FAILED", "SKIPPED"]) {
        Outcome::Undelivered
    } else {
        Outcome::Progress
    }
}

/// A network's type and its error as a number.
fn network_error(value: Option<&[u8]>) -> Option<Cow<'static, str>> {
    let [_, high, low] = value? else { return None };
    Some(Cow::from(u16::from_be_bytes([*high, *low]).to_string()))
}

/// Octets become the characters of the same number, which suits all that a receipt says.
fn text(deliver: &DeliverSm<'_>) -> String {
    if deliver.data_coding == UCS2 {
        let units = deliver.text.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        return char::decode_utf16(units).map(|c| c.unwrap_or('?')).collect();
    }
    deliver.text.iter().copied().map(char::from).collect()
}

/// The value of a key in any case and place: `id:1 sub:001 ... text:Hello`.
/// What follows `text:` was written by others, so it is looked at last.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let own = find(text, "text").unwrap_or(text.len());
    value_after(&text[..own], key).or_else(|| value_after(&text[own..], key))
}

fn value_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = &text[find(text, key)?..];
    let value = value.trim_start_matches(' ');
    let end = value.find(char::is_whitespace).unwrap_or(value.len());
    // An empty value: here the next key begins.
    Some(&value[..end]).filter(|value| !value.is_empty() && !value.contains(':'))
}

/// Where the value of a key begins, its colon behind it.
fn find(text: &str, key: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let begins_word = |at: usize| !lower[..at].ends_with(|c: char| c.is_alphanumeric());
    let found =
        lower.match_indices(key).find(|(at, _)| begins_word(*at) && lower[at + key.len()..].starts_with(':'));
    found.map(|(at, _)| at + key.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_text(text: &str) -> Option<(String, Outcome, String)> {
        let deliver = DeliverSm { esm_class: FINAL, text: text.as_bytes(), ..DeliverSm::default() };
        let Receipt { id, outcome, code } = read(&deliver, IdFormat::Text)?;
        Some((id, outcome, code))
    }

    #[test]
    fn texts_are_read_as_smscs_write_them() {
        use Outcome::{Delivered, Progress, Undelivered};
        for (text, id, outcome, code) in [
            (
                "id:7220bb6bd0be98fa628de66590f80070 sub:001 dlvrd:001 submit date:0610190851 done date:0610190951 stat:DELIVRD err:0 text:123456 is your",
                "7220bb6bd0be98fa628de66590f80070",
                Delivered,
                "DELIVRD 0",
            ),
            ("id:1 stat:UNDELIV err:011 text:", "1", Undelivered, "UNDELIV 011"),
            ("ID:1 Stat:Expired Err:1A2", "1", Undelivered, "Expired 1A2"),
            ("stat:REJECTD err:5 id:77", "77", Undelivered, "REJECTD 5"),
            ("id: 77 stat: ACCEPTD", "77", Progress, "ACCEPTD"),
            ("id:77 stat:UNKNOWN err: text:x", "77", Progress, "UNKNOWN"),
            ("id:77 stat:ENROUTE err:", "77", Progress, "ENROUTE"),
            ("id:77 stat:DELETED", "77", Undelivered, "DELETED"),
            ("id:77\tstat:DELIVERED\r\n", "77", Delivered, "DELIVERED"),
            ("id:77 stat:WONDER", "77", Progress, "WONDER"),
            // The message's own words come last, wherever they stand.
            ("text:id:13 stat:EXPIRED id:77 stat:DELIVRD", "13", Undelivered, "EXPIRED"),
            ("id:77 stat:DELIVRD text:id:13 stat:EXPIRED err:9", "77", Delivered, "DELIVRD 9"),
        ] {
            assert_eq!(by_text(text), Some((id.into(), outcome, code.into())), "{text}");
        }
    }

    #[test]
    fn what_says_nothing_is_no_receipt() {
        for text in ["", "id:1", "stat:DELIVRD", "id: stat:DELIVRD", "paid:1 stat:DELIVRD", "hello", "żółć:"]
        {
            assert_eq!(by_text(text), None, "{text}");
        }
        let deliver = DeliverSm { text: b"id:1 stat:DELIVRD", ..DeliverSm::default() };
        assert_eq!(read(&deliver, IdFormat::Text), None, "an ordinary message");
    }

    #[test]
    fn tlvs_come_before_the_text() {
        let deliver = DeliverSm {
            receipted_id: Some(b"42"),
            state: Some(5),
            network_error: Some(&[3, 0, 17]),
            ..DeliverSm::default()
        };
        let expected = Receipt { id: "42".into(), outcome: Outcome::Undelivered, code: "UNDELIV 17".into() };
        assert_eq!(read(&deliver, IdFormat::Text), Some(expected));

        let deliver = DeliverSm { esm_class: FINAL, text: b"id:66 stat:DELIVRD err:000", ..deliver };
        let receipt = read(&deliver, IdFormat::Text).unwrap();
        assert_eq!((receipt.id.as_str(), receipt.code.as_str()), ("42", "DELIVRD 000"));
        assert_eq!(receipt.outcome, Outcome::Undelivered);
        // Hexadecimal in the TLV, as in the response; decimal in the text.
        assert_eq!(read(&deliver, IdFormat::HexDecimal).unwrap().id, "66");
        let deliver = DeliverSm { text: b"", ..deliver };
        assert_eq!(read(&deliver, IdFormat::HexDecimal).unwrap().id, "66");
    }

    #[test]
    fn codes_are_short_and_printable() {
        let long = format!("id:1 stat:{} err:\u{1}\u{7f}x", "A".repeat(100));
        assert_eq!(by_text(&long).unwrap().2, "A".repeat(MAX_CODE));
        let ucs2: Vec<u8> = "id:1 stat:DELIVRD".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let deliver =
            DeliverSm { esm_class: INTERMEDIATE, data_coding: UCS2, text: &ucs2, ..DeliverSm::default() };
        assert_eq!(read(&deliver, IdFormat::Text).unwrap().code, "DELIVRD");
    }
}
