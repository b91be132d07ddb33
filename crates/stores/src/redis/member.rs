//! A waiting message, as a member of the sorted set of its phase.

use countersign_core::{
    id::{MessageId, RecordKey},
    ports::{codes::outbox::Claim, error::StoreError},
    verification::settlement::Phase,
};

/// Added to the number of the phase while a claim holds the message.
pub(super) const HELD: u8 = 16;

/// The contents of a member.
pub(super) struct Member {
    /// `None` for a phase that this release does not know.
    pub phase: Option<Phase>,
    /// The number of claims so far.
    pub attempt: u16,
    pub key: RecordKey,
    pub message: MessageId,
}

/// Packs `[phase + HELD][claims so far, 2][tenant, mode and id, 33][message, 16]` for a message that a claim
/// holds.
pub(super) fn pack(claim: &Claim) -> Vec<u8> {
    let attempt = u16::try_from(claim.attempt).unwrap_or(u16::MAX).to_be_bytes();
    let state = claim.phase.number() + HELD;
    [&[state], attempt.as_slice(), &claim.key.bytes(), claim.message.bytes()].concat()
}

pub(super) fn unpack(member: &[u8]) -> Result<Member, StoreError> {
    let read = || {
        let (state, rest) = member.split_first()?;
        let (attempt, rest) = rest.split_first_chunk::<2>()?;
        let (key, message) = rest.split_at_checked(33)?;
        Some(Member {
            phase: Phase::from_number(state & !HELD),
            attempt: u16::from_be_bytes(*attempt),
            key: RecordKey::from_bytes(key)?,
            message: MessageId::from_bytes(message.try_into().ok()?),
        })
    };
    read().ok_or_else(|| StoreError::Corrupt { table: "due", id: "a message".to_owned() })
}
