//! What is wrong with a new password, in words.

use crate::text::Text;
use countersign_core::people::password::Fault;

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
