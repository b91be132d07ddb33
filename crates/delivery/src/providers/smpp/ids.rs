//! Message ids. Some SMSCs write the id in hexadecimal where they accept the
//! message and in decimal in its receipt, or the other way about, or pad one of
//! them with zeros.

/// How the SMSC writes ids in its responses and in its receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdFormat {
    /// The same characters in both.
    #[default]
    Text,
    /// Hexadecimal in both; case and leading zeros say nothing.
    Hex,
    /// Decimal in both; leading zeros say nothing.
    Decimal,
    /// Hexadecimal in responses, decimal in receipts.
    HexDecimal,
    /// Decimal in responses, hexadecimal in receipts.
    DecimalHex,
}

/// More than the 64 characters that the standard gives an id are no id.
const MAX_ID: usize = 64;

impl IdFormat {
    /// The words of the setting.
    pub(super) const NAMES: [(&'static str, Self); 5] = [
        ("text", Self::Text),
        ("hex", Self::Hex),
        ("decimal", Self::Decimal),
        ("hex_decimal", Self::HexDecimal),
        ("decimal_hex", Self::DecimalHex),
    ];

    /// The id that a response gives, in the one form that is kept.
    pub(super) fn of_response(self, octets: &[u8]) -> Option<String> {
        match self {
            Self::Text => unify(octets, None),
            Self::Hex | Self::HexDecimal => unify(octets, Some(16)),
            Self::Decimal | Self::DecimalHex => unify(octets, Some(10)),
        }
    }

    /// The id that the text of a receipt gives, in the same form.
    pub(super) fn of_receipt(self, octets: &[u8]) -> Option<String> {
        match self {
            Self::Text => unify(octets, None),
            Self::Hex | Self::DecimalHex => unify(octets, Some(16)),
            Self::Decimal | Self::HexDecimal => unify(octets, Some(10)),
        }
    }
}

/// A number as decimal; what is no number of that base stays as it is.
fn unify(octets: &[u8], base: Option<u32>) -> Option<String> {
    let text = str::from_utf8(octets).ok()?.trim();
    if text.is_empty() || text.len() > MAX_ID || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
        return None;
    }
    let digits = |base: u32| text.chars().all(|c| c.is_digit(base)).then(|| u128::from_str_radix(text, base));
    match base.and_then(digits) {
        Some(Ok(number)) => Some(number.to_string()),
        _ => Some(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(format.of_receipt(receipt.as_bytes()).as_deref(), Some(id), "{receipt}");
        }
        // Twice as many digits as a number here has stay what they are.
        let long = "f".repeat(64);
        assert_eq!(IdFormat::Hex.of_response(long.as_bytes()), Some(long));
    }

    #[test]
    fn what_is_no_id_is_none() {
        for octets in [&b""[..], b"  ", b"a b", b"\xff\xfe", b"a\nb", &[b'1'; 65]] {
            assert_eq!(IdFormat::Text.of_response(octets), None);
        }
    }
}
