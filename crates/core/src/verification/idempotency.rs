//! Idempotency-Key: a repeated request gets the answer of the first one and changes nothing.
//!
//! The store keeps three things for 24 hours: a keyed hash of the key, a keyed hash of path and body, and the
//! outcome. It keeps no code, phone number or secret. A request that changed nothing, such as a refusal or a
//! check of an ended verification, is not stored: its repeat is carried out again.

use crate::{
    id::VerificationId,
    pack::{Reader, UnpackError, Writer, unpack},
    time::Timestamp,
    verification::{outcome::CheckOutcome, record::Record},
};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long the store keeps an outcome.
pub const KEPT: Duration = Duration::from_secs(24 * 3_600);

/// The hashes of one request with an Idempotency-Key.
#[derive(Clone, Debug)]
pub struct Once {
    /// The hash of tenant, API key and Idempotency-Key.
    pub slot: [u8; 16],
    /// The keyed hash of path and body. It uses the key that never changes, because a repeat must be
    /// recognised even after a rotation.
    pub request: [u8; 16],
}

/// The result of an operation that may have had an Idempotency-Key.
#[derive(Clone, Debug)]
#[must_use]
pub enum Answer<T> {
    /// The store carried the operation out now.
    Fresh(T),
    /// The store did not carry the operation out: the key was used before.
    Replay(Replay),
}

/// What the store knows about an Idempotency-Key that was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The key was used for the same request, with this outcome.
    Outcome(Outcome),
    /// The key was used for another request.
    Mismatch,
}

/// The reasons why a request with a used Idempotency-Key does not get the first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyError {
    /// The key was used for another request.
    #[error("the Idempotency-Key was used for another request")]
    Mismatch,
    /// The first request made a secret, which the server does not store.
    #[error("the secret was shown in the first answer")]
    SecretShown,
}

/// The state of a verification after an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub id: VerificationId,
    pub created_at: Timestamp,
    /// When the codes expire.
    pub expires_at: Timestamp,
    /// When the next resend is allowed.
    pub resend_at: Timestamp,
    /// The tries that were left.
    pub attempts_left: u8,
    /// The messages that were left.
    pub sends_left: u8,
}

impl Progress {
    /// Takes the state of a record.
    pub fn of(id: VerificationId, record: &Record) -> Self {
        Self {
            id,
            created_at: record.created_at,
            expires_at: record.expires_at,
            resend_at: record.resend_at,
            attempts_left: record.attempts_left(),
            sends_left: record.sends_left(),
        }
    }
}

/// The operations that may have an Idempotency-Key, as a packed outcome stores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Act {
    Start = 1,
    Resend = 2,
    Check = 3,
}

/// The outcome of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A client started a verification.
    Started(Progress),
    /// A resend queued another message.
    Resent(Progress),
    /// A check compared a code.
    Checked {
        id: VerificationId,
        /// One of [`EVALUATED`].
        outcome: CheckOutcome,
        /// The tries that were left.
        attempts_left: u8,
    },
}

impl Outcome {
    /// Returns whether this packed outcome belongs to a check that approved the verification.
    pub fn is_approval(packed: &[u8]) -> bool {
        let is_approved = |outcome| matches!(outcome, Self::Checked { outcome: CheckOutcome::Approved, .. });
        unpack(packed, 1, read).is_ok_and(|(_, outcome)| is_approved(outcome))
    }
}

/// The outcomes of a check that changed something. A repeat of such a check gets the first answer; a repeat
/// of any other check is carried out again.
pub const EVALUATED: [CheckOutcome; 4] =
    [CheckOutcome::Approved, CheckOutcome::Wrong, CheckOutcome::Exhausted, CheckOutcome::TransactionMismatch];

impl Once {
    /// The packed outcome that the store keeps; `None` if a repeat must be carried out again.
    pub fn pack(&self, outcome: &Outcome) -> Option<Vec<u8>> {
        let progress = |act, progress: &Progress| {
            let times = Writer::default()
                .time(progress.created_at)
                .time(progress.expires_at)
                .time(progress.resend_at)
                .byte(progress.attempts_left)
                .byte(progress.sends_left);
            [self.head(act, progress.id), times.finish()].concat()
        };
        Some(match outcome {
            Outcome::Started(made) => progress(Act::Start, made),
            Outcome::Resent(resent) => progress(Act::Resend, resent),
            Outcome::Checked { id, outcome, attempts_left } => {
                let evaluated = EVALUATED.iter().position(|known| known == outcome)?;
                [self.head(Act::Check, *id), vec![evaluated as u8, *attempts_left]].concat()
            }
        })
    }

    /// The first bytes of the packed outcome. A store that runs scripts adds the rest.
    pub fn head(&self, act: Act, id: VerificationId) -> Vec<u8> {
        Writer::default().byte(1).fixed(&self.request).byte(act as u8).fixed(id.bytes()).finish()
    }

    /// Compares the packed outcome in the store with this request.
    pub fn replay(&self, packed: &[u8]) -> Result<Replay, UnpackError> {
        let (request, outcome) = unpack(packed, 1, read)?;
        Ok(if self.is_same(&request) { Replay::Outcome(outcome) } else { Replay::Mismatch })
    }

    /// Returns whether `request` is the hash of the same request.
    pub fn is_same(&self, request: &[u8; 16]) -> bool {
        self.request.ct_eq(request).into()
    }
}

fn read(reader: &mut Reader<'_>) -> Option<([u8; 16], Outcome)> {
    let request = reader.fixed()?;
    let progress = |reader: &mut Reader<'_>| {
        Some(Progress {
            id: VerificationId::from_bytes(reader.fixed()?),
            created_at: reader.time()?,
            expires_at: reader.time()?,
            resend_at: reader.time()?,
            attempts_left: reader.byte()?,
            sends_left: reader.byte()?,
        })
    };
    let outcome = match reader.byte()? {
        1 => Outcome::Started(progress(reader)?),
        2 => Outcome::Resent(progress(reader)?),
        3 => Outcome::Checked {
            id: VerificationId::from_bytes(reader.fixed()?),
            outcome: *EVALUATED.get(usize::from(reader.byte()?))?,
            attempts_left: reader.byte()?,
        },
        _ => return None,
    };
    Some((request, outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once(byte: u8) -> Once {
        Once { slot: [1; 16], request: [byte; 16] }
    }

    #[test]
    fn an_outcome_is_given_to_the_same_request_only() {
        let progress = Progress {
            id: VerificationId::from_bytes([3; 16]),
            created_at: Timestamp::from_millis(1),
            expires_at: Timestamp::from_millis(2),
            resend_at: Timestamp::from_millis(3),
            attempts_left: 4,
            sends_left: 5,
        };
        let checked = |outcome| Outcome::Checked { id: progress.id, outcome, attempts_left: 2 };
        for outcome in [Outcome::Started(progress), Outcome::Resent(progress)]
            .into_iter()
            .chain(EVALUATED.into_iter().map(checked))
        {
            let packed = once(7).pack(&outcome).unwrap();
            assert_eq!(once(7).replay(&packed), Ok(Replay::Outcome(outcome)));
            assert_eq!(once(8).replay(&packed), Ok(Replay::Mismatch));
            assert!(once(7).replay(&packed[..packed.len() - 1]).is_err());
            assert_eq!(Outcome::is_approval(&packed), outcome == checked(CheckOutcome::Approved));
        }
        assert_eq!(once(7).pack(&checked(CheckOutcome::InvalidCode)), None);
    }
}
