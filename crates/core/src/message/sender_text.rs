//! The sender that a message shows.

use std::fmt;

/// A phone number, a short code, or up to 11 letters (GSM 03.40, 9.1.2.5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderText(String);

impl SenderText {
    /// Accepts `+` and 7 to 15 digits, 3 to 8 digits, or 1 to 11 of `[A-Za-z0-9 ._&-]` with at least one
    /// letter and no space at either end.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = match text.strip_prefix('+') {
            Some(number) => (7..=15).contains(&number.len()) && digits(number) && !number.starts_with('0'),
            None if digits(text) => (3..=8).contains(&text.len()),
            None => {
                (1..=11).contains(&text.len())
                    && text.trim() == text
                    && text.bytes().any(|byte| byte.is_ascii_alphabetic())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._&-".contains(&byte))
            }
        };
        fits.then(|| Self(text.to_owned()))
    }

    /// Makes a sender of a company's name; `SMS` if no character of the name is allowed.
    pub fn of_company(name: &str) -> Self {
        let plain = crate::message::sms::transliteration::transliterate(name);
        let kept = plain.chars().filter(|c| c.is_ascii_alphanumeric() || " ._&-".contains(*c));
        let short: String = kept.skip_while(|c| *c == ' ').take(11).collect();
        Self::parse(short.trim()).unwrap_or_else(|| Self("SMS".to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SenderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
