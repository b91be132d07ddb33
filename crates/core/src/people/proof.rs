//! Proofs: a person who is signed in shows the password, and a code if it has a phone, for one act.

use crate::{
    id::{SessionId, VerificationId},
    keyring::KeyRing,
    tenant::OPERATOR,
    time::Timestamp,
};
use sha2::{Digest as _, Sha256};

/// A right password for one act. It binds the code to what the person typed into the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub session: SessionId,
    pub epoch: i64,
    /// The act: the text of a name that the pages know.
    pub act: String,
    /// The id or the name of the object of the act; empty if it has none.
    pub object: String,
    /// SHA-256 of the fields of the form.
    pub digest: [u8; 32],
    /// The verification of the code; `None` if the person has no phone.
    pub verification: Option<VerificationId>,
    pub sends: u8,
    /// A number that is not confirmed yet, sealed, if the act is about one.
    pub sealed: Option<Vec<u8>>,
    pub made_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The keyed digest of a form's fields, in the order of the form. The lengths keep two forms with the same text apart.
/// A field may be a new password or a phone number, which nobody may guess from the digest without the key ring.
pub fn digest_fields<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    keyring: &KeyRing,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, value) in fields {
        for part in [name, value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut digest = [0; 32];
    for (half, purpose) in digest.chunks_exact_mut(16).zip(["proof-form-1", "proof-form-2"]) {
        half.copy_from_slice(&keyring.hash(purpose, OPERATOR, &[&hash]));
    }
    digest
}
