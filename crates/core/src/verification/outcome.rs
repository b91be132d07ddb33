//! What the acts on a record came to.

use crate::{
    tenant::limits::LimitHit,
    verification::{guesses::GuessWait, status::Status},
};
use std::time::Duration;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum CheckOutcome {
    /// The right code, said exactly once.
    Approved,
    /// Approved before; nothing was evaluated.
    AlreadyApproved,
    /// A wrong code was evaluated and counted.
    Wrong,
    /// A wrong code was evaluated and was the last.
    Exhausted,
    /// Over before this check; nothing was evaluated.
    Ended(Status),
    /// Cannot be the code by its length or characters; no try was used.
    InvalidCode,
    /// Given for another payment than the code was made for, or for none: the
    /// code is void, and nothing was compared.
    TransactionMismatch,
    /// Too many wrong codes in a row: this long nothing is evaluated; no try was used.
    GuessLimit(GuessWait),
    /// The record was made with a key version that this node cannot read.
    UnknownKeyVersion,
}

/// What a resend did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum ResendOutcome {
    /// A message was queued.
    Queued,
    /// The cooldown runs.
    TooSoon(Duration),
    /// All sends of the verification are used.
    SendsExhausted,
    /// The verification is over.
    Ended(Status),
    /// Another resend came between the read and this; read again.
    Changed,
    /// One of the buckets that it was to take from refused.
    Limited(LimitHit),
}

/// What a cancel did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum CancelOutcome {
    /// Canceled by this call.
    Canceled,
    /// Over before this call.
    Ended(Status),
}
