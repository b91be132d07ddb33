//! Writes a message as the bodies of `submit_sm`: SMPP 3.4, 4.4.1.

use super::{
    pdu::{Body, TLV_PAYLOAD, TLV_SAR_NUMBER, TLV_SAR_REFERENCE, TLV_SAR_TOTAL},
    settings::{LongMessages, Plan, SmppSettings, Validity},
    text::{self, Text},
};
use crate::provider::{Outgoing, SendError};
use countersign_core::time::{Timestamp, ceil_seconds};
use std::time::Duration;
use zeroize::Zeroizing;

/// Enough octets for all fields but the message.
const OVERHEAD: usize = 160;
/// The number of a part is one octet.
const MAX_PARTS: usize = 255;
/// `esm_class`: the message begins with a user data header.
const WITH_HEADER: u8 = 0x40;
/// `registered_delivery`: a receipt for each outcome.
const RECEIPTS: u8 = 1;
const MAX_LETTERS: usize = 11;
const MAX_SHORT_CODE: usize = 6;
/// The longest validity period that is sent.
const MAX_VALIDITY: Duration = Duration::from_secs(24 * 3_600);

/// An address with its type of number and numbering plan.
#[derive(Debug, PartialEq, Eq)]
struct Address<'a> {
    ton: u8,
    npi: u8,
    text: &'a str,
}

/// One body for each part.
pub(super) fn bodies(
    settings: &SmppSettings,
    message: &Outgoing,
    now: Timestamp,
) -> Result<Vec<Zeroizing<Vec<u8>>>, SendError> {
    let Text { data_coding, parts } = text::encode(&message.text, settings.default_alphabet);
    if parts.len() > MAX_PARTS {
        return Err(SendError::decline("the text is too long"));
    }
    let left = message.expires_at.since(now);
    if left.is_zero() {
        return Err(SendError::reject("expired"));
    }
    let validity = validity(settings.validity, message.expires_at, left);
    let source = source(settings.source, &message.from)?;
    let destination = destination(settings.destination, message.to.e164());
    let head = |esm_class: u8, octets: usize| {
        let mut body = Body::with_capacity(OVERHEAD + octets).text(&settings.service_type);
        for address in [&source, &destination] {
            body = body.bytes(&[address.ton, address.npi]).text(address.text);
        }
        body.bytes(&[esm_class, 0, 0]) // protocol_id, priority_flag
            .text("") // schedule_delivery_time
            .text(&validity)
            .bytes(&[RECEIPTS, 0, data_coding, 0]) // replace_if_present_flag; sm_default_msg_id
    };
    let total = parts.len();
    if total > 1 && settings.long_messages == LongMessages::Payload {
        let mut whole = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
        parts.iter().for_each(|part| whole.extend_from_slice(part));
        return Ok(vec![head(0, whole.len()).bytes(&[0]).tlv(TLV_PAYLOAD, &whole).finish()]);
    }
    // The reference is the same in each attempt, so that a phone can join parts from two attempts.
    let [.., high, low] = message.message.bytes();
    let part = |(index, part): (usize, &Zeroizing<Vec<u8>>)| {
        let (number, total) = (octet(index + 1), octet(total));
        let header = [5, 0, 3, *low, total, number];
        match settings.long_messages {
            _ if total == 1 => head(0, part.len()).bytes(&[octet(part.len())]).bytes(part),
            LongMessages::Udh => head(WITH_HEADER, part.len())
                .bytes(&[octet(header.len() + part.len())])
                .bytes(&header)
                .bytes(part),
            LongMessages::Sar | LongMessages::Payload => head(0, part.len())
                .bytes(&[octet(part.len())])
                .bytes(part)
                .tlv(TLV_SAR_REFERENCE, &[*high, *low])
                .tlv(TLV_SAR_TOTAL, &[total])
                .tlv(TLV_SAR_NUMBER, &[number]),
        }
        .finish()
    };
    Ok(parts.iter().enumerate().map(part).collect())
}

/// Converts a length or number that is known to fit.
fn octet(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

fn source(plan: Plan, from: &str) -> Result<Address<'_>, SendError> {
    let digits = from.strip_prefix('+').unwrap_or(from);
    let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    let (ton, npi, text) = match digits.len() {
        // The SMSC inserts its own sender.
        _ if from.is_empty() => (0, 0, from),
        0..=MAX_SHORT_CODE if is_number && digits == from => (3, 0, digits),
        0..=20 if is_number => (1, 1, digits),
        0..=MAX_LETTERS if from.bytes().all(|octet| matches!(octet, b' '..=b'~')) => (5, 0, from),
        _ => return Err(SendError::decline("the sender is neither a number nor 11 characters of ASCII")),
    };
    Ok(Address { ton: plan.ton.unwrap_or(ton), npi: plan.npi.unwrap_or(npi), text })
}

fn destination(plan: Plan, e164: &str) -> Address<'_> {
    let text = e164.strip_prefix('+').unwrap_or(e164);
    Address { ton: plan.ton.unwrap_or(1), npi: plan.npi.unwrap_or(1), text }
}

/// SMPP 3.4, 7.1.1: `YYMMDDhhmmsstnnp`; a duration ends in `R`.
fn validity(form: Validity, end: Timestamp, left: Duration) -> String {
    match form {
        Validity::Omitted => String::new(),
        Validity::Relative => {
            let seconds = ceil_seconds(left.min(MAX_VALIDITY));
            let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
            format!("0000{days:02}{hours:02}{:02}{:02}000R", seconds / 60 % 60, seconds % 60)
        }
        Validity::Absolute => {
            // `2026-01-31T12:00:00.000Z` without its century.
            let digits: String =
                end.to_string().chars().filter(char::is_ascii_digit).skip(2).take(13).collect();
            format!("{digits}00+")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::tests::outgoing;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn settings() -> SmppSettings {
        let value = json!({ "host": "localhost", "system_id": "acme", "password": "secret" });
        SmppSettings::parse(&value).unwrap()
    }

    fn message(text: &str) -> Outgoing {
        Outgoing { text: Zeroizing::new(text.to_owned()), ..outgoing("+48500500500") }
    }

    #[test]
    fn a_short_text_is_one_body() {
        let bodies = bodies(&settings(), &message("Hi @"), NOW).unwrap();
        let expected =
            [&b"\0\x05\x00Acme\0\x01\x0148500500500\0\0\0\0\0"[..], b"000000000500000R\0\x01\0\0\0\x04Hi \0"];
        assert_eq!(bodies.iter().map(|body| body.to_vec()).collect::<Vec<_>>(), [expected.concat()]);
    }

    #[test]
    fn a_long_text_is_numbered_as_the_settings_say() {
        let text = format!("{}€{}", "a".repeat(152), "b".repeat(8));
        let with = |long_messages| {
            let settings = SmppSettings { long_messages, ..settings() };
            bodies(&settings, &message(&text), NOW).unwrap()
        };
        let sar = with(LongMessages::Sar);
        assert_eq!(sar.len(), 2);
        let end = |number: u8| [2, 0x0c, 0, 2, 1, 1, 2, 0x0e, 0, 1, 2, 2, 0x0f, 0, 1, number];
        assert!(sar[0].ends_with(&[b"aa", &end(1)[..]].concat()));
        assert!(sar[1].ends_with(&[b"\x1bebbbbbbbb", &end(2)[..]].concat()));

        let udh = with(LongMessages::Udh);
        assert_eq!(udh.len(), 2);
        assert!(udh[1].ends_with(b"\x10\x05\0\x03\x01\x02\x02\x1bebbbbbbbb"));

        let payload = with(LongMessages::Payload);
        assert_eq!(payload.len(), 1);
        assert!(payload[0].ends_with(b"aa\x1bebbbbbbbb"));
        assert!(payload[0].windows(5).any(|window| window == [0, 4, 0x24, 0, 162]));
    }

    #[test]
    fn senders_say_what_they_are() {
        let auto = Plan::default();
        for (from, ton, npi, text) in [
            ("Acme", 5, 0, "Acme"),
            ("7eleven", 5, 0, "7eleven"),
            ("+48500500500", 1, 1, "48500500500"),
            ("48500500500", 1, 1, "48500500500"),
            ("75757", 3, 0, "75757"),
            ("+75757", 1, 1, "75757"),
            ("", 0, 0, ""),
        ] {
            assert_eq!(source(auto, from), Ok(Address { ton, npi, text }), "{from}");
        }
        let said = Plan { ton: Some(2), npi: None };
        assert_eq!(source(said, "75757"), Ok(Address { ton: 2, npi: 0, text: "75757" }));
        for from in ["Żabka", "twelve chars", "1\n2", "123456789012345678901"] {
            assert!(matches!(source(auto, from), Err(SendError::Decline { .. })), "{from}");
        }
        assert_eq!(destination(auto, "+48500500500"), Address { ton: 1, npi: 1, text: "48500500500" });
    }

    #[test]
    fn the_end_of_a_message_is_said_in_one_of_two_forms() {
        let end = |form, seconds| {
            let left = Duration::from_secs(seconds);
            validity(form, Timestamp::from_millis(1_790_000_000_500) + left, left)
        };
        assert_eq!(end(Validity::Relative, 299), "000000000459000R");
        assert_eq!(end(Validity::Relative, 1_000_000), "000001000000000R");
        assert_eq!(end(Validity::Absolute, 0), "260921141320500+");
        assert_eq!(end(Validity::Omitted, 10), "");
        let late = bodies(&settings(), &message("Hi"), Timestamp::from_millis(1_790_000_300_000));
        assert_eq!(late.unwrap_err(), SendError::reject("expired"));
    }
}
