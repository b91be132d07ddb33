//! Magic numbers: in test mode each of these phone numbers causes one outcome on demand.

use crate::phone::{PhoneError, PhoneNumber, international};
use std::time::Duration;

/// The outcome that a magic number causes. In test mode every other number is delivered at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Magic {
    /// ...0001: the start refuses it as an invalid number.
    Invalid,
    /// ...0002: the message is sent, then undelivered.
    Undelivered,
    /// ...0003: the verification has expired at its first check.
    Expired,
    /// ...0004: the start refuses it as a blocked number.
    Blocked,
    /// ...0005: a rate limit refuses the start.
    RateLimited,
    /// ...0006: the message is delivered after [`SLOW_DELIVERY`].
    DeliveredLate,
    /// ...0009: the delivery route fails.
    Failed,
}

/// How long after the start +15005550006 reports delivery.
pub const SLOW_DELIVERY: Duration = Duration::from_secs(10);

/// The wait that the refusal for +15005550005 tells the client.
pub const RATE_LIMIT_WAIT: Duration = Duration::from_secs(60);

const PREFIX: &str = "+1500555000";

impl Magic {
    /// The outcome of a phone number. Only code for test mode calls this.
    pub fn of(number: &PhoneNumber) -> Option<Self> {
        match number.e164().strip_prefix(PREFIX)? {
            "1" => Some(Self::Invalid),
            "2" => Some(Self::Undelivered),
            "3" => Some(Self::Expired),
            "4" => Some(Self::Blocked),
            "5" => Some(Self::RateLimited),
            "6" => Some(Self::DeliveredLate),
            "9" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// Reads a phone number in test mode. Magic numbers are accepted although no country assigns them. All other
/// numbers follow the rules of live mode.
pub fn parse_number(text: &str) -> Result<PhoneNumber, PhoneError> {
    let digits = international(text).map(|t| t.chars().filter(char::is_ascii_digit).collect::<String>());
    if let Some(digits) = digits {
        let number = PhoneNumber::from_e164(&format!("+{digits}"));
        match Magic::of(&number) {
            Some(Magic::Invalid) => return Err(PhoneError::Invalid),
            Some(_) => return Ok(number),
            None => {}
        }
    }
    PhoneNumber::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_numbers_exist_only_here() {
        assert_eq!(parse_number("+1 500 555 0001"), Err(PhoneError::Invalid));
        let number = parse_number("+1 500 555-0009").unwrap();
        assert_eq!(Magic::of(&number), Some(Magic::Failed));
        assert!(PhoneNumber::parse("+15005550009").is_err());
        assert_eq!(Magic::of(&parse_number("+48500500500").unwrap()), None);
        assert!(parse_number("+15005550007").is_err(), "unassigned magic is no number");
    }
}
