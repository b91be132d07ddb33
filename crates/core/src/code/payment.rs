//! The payment that a code confirms. PSD2 RTS 2018/389, article 5(1), requires three things: the message
//! shows the payer amount and payee, the code is specific to them, and any change of either voids the code.

use crate::printable::is_printable;
use sha2::{Digest, Sha256};
use std::fmt;

/// A payment. The message shows it to the payer, and the code is bound to it. Debug shows neither amount nor
/// payee.
#[derive(Clone, PartialEq, Eq)]
pub struct Transaction {
    amount: String,
    currency: CurrencyCode,
    payee: String,
}

/// The reasons why a payment is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// The currency is not three capital letters.
    #[error("must be three capital letters (ISO 4217)")]
    Currency,
    /// The amount is not a decimal number.
    #[error("must be a decimal number of at most 15 digits before the point, such as \"49.90\"")]
    Amount,
    /// The amount has more decimals than its currency, which has this many.
    #[error("has more decimals than the currency, which has {0}")]
    Decimals(usize),
    /// The payee is empty, too long, or not printable.
    #[error("must be 1 to 140 printable characters on one line")]
    Payee,
}

impl TransactionError {
    /// The name of the wrong field.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Currency => "currency",
            Self::Amount | Self::Decimals(_) => "amount",
            Self::Payee => "payee",
        }
    }
}

/// A currency: three capitals of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq)]
struct CurrencyCode([u8; 3]);

impl CurrencyCode {
    fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The decimals of the currency by ISO 4217; two for a currency that is not listed.
    fn decimals(self) -> usize {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl Transaction {
    /// The maximum number of digits before the decimal point.
    pub const MAX_DIGITS: usize = 15;
    /// The maximum length of a payee, in characters.
    pub const MAX_PAYEE: usize = 140;

    /// Reads a payment. The amount gets the decimals of its currency, so `49.9` and `49.90` are the same
    /// amount. Returns every error, not only the first.
    pub fn parse(amount: &str, currency: &str, payee: &str) -> Result<Self, Vec<TransactionError>> {
        let currency = CurrencyCode::parse(currency).ok_or(TransactionError::Currency);
        // If the currency is wrong, the amount may have four decimals: no currency has more.
        let amount = normal_amount(amount, currency.map_or(4, CurrencyCode::decimals));
        let payee = payee.trim();
        let fits = (1..=Self::MAX_PAYEE).contains(&payee.chars().count())
            && payee.chars().all(is_printable)
            // The payer must see a name. A combining mark at the start would be drawn over the character
            // before the payee.
            && payee.chars().next().is_some_and(|first| first.is_alphanumeric() || first.is_ascii_punctuation())
            && payee.chars().any(char::is_alphanumeric);
        let payee = if fits { Ok(payee.to_owned()) } else { Err(TransactionError::Payee) };
        match (amount, currency, payee) {
            (Ok(amount), Ok(currency), Ok(payee)) => Ok(Self { amount, currency, payee }),
            (amount, currency, payee) => {
                Err([amount.err(), currency.err(), payee.err()].into_iter().flatten().collect())
            }
        }
    }

    /// The amount with the decimals of its currency: `49.90`.
    pub fn amount(&self) -> &str {
        &self.amount
    }

    /// The currency: `EUR`.
    pub fn currency(&self) -> &str {
        self.currency.as_str()
    }

    pub fn payee(&self) -> &str {
        &self.payee
    }

    /// SHA-256 over amount, currency and payee. A length precedes each part, so two different payments never
    /// have the same input.
    pub fn digest(&self) -> TransactionDigest {
        let mut hash = Sha256::new_with_prefix(b"countersign transaction 1");
        for field in [self.amount(), self.currency(), self.payee()] {
            hash.update((field.len() as u32).to_be_bytes());
            hash.update(field.as_bytes());
        }
        TransactionDigest(hash.finalize().into())
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transaction")
    }
}

/// A hash of a payment. An attacker can guess payments and hash them, so this hash is never stored in this
/// form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TransactionDigest(pub(crate) [u8; 32]);

impl fmt::Debug for TransactionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransactionDigest")
    }
}

/// Reads the form that banks write in messages: no sign, no leading zeros, no exponent.
fn normal_amount(text: &str, decimals: usize) -> Result<String, TransactionError> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if digits(fraction) => (whole, fraction),
        Some(_) => return Err(TransactionError::Amount),
        None => (text, ""),
    };
    let plain = digits(whole) && whole.len() <= Transaction::MAX_DIGITS;
    if !plain || (whole.len() > 1 && whole.starts_with('0')) {
        return Err(TransactionError::Amount);
    }
    match (fraction.len() > decimals, decimals) {
        (true, _) => Err(TransactionError::Decimals(decimals)),
        (false, 0) => Ok(whole.to_owned()),
        (false, _) => Ok(format!("{whole}.{fraction:0<decimals$}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{TransactionError::*, *};

    fn parse(amount: &str, currency: &str, payee: &str) -> Result<Transaction, Vec<TransactionError>> {
        Transaction::parse(amount, currency, payee)
    }

    #[test]
    fn one_payment_has_one_digest() {
        let digest = |amount, currency, payee| parse(amount, currency, payee).unwrap().digest();
        let paid = digest("49.90", "EUR", "Shop");
        for (amount, payee) in [("49.9", "Shop"), ("49.90", " Shop ")] {
            assert_eq!(digest(amount, "EUR", payee), paid);
        }
        let others = [
            ("49.91", "EUR", "Shop"),
            ("499", "EUR", "Shop"),
            ("49.90", "USD", "Shop"),
            ("49.90", "EUR", "shop"),
            ("49.90", "EUR", "Shop 2"),
        ];
        for (amount, currency, payee) in others {
            assert_ne!(digest(amount, currency, payee), paid, "{amount} {currency} {payee}");
        }
        assert_ne!(digest("1", "JPY", "11"), digest("11", "JPY", "1"));
        // Stored records contain values derived from this hash: it must never change.
        let hex: String = paid.0[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "b3185df39e6b");
    }

    #[test]
    fn amounts_follow_their_currency() {
        for (amount, currency, normal) in [
            ("49.9", "EUR", "49.90"),
            ("49", "PLN", "49.00"),
            ("0", "EUR", "0.00"),
            ("0.5", "USD", "0.50"),
            ("500", "JPY", "500"),
            ("1.5", "KWD", "1.500"),
            ("1.2345", "CLF", "1.2345"),
            ("123456789012345.01", "EUR", "123456789012345.01"),
            ("7", "ZZZ", "7.00"),
        ] {
            assert_eq!(parse(amount, currency, "Shop").unwrap().amount(), normal, "{amount} {currency}");
        }
        for (amount, currency, error) in [
            ("", "EUR", Amount),
            (".5", "EUR", Amount),
            ("5.", "EUR", Amount),
            ("-1", "EUR", Amount),
            ("+1", "EUR", Amount),
            ("1,50", "EUR", Amount),
            ("1 000", "EUR", Amount),
            ("1e3", "EUR", Amount),
            ("01", "EUR", Amount),
            ("00.5", "EUR", Amount),
            ("1.2.3", "EUR", Amount),
            ("٣", "EUR", Amount),
            ("1234567890123456", "EUR", Amount),
            ("1.234", "EUR", Decimals(2)),
            ("1.0", "JPY", Decimals(0)),
            ("1.2345", "KWD", Decimals(3)),
        ] {
            assert_eq!(parse(amount, currency, "Shop"), Err(vec![error]), "{amount} {currency}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        for currency in ["", "eur", "EU", "EURO", "E1R", "€€€"] {
            assert_eq!(parse("1", currency, "Shop"), Err(vec![Currency]), "{currency}");
        }
        let long = "ż".repeat(Transaction::MAX_PAYEE + 1);
        for payee in ["", "  ", "two\nlines", "bell\u{7}", "\u{202e}pohS", "a\u{2028}b", long.as_str()] {
            assert_eq!(parse("1", "EUR", payee), Err(vec![Payee]), "{payee:?}");
        }
        assert!(parse("1", "EUR", &long[2..]).is_ok());
        assert_eq!(parse("x", "y", ""), Err(vec![Amount, Currency, Payee]));
        assert_eq!([Amount, Decimals(2), Currency, Payee].map(TransactionError::field).len(), 4);
        let shown = format!("{:?}", parse("49.90", "EUR", "Shop").unwrap());
        assert_eq!(shown, "Transaction", "it says nothing of the payment");
    }
}
