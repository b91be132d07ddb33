//! What is wrong with a new password, in words.

use crate::{http::proving::own_error, text::Text};
use actix_web::Error;
use countersign_core::{people::password::Fault, sign_in::own::password::PasswordError};

/// One sentence for each fault. Without a fault in the list, the password is one of the former ones.
pub fn sentences(t: Text, faults: &[Fault]) -> String {
    let key = |fault: &Fault| match fault {
        Fault::Short => "fault-short",
        Fault::NoCapital => "fault-capital",
        Fault::NoDigit => "fault-digit",
        Fault::Known => "fault-known",
        Fault::Guessable(_) => "fault-guessable",
    };
    let words: Vec<_> = faults.iter().map(|fault| t.get(key(fault))).collect();
    if words.is_empty() { t.get("fault-former").into_owned() } else { words.join(" ") }
}

/// Why a new password was not set, in words.
pub fn refusal(t: Text, error: PasswordError) -> Result<String, Error> {
    Ok(match error {
        PasswordError::Faults(faults) => sentences(t, &faults),
        PasswordError::UsedBefore => sentences(t, &[]),
        PasswordError::Busy | PasswordError::Crowded => t.get("proof-crowded").into_owned(),
        PasswordError::Own(error) => return Err(own_error(error)),
    })
}
