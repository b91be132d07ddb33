//! Events as sentences for people.

use crate::verification::{
    event::{EventKind, LimitUse, Started},
    guesses::GuessWait,
    status::{CancelReason, Delivery, DropReason},
};

impl EventKind {
    /// Describes the event in one sentence for people. The sentence never contains a code or a phone number.
    pub fn sentence(&self) -> String {
        match self {
            Self::Started(started) => started.sentence(),
            Self::Resent { send, new_code, .. } => {
                let code = if *new_code { "a new code" } else { "the same code" };
                format!("Send {send} queued with {code}")
            }
            Self::CheckWrong { attempts_left, in_row, wait } => {
                let tries = if *attempts_left == 1 { "try" } else { "tries" };
                format!("Wrong code, {attempts_left} {tries} left{}", row_sentence(*in_row, *wait))
            }
            Self::Approved => "Right code: approved".into(),
            Self::Exhausted { in_row, wait } => {
                format!("Wrong code, no tries left: exhausted{}", row_sentence(*in_row, *wait))
            }
            Self::Expired => "Not answered in time: expired".into(),
            Self::Canceled(CancelReason::Client) => "Canceled before its time".into(),
            Self::Canceled(CancelReason::TransactionMismatch) => {
                "Checked for another payment than its code was made for: canceled".into()
            }
            Self::MessageSent { provider, .. } => format!("Message accepted by provider {provider}"),
            Self::MessageRetried { provider, reason, after, .. } => {
                let next = match crate::time::ceil_seconds(*after) {
                    0 => String::new(),
                    wait => format!(", next try in {wait} s"),
                };
                format!("Provider {provider} did not take the message ({reason}){next}")
            }
            Self::MessageRejected { provider, reason, failed, .. } => {
                let end = if *failed { ": verification failed" } else { "" };
                format!("Provider {provider} refused the message ({reason}){end}")
            }
            Self::MessageDropped { reason: DropReason::VerificationOver, .. } => {
                "Message dropped: the verification was over before it left".into()
            }
            Self::MessageDropped { reason: DropReason::Superseded, .. } => {
                "Message dropped: a resend took its place".into()
            }
            Self::Delivered { .. } => "Delivered to the phone".into(),
            Self::Undelivered { .. } => "Not delivered, says the provider".into(),
            Self::Receipt { provider, delivery, code, .. } => {
                let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
                match delivery {
                    Delivery::Delivered => format!("Delivered to the phone, says provider {provider}{code}"),
                    _ => format!("Not delivered, says provider {provider}{code}"),
                }
            }
        }
    }
}

impl Started {
    fn sentence(&self) -> String {
        let mut text = match self.review {
            false => String::from("Verification started, message queued"),
            true => {
                String::from("Verification started for a review number: nothing is sent, its code is known")
            }
        };
        for LimitUse { name, used, max, .. } in &self.limits {
            text.push_str(&format!("; limit {name}: {used} of {max} used"));
        }
        for name in &self.skipped {
            text.push_str(&format!("; limit {name} not applied: nothing to count by was given"));
        }
        text
    }
}

/// Writes `; 10 wrong in a row for the number: next check in 60 s`.
fn row_sentence(in_row: u16, wait: Option<GuessWait>) -> String {
    let Some(GuessWait { wait, of_number }) = wait else { return String::new() };
    let seconds = crate::time::ceil_seconds(wait);
    if of_number {
        format!("; {in_row} wrong in a row for the number: next check in {seconds} s")
    } else {
        format!("; too many wrong in a row from this address: next check in {seconds} s")
    }
}
