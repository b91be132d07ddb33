//! Messages that a worker claims and settles.

use crate::{
    id::{MessageId, RecordKey},
    verification::{record::Record, settlement::Phase},
};

/// A message that a worker holds until its lease ends.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The verification that it belongs to.
    pub key: RecordKey,
    /// The message.
    pub message: MessageId,
    /// Counts claims, from 1: a settlement of an older claim is refused.
    pub attempt: u32,
    /// What to do with it.
    pub phase: Phase,
    /// The record at the time of the claim.
    pub record: Record,
}

/// Whether a settlement still counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Settled {
    /// It did.
    Done,
    /// The lease ended and another worker took the message over, or it is gone.
    Lost,
}
