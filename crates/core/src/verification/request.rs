//! What a check and a resend ask of a record.

use crate::{
    code::{Alphabet, Code, CodeShape},
    id::MessageId,
    keyring::CodeMac,
    tenant::limits::Take,
};

/// One submitted code, as the store sees it: MACs and shape, never the code.
#[derive(Clone, Debug)]
pub struct SubmittedCode {
    /// One MAC for each readable key version.
    pub macs: Vec<CodeMac>,
    /// Characters submitted.
    pub length: u8,
    /// Whether all of them are digits.
    pub fits_digits: bool,
    /// Whether all of them are of the letters alphabet.
    pub fits_letters: bool,
    /// The mark of the payment that was given with it, if one was.
    pub payment: Option<[u8; 16]>,
}

impl SubmittedCode {
    /// What the store is told of `code`.
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

/// A code that replaces the one before.
#[derive(Clone, Debug)]
pub struct NewCode {
    /// Its MAC.
    pub mac: CodeMac,
    /// It and the text around it, sealed.
    pub sealed: Vec<u8>,
}

/// What a resend asks for.
#[derive(Clone, Debug)]
pub struct Resend {
    /// The sends that the caller saw; a resend that replaces the code must not
    /// replace another's.
    pub sends_seen: u8,
    /// The new code, unless the policy is `same`.
    pub new_code: Option<NewCode>,
    /// The message to queue.
    pub message: MessageId,
    /// The buckets that it takes from, all or none; none of most resends.
    pub takes: Vec<Take>,
}
