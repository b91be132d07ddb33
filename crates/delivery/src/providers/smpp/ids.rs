//! Message ids. Some SMSCs write an id in hexadecimal when they accept the message and in decimal in its
//! receipt, or the reverse, or pad one of them with zeros. Upper and lower case and leading zeros never
//! matter, because the stores look ids up by [`ids_alike`].

use crate::receipt::OtherReading;
use countersign_core::verification::receipt::ids_alike;

/// How the SMSC writes ids in its responses and in its receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdFormat {
    /// The same characters in both.
    #[default]
    Text,
    /// Hexadecimal in both. Case and leading zeros do not matter.
    Hex,
    /// Decimal in both. Leading zeros do not matter.
    Decimal,
    /// Hexadecimal in responses, decimal in receipts.
    HexDecimal,
    /// Decimal in responses, hexadecimal in receipts.
    DecimalHex,
}

/// The maximum length of an id; the standard has 64 characters.
const MAX_ID: usize = 64;

impl IdFormat {
    /// The words of the setting `id_format`.
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("text", Self::Text),
        ("hex", Self::Hex),
        ("decimal", Self::Decimal),
        ("hex_decimal", Self::HexDecimal),
        ("decimal_hex", Self::DecimalHex),
    ];

    /// The base of the numbers in responses, and in the TLV of receipts, which repeats the response's id.
    fn response_base(self) -> Option<u32> {
        match self {
            Self::Text => None,
            Self::Hex | Self::HexDecimal => Some(16),
            Self::Decimal | Self::DecimalHex => Some(10),
        }
    }

    /// The base of the numbers in the text of receipts.
    fn receipt_base(self) -> Option<u32> {
        match self {
            Self::Text => None,
            Self::Hex | Self::DecimalHex => Some(16),
            Self::Decimal | Self::HexDecimal => Some(10),
        }
    }

    /// Reads the id of a response and converts it to the form in which the stores save it.
    pub(super) fn of_response(self, octets: &[u8]) -> Option<String> {
        written(str::from_utf8(octets).ok()?).map(|id| unify(&id, self.response_base()))
    }

    /// Reads the id of a receipt and converts it to the same form.
    pub(super) fn of_receipt(self, ids: &ReceiptIds) -> Option<String> {
        self.pick(ids).map(|(id, base)| unify(id, base))
    }

    /// Chooses one of the two ids in a receipt, and returns the base of its number. If the two differ, the
    /// setting applies to the text's id.
    fn pick(self, ids: &ReceiptIds) -> Option<(&str, Option<u32>)> {
        let tlv = ids.tlv.as_deref().map(|id| (id, self.response_base()));
        let text = ids.text.as_deref().map(|id| (id, self.receipt_base()));
        if self == Self::Text { tlv.or(text) } else { text.or(tlv) }
    }

    /// Tries the other formats on the ids of a receipt. For each, returns the id under which this account,
    /// with its present format, would have saved the response. Equal results appear once.
    pub(super) fn others(self, ids: &ReceiptIds) -> Vec<OtherReading> {
        let mut seen: Vec<String> = self.of_receipt(ids).iter().map(|id| ids_alike(id)).collect();
        let mut others = Vec::new();
        for (setting, other) in Self::NAMES {
            let response = other.pick(ids).and_then(|(id, base)| other.response_of(id, base));
            let kept = response.and_then(|response| self.of_response(response.as_bytes()));
            let Some(id) = kept.map(|id| ids_alike(&id)).filter(|id| !seen.contains(id)) else { continue };
            seen.push(id.clone());
            others.push(OtherReading { setting, id });
        }
        others
    }

    /// The id of the response that belongs to a receipt's id, in this format.
    fn response_of(self, id: &str, base: Option<u32>) -> Option<String> {
        let Some(base) = base else { return Some(id.to_owned()) };
        let number = number(id, base)?;
        Some(if self.response_base() == Some(16) { format!("{number:x}") } else { number.to_string() })
    }
}

/// The ids of one receipt, as the SMSC wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReceiptIds {
    /// The id in the TLV `receipted_message_id`.
    pub(super) tlv: Option<String>,
    pub(super) text: Option<String>,
}

/// Trims white space around an id. Returns `None` if the rest cannot be an id.
pub(super) fn written(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= MAX_ID && text.bytes().all(|octet| octet.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

fn number(text: &str, base: u32) -> Option<u128> {
    // The parser alone would accept a sign.
    let digits = text.chars().all(|c| c.is_digit(base));
    digits.then(|| u128::from_str_radix(text, base).ok()).flatten()
}

/// Writes a number in decimal. Returns a text that is not a number in this base unchanged.
fn unify(text: &str, base: Option<u32>) -> String {
    base.and_then(|base| number(text, base)).map_or_else(|| text.to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_text(id: &str) -> ReceiptIds {
        ReceiptIds { tlv: None, text: Some(id.to_owned()) }
    }

    fn in_tlv(id: &str) -> ReceiptIds {
        ReceiptIds { tlv: Some(id.to_owned()), text: None }
    }

    #[test]
    fn a_response_and_its_receipt_give_one_id() {
        for (format, response, receipt, id) in [
            (IdFormat::Text, "00a1-Z", "00a1-Z", "00a1-Z"),
            (IdFormat::Hex, "1A2B", "00001a2b", "6699"),
            (IdFormat::Decimal, "6699", "0000006699", "6699"),
            (IdFormat::HexDecimal, "1A2B", "0000006699", "6699"),
            (IdFormat::DecimalHex, "6699", "1a2b", "6699"),
            (IdFormat::HexDecimal, "not-hex", "not-hex", "not-hex"),
            (IdFormat::Hex, "+1", "+1", "+1"),
        ] {
            assert_eq!(format.of_response(response.as_bytes()).as_deref(), Some(id), "{response}");
            assert_eq!(format.of_receipt(&in_text(receipt)).as_deref(), Some(id), "{receipt}");
        }
        // A text with more digits than the numbers here can have stays as it is.
        let long = "f".repeat(64);
        assert_eq!(IdFormat::Hex.of_response(long.as_bytes()), Some(long));
    }

    #[test]
    fn what_is_no_id_is_none() {
        for octets in [&b""[..], b"  ", b"a b", b"\xff\xfe", b"a\nb", &[b'1'; 65]] {
            assert_eq!(IdFormat::Text.of_response(octets), None);
        }
    }

    /// The other setting that would find a response in a receipt, if there is one.
    fn suggested(set: IdFormat, response: &str, receipt: &ReceiptIds) -> Option<&'static str> {
        let kept = ids_alike(&set.of_response(response.as_bytes()).unwrap());
        assert_ne!(set.of_receipt(receipt).map(|id| ids_alike(&id)), Some(kept.clone()), "it matches");
        let others = set.others(receipt);
        assert!(others.len() < IdFormat::NAMES.len());
        others.into_iter().find(|other| other.id == kept).map(|other| other.setting)
    }

    #[test]
    fn the_setting_that_would_have_matched_is_found() {
        use IdFormat::{Decimal, DecimalHex, Hex, HexDecimal, Text};
        for (set, response, receipt, right) in [
            (Text, "00001A2B", in_text("6699"), "hex_decimal"),
            (Text, "1a2b", in_text("0000006699"), "hex_decimal"),
            (Text, "6699", in_text("1A2B"), "decimal_hex"),
            (Hex, "1A2B", in_text("6699"), "hex_decimal"),
            (Decimal, "6699", in_text("1A2B"), "decimal_hex"),
            (HexDecimal, "1A2B", in_text("1A2B0"), "none"),
            (HexDecimal, "6699", in_text("6699"), "text"),
            (DecimalHex, "6699", in_text("6699"), "text"),
            // The id is in the TLV and in the text: the setting applies to the text.
            (
                Text,
                "1A2B",
                ReceiptIds { tlv: Some("6699".to_owned()), text: Some("6699".to_owned()) },
                "hex_decimal",
            ),
            (Text, "1A2B", in_tlv("6699"), "none"),
        ] {
            let found = suggested(set, response, &receipt).unwrap_or("none");
            assert_eq!(found, right, "{set:?} {response} {receipt:?}");
        }
        // No other format applies to a text that is not a number or is too long.
        for id in ["msg-1", "G1", &"f".repeat(64)] {
            assert_eq!(Text.others(&in_text(id)), [], "{id}");
        }
    }
}
