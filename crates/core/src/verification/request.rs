//! The requests that a check and a resend make of a record.

use crate::{
    code::{Alphabet, Code, CodeShape},
    id::MessageId,
    keyring::CodeMac,
    people::pool::PoolTake,
    tenant::limits::Take,
};

/// A submitted code, as the store sees it: MACs and shape, never the code itself.
#[derive(Clone, Debug)]
pub struct SubmittedCode {
    /// One MAC for each key version of this node.
    pub macs: Vec<CodeMac>,
    /// The number of submitted characters.
    pub length: u8,
    /// Whether all characters are digits.
    pub fits_digits: bool,
    /// Whether the alphabet of letters contains all characters.
    pub fits_letters: bool,
    /// The keyed hash of the payment that the check named, if any.
    pub payment: Option<[u8; 16]>,
}

impl SubmittedCode {
    /// Describes `code` to the store.
    pub fn new(code: &Code, macs: Vec<CodeMac>) -> Self {
        let length = code.expose().len() as u8;
        let fits = |alphabet| code.fits(CodeShape { length, alphabet });
        let (fits_digits, fits_letters) = (fits(Alphabet::Digits), fits(Alphabet::Letters));
        Self { macs, length, fits_digits, fits_letters, payment: None }
    }

    pub(super) fn fits(&self, shape: CodeShape) -> bool {
        self.length == shape.length
            && match shape.alphabet {
                Alphabet::Digits => self.fits_digits,
                Alphabet::Letters => self.fits_letters,
            }
    }
}

/// A code that replaces the previous one.
#[derive(Clone, Debug)]
pub struct NewCode {
    pub mac: CodeMac,
    /// The code and the choices for its text, sealed.
    pub sealed: Vec<u8>,
}

/// The request of a resend.
#[derive(Clone, Debug)]
pub struct Resend {
    /// The number of messages that the caller saw. It keeps a resend from replacing the code of another
    /// resend.
    pub sends_seen: u8,
    /// The new code, unless the policy is `same`.
    pub new_code: Option<NewCode>,
    /// The message to queue.
    pub message: MessageId,
    /// The limits that must all admit the resend. Most resends have none.
    pub takes: Vec<Take>,
    /// What the message takes from the member's pool.
    pub pool: Option<PoolTake>,
}
