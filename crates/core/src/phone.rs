//! Phone numbers. Each phone number has one spelling here, and numbers that cannot receive an SMS are
//! refused.

pub mod countries;
pub mod magic;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region};

/// The reasons why a text is not a phone number that can receive a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Not a valid phone number in international form.
    #[error("not a valid number in international form, such as +48500500500")]
    Invalid,
    /// A valid phone number, but its line receives no SMS. The text names the kind of line.
    #[error("{0} numbers cannot receive SMS")]
    CannotReceiveSms(&'static str),
}

/// A country or territory: the two capitals of ISO 3166-1 alpha-2, as libphonenumber uses them. A phone
/// number belongs to the country whose numbering plan contains it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Returns `None` unless the text is two capitals of a region that has phone numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let country = Self::of(text)?;
        let region = text.parse::<Region>().ok()?;
        PHONE_NUMBER_UTIL.get_supported_regions().any(|known| known == region).then_some(country)
    }

    fn of(text: &str) -> Option<Self> {
        Self::from_bytes(text.as_bytes().try_into().ok()?)
    }

    /// Reads two capitals without asking libphonenumber. Returns `None` for anything else.
    pub fn from_bytes(bytes: [u8; 2]) -> Option<Self> {
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }

    pub const fn bytes(&self) -> &[u8; 2] {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Debug for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A valid mobile phone number in E.164: `+` and at most 15 digits. Debug and Display mask the number; only
/// [`PhoneNumber::e164`] returns all of it.
#[derive(Clone)]
pub struct PhoneNumber {
    e164: String,
    country: Option<Country>,
}

impl PartialEq for PhoneNumber {
    fn eq(&self, other: &Self) -> bool {
        self.e164 == other.e164
    }
}

impl Eq for PhoneNumber {}

impl PhoneNumber {
    /// Reads the forms that people write: `+` or `00`, spaces, hyphens, dots, parentheses, a superfluous
    /// trunk zero. A number without its country code is refused: a guessed country would send codes to
    /// strangers.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let text = international(text).ok_or(PhoneError::Invalid)?;
        let number = PHONE_NUMBER_UTIL.parse(&text, None).map_err(|_| PhoneError::Invalid)?;
        if !number.is_valid() {
            return Err(PhoneError::Invalid);
        }
        match number.get_type() {
            PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile if !is_satellite(&text) => {}
            PhoneNumberType::FixedLine => return Err(PhoneError::CannotReceiveSms("landline")),
            PhoneNumberType::PremiumRate => return Err(PhoneError::CannotReceiveSms("premium-rate")),
            PhoneNumberType::SharedCost => return Err(PhoneError::CannotReceiveSms("shared-cost")),
            PhoneNumberType::TollFree => return Err(PhoneError::CannotReceiveSms("toll-free")),
            _ if is_satellite(&text) => return Err(PhoneError::CannotReceiveSms("satellite")),
            _ => return Err(PhoneError::CannotReceiveSms("non-mobile")),
        }
        let country = number.get_region_code().and_then(|region| Country::of(&region.to_string()));
        Ok(Self { e164: number.format_as(PhoneNumberFormat::E164).into_owned(), country })
    }

    /// Wraps a number that was parsed before: from a sealed record, or a magic number of test mode.
    pub(crate) fn from_e164(text: &str) -> Self {
        Self { e164: text.to_owned(), country: None }
    }

    /// Looks up the country of a number that came from a record; records do not store the country.
    pub fn located(&self) -> Self {
        if self.country.is_some() {
            return self.clone();
        }
        Self::parse(&self.e164).unwrap_or_else(|_| self.clone())
    }

    /// The whole number, for the message, the fingerprint, and answers to callers that may see it.
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// The country whose numbering plan contains the number. `None` for the few numbers that belong to no
    /// country, and for a number from a record; see [`PhoneNumber::located`].
    pub fn country(&self) -> Option<Country> {
        self.country
    }

    /// The calling code and three more digits, such as `+48500`. Usually this is a mobile operator or a part
    /// of one.
    pub fn prefix(&self) -> &str {
        let length = 1 + calling_code_length(&self.e164) + 3;
        &self.e164[..length.min(self.e164.len())]
    }

    /// The number as logs show it, and answers without the scope `numbers:read`: `+48*****500`.
    pub fn masked(&self) -> String {
        let (head, tail) = (3.min(self.e164.len()), self.e164.len().saturating_sub(3));
        let stars = "*".repeat(tail.saturating_sub(head));
        format!("{}{stars}{}", &self.e164[..head], &self.e164[tail..])
    }
}

impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked())
    }
}

impl std::fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked())
    }
}

/// The text with a leading `+`, if it contains only characters that people write in phone numbers. Letters
/// are refused here because libphonenumber would read `1-800-FLOWERS`.
pub(crate) fn international(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = text.len() <= 32;
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b" +-.()/".contains(&b));
    if !(fits && plain) {
        return None;
    }
    let rest = text.strip_prefix("00").or_else(|| text.strip_prefix('+'))?;
    (!rest.contains('+')).then(|| format!("+{rest}"))
}

/// The length of the calling code (ITU-T E.164, list of assigned country codes): one digit in zones 1 and 7,
/// two for the codes listed here, three for all others.
fn calling_code_length(e164: &str) -> usize {
    let digits = e164.trim_start_matches('+').as_bytes();
    match digits {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..] => 2,
        [b'3', b'0'..=b'4' | b'6' | b'9', ..] => 2,
        [b'4', b'0' | b'1' | b'3'..=b'9', ..] => 2,
        [b'5', b'1'..=b'8', ..] => 2,
        [b'6', b'0'..=b'6', ..] => 2,
        [b'8', b'1' | b'2' | b'4' | b'6', ..] => 2,
        [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    }
}

/// Returns whether a satellite network (Inmarsat, Iridium, Globalstar and others) has this number. SMS to
/// them are always expensive, and libphonenumber calls some of them mobile.
fn is_satellite(international: &str) -> bool {
    let digits: String = international.chars().filter(char::is_ascii_digit).take(3).collect();
    matches!(digits.as_str(), "870" | "881" | "882" | "883")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_spelling() {
        for text in [
            "+48500500500",
            "0048500500500",
            "+48 500 500 500",
            "00 48 500-500-500",
            "+48 (500) 500.500",
            "  +48500500500 ",
        ] {
            assert_eq!(PhoneNumber::parse(text).unwrap().e164(), "+48500500500", "{text}");
        }
        for text in ["+447911123456", "+4407911123456", "+44 (0)7911 123456", "0044 0 7911 123456"] {
            assert_eq!(PhoneNumber::parse(text).unwrap().e164(), "+447911123456", "{text}");
        }
    }

    #[test]
    fn leading_zeros_that_belong_to_the_number_stay() {
        // Italian landlines keep their zero: without it the same digits are another phone number. Ivorian
        // mobiles begin with 0 too.
        assert_eq!(PhoneNumber::parse("+390612345678"), Err(PhoneError::CannotReceiveSms("landline")));
        assert_eq!(PhoneNumber::parse("+2250707123456").unwrap().e164(), "+2250707123456");
        assert_eq!(PhoneNumber::parse("+393123456789").unwrap().e164(), "+393123456789");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "+",
            "00",
            "abc",
            "48500500500",
            "500500500",
            "+4850050050050050",
            "+48500",
            "+1-800-FLOWERS",
            "+48500500500 ext. 5",
            "+48500500500;ext=5",
            "+48 500 500 500 500 500 500 500 500 500",
            "+٤٨٥٠٠٥٠٠٥٠٠",
            "+48500500500\n+48500500501",
            "++48500500500",
            "+999123456789",
        ] {
            assert_eq!(PhoneNumber::parse(text), Err(PhoneError::Invalid), "{text}");
        }
    }

    #[test]
    fn lines_without_sms_are_refused_by_kind() {
        for (text, kind) in [
            ("+48221234567", "landline"),
            ("+449098790000", "premium-rate"),
            ("+18002345678", "toll-free"),
            ("+881612345678", "satellite"),
            ("+870773123456", "satellite"),
            ("+4918012345", "shared-cost"),
        ] {
            assert_eq!(PhoneNumber::parse(text), Err(PhoneError::CannotReceiveSms(kind)), "{text}");
        }
    }

    #[test]
    fn a_number_belongs_to_a_country() {
        for (text, country) in
            [("+48500500500", "PL"), ("+447400123456", "GB"), ("+447781123456", "GG"), ("+12025550123", "US")]
        {
            assert_eq!(PhoneNumber::parse(text).unwrap().country(), Country::parse(country), "{text}");
        }
        assert!(Country::parse("PL").is_some());
        for text in ["", "pl", "P", "POL", "ZZ", "01"] {
            assert!(Country::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_prefix_is_the_calling_code_and_three_digits() {
        for (text, prefix) in [
            ("+48500500500", "+48500"),
            ("+12025550123", "+1202"),
            ("+79161234567", "+7916"),
            ("+2250707123456", "+225070"),
            ("+380501234567", "+380501"),
            ("+393123456789", "+39312"),
            ("+358401234567", "+358401"),
        ] {
            assert_eq!(PhoneNumber::parse(text).unwrap().prefix(), prefix);
        }
        assert_eq!(PhoneNumber::from_e164("+48").prefix(), "+48", "whatever a record says");
        // The table gives libphonenumber's calling code for the example number of every region.
        for region in PHONE_NUMBER_UTIL.get_supported_regions() {
            let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region).unwrap().to_string();
            assert_eq!(calling_code_length(&format!("+{code}123")), code.len(), "{code}");
        }
    }

    #[test]
    fn debug_and_display_are_masked() {
        let number = PhoneNumber::parse("+48500500789").unwrap();
        assert_eq!(format!("{number} {number:?}"), "+48******789 +48******789");
    }
}
