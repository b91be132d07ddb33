//! Idempotency-Key: a repeat of a request is answered as the first was, and
//! changes nothing again.
//!
//! The store keeps, for 24 hours, a keyed hash of the key, one of path and body,
//! and the outcome; never a code, a number or a secret. What changed nothing (a
//! refusal, a check of an ended verification) is not kept: a repeat of it is
//! tried anew.

use crate::{
    id::VerificationId,
    pack::{Reader, UnpackError, Writer, unpack},
    time::Timestamp,
    verification::{outcome::CheckOutcome, record::Record},
};
use std::time::Duration;
use subtle::ConstantTimeEq;

/// How long an outcome is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3_600);

/// One request that bears an Idempotency-Key.
#[derive(Clone, Debug)]
pub struct Once {
    /// Hash of tenant, API key and Idempotency-Key.
    pub slot: [u8; 16],
    /// Keyed hash of path and body. Its key is the one that never changes: a
    /// repeat must be known whatever was rotated meanwhile.
    pub request: [u8; 16],
}

/// An act that bore an Idempotency-Key, or none.
#[derive(Clone, Debug)]
#[must_use]
pub enum Answer<T> {
    /// Carried out now.
    Fresh(T),
    /// Not carried out again.
    Replay(Replay),
}

/// What is known of an Idempotency-Key that was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The same request, and what came of it.
    Outcome(Outcome),
    /// Another request.
    Mismatch,
}

/// Why a request with an Idempotency-Key is not answered as the first was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyError {
    /// The key was used for another request.
    #[error("the Idempotency-Key was used for another request")]
    Mismatch,
    /// The first request made a secret, which is kept nowhere.
    #[error("the secret was shown in the first answer")]
    SecretShown,
}

/// Where a verification stood after an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The verification.
    pub id: VerificationId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its codes end.
    pub expires_at: Timestamp,
    /// When a resend is next allowed.
    pub resend_at: Timestamp,
    /// Tries that were left.
    pub attempts_left: u8,
    /// Sends that were left.
    pub sends_left: u8,
}

impl Progress {
    /// Where the record stands.
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

/// The acts that bear an Idempotency-Key, as a packed outcome names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Act {
    /// A start.
    Start = 1,
    /// A resend.
    Resend = 2,
    /// A check.
    Check = 3,
}

/// What came of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A verification was made.
    Started(Progress),
    /// Another message was queued.
    Resent(Progress),
    /// A code was evaluated.
    Checked {
        /// The verification.
        id: VerificationId,
        /// One of [`EVALUATED`].
        outcome: CheckOutcome,
        /// Tries that were left.
        attempts_left: u8,
    },
}

impl Outcome {
    /// Whether a packed outcome is that of a check which approved.
    pub fn is_approval(packed: &[u8]) -> bool {
        let is_approved = |outcome| matches!(outcome, Self::Checked { outcome: CheckOutcome::Approved, .. });
        unpack(packed, 1, read).is_ok_and(|(_, outcome)| is_approved(outcome))
    }
}

/// The outcomes of a check that changed something. A repeat is told the first
/// answer; everything else is tried anew.
pub const EVALUATED: [CheckOutcome; 4] =
    [CheckOutcome::Approved, CheckOutcome::Wrong, CheckOutcome::Exhausted, CheckOutcome::TransactionMismatch];

impl Once {
    /// What the store keeps once the act is done; `None` for what is tried anew.
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

    /// How the packed outcome of an act begins; a store that runs scripts adds the rest.
    pub fn head(&self, act: Act, id: VerificationId) -> Vec<u8> {
        Writer::default().byte(1).fixed(&self.request).byte(act as u8).fixed(id.bytes()).finish()
    }

    /// What the store's packed value means for this request.
    pub fn replay(&self, packed: &[u8]) -> Result<Replay, UnpackError> {
        let (request, outcome) = unpack(packed, 1, read)?;
        Ok(if self.is_same(&request) { Replay::Outcome(outcome) } else { Replay::Mismatch })
    }

    /// Whether it is the hash of the same request.
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
