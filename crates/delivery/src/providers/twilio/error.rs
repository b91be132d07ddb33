//! The errors of Twilio (twilio.com/docs/api/errors) that say more than their HTTP status.

use crate::{provider::SendError, providers::verdict::Verdict};
use std::time::Duration;

/// The meaning of an error code. Twilio's message is not passed on, because some messages contain the phone
/// number.
pub(super) fn judge(code: i64, status: u16, after: Option<Duration>) -> SendError {
    let (verdict, words) = match code {
        21211 | 21217 | 21265 | 21401 | 21421 => (Verdict::Reject, "not a valid number"),
        21614 | 21635 => (Verdict::Reject, "not a mobile number"),
        21610 => (Verdict::Reject, "the owner refuses messages"),
        21408 => (Verdict::Decline, "the country is not allowed"),
        21612 => (Verdict::Decline, "no way to the number from this sender"),
        21212 | 21266 | 21267 | 21603 | 21606 | 21659 | 21660 | 21661 => {
            (Verdict::Decline, "the sender is not allowed")
        }
        21608 => (Verdict::Decline, "a trial account does not send to this number"),
        21701 | 21703 | 21704 | 21705 => (Verdict::Decline, "the messaging service has no sender"),
        21605 | 21617 | 30007 => (Verdict::Decline, "the text is not allowed"),
        20003 | 20006 | 20403 => (Verdict::Account, "wrong credentials"),
        20005 | 20008 | 30002 | 90010 => (Verdict::Account, "the account is not active"),
        30001 | 20429 | 21611 | 14107 => (Verdict::Throttle, "too many messages"),
        63038 => (Verdict::Account, "the limit of the day is reached"),
        // Any other 4xx: Twilio refused the request before acting on it.
        _ => (Verdict::of_status(status), "refused"),
    };
    verdict.error(format!("Twilio error {code}: {words}"), after)
}
