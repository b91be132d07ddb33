//! Delivery receipts: SMPP 3.4, 5.3.2.12, 5.3.2.35 and appendix B.

mod text;

use super::{
    ids::{IdFormat, ReceiptIds, written},
    pdu::Incoming,
};
use crate::receipt::ReportOutcome as Outcome;
use std::borrow::Cow;
use text::field;

/// `esm_class`: the bits of the message type, and the two types that are receipts.
const TYPE: u8 = 0x3c;
const FINAL: u8 = 0x04;
const INTERMEDIATE: u8 = 0x20;
/// The maximum length of a code, in characters.
const MAX_CODE: usize = 64;

/// The content of a message from the SMSC.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// An ordinary message, such as one from a phone.
    Message,
    /// A receipt that names no message, or no state of it.
    Unreadable,
    Receipt(Receipt),
}

/// The outcome of one `submit_sm`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The id, in the form in which the stores save it.
    pub(super) id: String,
    /// The ids as the SMSC wrote them.
    pub(super) ids: ReceiptIds,
    pub(super) outcome: Outcome,
    /// The state as the SMSC names it, and its error.
    pub(super) code: String,
}

/// Reads a message from the SMSC.
pub(super) fn read(incoming: &Incoming<'_>, format: IdFormat) -> Read {
    let kind = incoming.esm_class & TYPE;
    let by_tlv = incoming.receipted_id.is_some() && incoming.state.is_some();
    // Some SMSCs forget these bits. No other message has these two TLVs.
    if kind != FINAL && kind != INTERMEDIATE && !by_tlv {
        return Read::Message;
    }
    read_receipt(incoming, format).map_or(Read::Unreadable, Read::Receipt)
}

fn read_receipt(incoming: &Incoming<'_>, format: IdFormat) -> Option<Receipt> {
    let text = text::of(incoming);
    let in_text = |key: &str| field(&text, key);
    let ids = ReceiptIds {
        tlv: incoming.receipted_id.and_then(|id| written(str::from_utf8(id).ok()?)),
        text: in_text("id").and_then(written),
    };
    let id = format.of_receipt(&ids)?;
    let stat = in_text("stat");
    let (outcome, name) = match (incoming.state, stat) {
        (Some(state), _) => by_state(state),
        (None, Some(stat)) => (by_stat(stat), "?"),
        (None, None) => return None,
    };
    let error = in_text("err").map(Cow::from).or_else(|| network_error(incoming.network_error));
    let code: Vec<&str> = [Some(stat.unwrap_or(name)), error.as_deref()].into_iter().flatten().collect();
    let printable = |c: &char| matches!(c, ' '..='~');
    let code = code.join(" ").chars().filter(printable).take(MAX_CODE).collect();
    Some(Receipt { id, ids, outcome, code })
}

#[cfg(test)]
impl Receipt {
    pub(super) fn of(id: &str, outcome: Outcome, code: &str) -> Self {
        let ids = ReceiptIds { tlv: None, text: Some(id.to_owned()) };
        Self { id: id.to_owned(), ids, outcome, code: code.to_owned() }
    }
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
        // The SMSC does not know the state. That does not mean that the phone did not get the message.
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

/// Reads the type of a network and its error as a number.
fn network_error(value: Option<&[u8]>) -> Option<Cow<'static, str>> {
    let [_, high, low] = value? else { return None };
    Some(Cow::from(u16::from_be_bytes([*high, *low]).to_string()))
}

#[cfg(test)]
mod tests {
    use super::{super::pdu::DATA_SM, *};

    fn receipt(incoming: &Incoming<'_>, format: IdFormat) -> Receipt {
        match read(incoming, format) {
            Read::Receipt(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    fn by_octets(data_coding: u8, text: &[u8]) -> Option<(String, Outcome, String)> {
        let incoming = Incoming { esm_class: FINAL, data_coding, text, ..Incoming::default() };
        match read(&incoming, IdFormat::Text) {
            Read::Receipt(Receipt { id, outcome, code, .. }) => Some((id, outcome, code)),
            Read::Unreadable => None,
            Read::Message => panic!("no receipt"),
        }
    }

    fn by_text(text: &str) -> Option<(String, Outcome, String)> {
        by_octets(0, text.as_bytes())
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
            // A receipt with only the necessary fields, with other dates, and with leading zeros, which are
            // kept.
            (
                "id:0000006699 submit date:20260131120000 done date:20260131120105 stat:DELIVRD",
                "0000006699",
                Delivered,
                "DELIVRD",
            ),
            ("id:77 stat:delivrd err:000", "77", Delivered, "delivrd 000"),
            ("id:77 stat:undeliv", "77", Undelivered, "undeliv"),
            // NUL after a value, or at the very end.
            ("id:77\0 sub:001 stat:DELIVRD\0 err:000\0", "77", Delivered, "DELIVRD 000"),
            ("id:77 stat:DELIVRD\0\0\0", "77", Delivered, "DELIVRD"),
            // Quotes around values and around keys.
            (
                "id:\"77\" sub:\"001\" stat:\"DELIVRD\" err:\"000\" text:\"123456\"",
                "77",
                Delivered,
                "DELIVRD 000",
            ),
            ("id:'77' stat:'EXPIRED'", "77", Undelivered, "EXPIRED"),
            ("\"id\":\"77\",\"stat\":\"DELIVRD\",\"err\":\"000\"", "77", Delivered, "DELIVRD 000"),
            // Commas and semicolons between fields are not part of a value.
            (
                "id:77,sub:001,dlvrd:001,submit date:2601311200,done date:2601311201,stat:DELIVRD,err:000,text:x",
                "77",
                Delivered,
                "DELIVRD 000",
            ),
            ("id:77, stat:DELIVRD, err:000,", "77", Delivered, "DELIVRD 000"),
            ("id:77;stat:UNDELIV;err:1", "77", Undelivered, "UNDELIV 1"),
            ("id:7,7 stat:DELIVRD", "7,7", Delivered, "DELIVRD"),
            ("id:12:34 stat : DELIVRD", "12:34", Delivered, "DELIVRD"),
            // The message's own words are searched last, wherever they are.
            ("text:id:13 stat:EXPIRED id:77 stat:DELIVRD", "13", Undelivered, "EXPIRED"),
            ("id:77 stat:DELIVRD text:id:13 stat:EXPIRED err:9", "77", Delivered, "DELIVRD 9"),
        ] {
            assert_eq!(by_text(text), Some((id.into(), outcome, code.into())), "{text}");
        }
    }

    /// 3GPP TS 23.038, 6.2.1: `@` is 0x00, `$` is 0x02, `_` is 0x11; `[` is 0x3c after the escape.
    #[test]
    fn texts_in_the_gsm_alphabet_are_read_where_an_id_is_none_in_ascii() {
        let delivered = |id: &str| Some((id.to_owned(), Outcome::Delivered, "DELIVRD 000".to_owned()));
        // SMPP 3.4, 5.2.19: the SMSC's own alphabet, and the one that npm `smpp` uses in its place.
        for data_coding in [0, 1] {
            for (octets, id) in [
                (&b"id:msg\x111\x00x sub:001 stat:DELIVRD err:000"[..], "msg_1@x"),
                (b"id:\x11a\x02 stat:DELIVRD err:000", "_a$"),
                (b"id:\x1b<1\x1b> stat:DELIVRD err:000", "[1]"),
                // Read as ASCII, because nothing shows another alphabet.
                (b"id:msg_1@x stat:DELIVRD err:000", "msg_1@x"),
                (b"id:77\x00 stat:DELIVRD err:000", "77"),
            ] {
                assert_eq!(by_octets(data_coding, octets), delivered(id), "{data_coding} {octets:x?}");
            }
        }
        // ISO 8859-1 has no such characters.
        assert_eq!(by_octets(3, b"id:msg\x111 stat:DELIVRD err:000"), None);
        assert_eq!(by_octets(0, b"id:msg\x051 stat:DELIVRD err:000"), None, "no ASCII in either");
    }

    #[test]
    fn what_says_nothing_is_no_receipt() {
        for text in ["", "id:1", "stat:DELIVRD", "id: stat:DELIVRD", "paid:1 stat:DELIVRD", "hello", "żółć:"]
        {
            assert_eq!(by_text(text), None, "{text}");
        }
        let message = Incoming { text: b"id:1 stat:DELIVRD", ..Incoming::default() };
        assert_eq!(read(&message, IdFormat::Text), Read::Message);
    }

    #[test]
    fn tlvs_come_before_the_text() {
        let deliver = Incoming {
            receipted_id: Some(b"42"),
            state: Some(5),
            network_error: Some(&[3, 0, 17]),
            ..Incoming::default()
        };
        let read = receipt(&deliver, IdFormat::Text);
        assert_eq!(
            (read.id.as_str(), read.outcome, read.code.as_str()),
            ("42", Outcome::Undelivered, "UNDELIV 17")
        );

        let deliver = Incoming { esm_class: FINAL, text: b"id:66 stat:DELIVRD err:000", ..deliver };
        let read = receipt(&deliver, IdFormat::Text);
        assert_eq!((read.id.as_str(), read.code.as_str()), ("42", "DELIVRD 000"));
        assert_eq!(read.outcome, Outcome::Undelivered);
        // Hexadecimal in the TLV, as in the response, and decimal in the text.
        assert_eq!(receipt(&deliver, IdFormat::HexDecimal).id, "66");
        let deliver = Incoming { text: b"", ..deliver };
        assert_eq!(receipt(&deliver, IdFormat::HexDecimal).id, "66");
    }

    #[test]
    fn codes_are_short_and_printable() {
        let long = format!("id:1 stat:{} err:\u{1}\u{7f}x", "A".repeat(100));
        assert_eq!(by_text(&long).unwrap().2, "A".repeat(MAX_CODE));
        let ucs2: Vec<u8> = "id:1 stat:DELIVRD".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let deliver =
            Incoming { esm_class: INTERMEDIATE, data_coding: 8, text: &ucs2, ..Incoming::default() };
        assert_eq!(receipt(&deliver, IdFormat::Text).code, "DELIVRD");
    }

    #[test]
    fn a_data_sm_says_as_much_as_a_deliver_sm() {
        // SMPP 3.4, 4.7.1: a `data_sm` has only these fields before the TLVs.
        let head = |esm_class: u8, data_coding: u8| {
            [&b"\0\x01\x0148500500500\0\x05\x00Acme\0"[..], &[esm_class, 0, data_coding]].concat()
        };
        let tlvs = b"\x00\x1e\x00\x0542-A\0\x04\x27\x00\x01\x02\x04\x23\x00\x03\x03\x00\x11";
        for esm_class in [FINAL, INTERMEDIATE, 0] {
            let body = [&head(esm_class, 0)[..], tlvs].concat();
            let read = receipt(&Incoming::parse(DATA_SM, &body), IdFormat::Text);
            assert_eq!((read.id.as_str(), read.outcome), ("42-A", Outcome::Delivered));
            assert_eq!(read.code, "DELIVRD 17");
        }
        let payload = b"\x04\x24\x00\x21id:msg\x1142 stat:UNDELIV err:011 text:";
        let body = [&head(FINAL, 1)[..], payload].concat();
        let read = receipt(&Incoming::parse(DATA_SM, &body), IdFormat::Text);
        assert_eq!((read.id.as_str(), read.outcome), ("msg_42", Outcome::Undelivered));
        assert_eq!(read.code, "UNDELIV 011");
        let body = [&head(0, 1)[..], payload].concat();
        assert_eq!(super::read(&Incoming::parse(DATA_SM, &body), IdFormat::Text), Read::Message);
        assert_eq!(super::read(&Incoming::parse(DATA_SM, &head(FINAL, 0)), IdFormat::Text), Read::Unreadable);
    }
}
