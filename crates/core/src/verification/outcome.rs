//! The outcomes of the operations on a record.

use crate::{
    tenant::limits::LimitHit,
    verification::{guesses::GuessWait, status::Status},
};
use std::time::Duration;

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum CheckOutcome {
    /// The code is right. Each verification has this outcome once.
    Approved,
    /// An earlier check approved the verification. No code was compared.
    AlreadyApproved,
    /// A wrong code was compared and counted.
    Wrong,
    /// A wrong code was compared and used up the last try.
    Exhausted,
    /// The verification had ended before this check. No code was compared.
    Ended(Status),
    /// The text cannot be the code: its length or characters do not fit. It used up no try.
    InvalidCode,
    /// The check named another payment than the start, or none. The code is now void, and was not compared.
    TransactionMismatch,
    /// There were too many wrong codes in a row, so no code is compared for this long. The check used up no
    /// try.
    GuessLimit(GuessWait),
    /// This node does not have the key version of the record's MAC.
    UnknownKeyVersion,
}

/// The outcome of a resend.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum ResendOutcome {
    /// The server queued a message.
    Queued,
    /// The cooldown after the last message still runs.
    TooSoon(Duration),
    /// The verification has used up its messages.
    SendsExhausted,
    /// The verification has ended.
    Ended(Status),
    /// Another resend changed the record after this one had read it. The caller must read again.
    Changed,
    /// A limit refused the resend.
    Limited(LimitHit),
    /// The member's pool has too few parts left.
    PoolExhausted(LimitHit),
}

/// The outcome of a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum CancelOutcome {
    /// This call canceled the verification.
    Canceled,
    /// The verification had ended before this call.
    Ended(Status),
}
