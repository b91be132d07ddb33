//! Review numbers: whoever reviews a tenant's app signs in without its phone.
//!
//! Each is made by the tenant, for a time; its code is drawn once and shown
//! once. Nothing is ever sent to it, so the send limits do not count it. All
//! else is as ever: tries, expiry, wrong codes in a row, one approval each.

use crate::{
    code::{Alphabet, Code, CodeShape},
    id::{ReviewNumberId, TenantId},
    keyring::{Fingerprint, KeyRing, Place, Sealed},
    pack::Reader,
    phone::PhoneNumber,
    tenant::limits::Bucket,
    time::Timestamp,
};
use std::time::Duration;

/// The longest life of a review number.
pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// Most of them at one tenant.
pub const MOST: u32 = 20;
/// What bounds the starts for one, instead of the send limits.
pub const STARTS: Bucket = Bucket::new(15, 600);
/// Six digits, whatever the profile says: the reviewer is told one code.
pub(crate) const SHAPE: CodeShape = CodeShape { length: 6, alphabet: Alphabet::Digits };

/// A review number, as the directory keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewNumber {
    /// Its id.
    pub id: ReviewNumberId,
    /// The tenant.
    pub tenant: TenantId,
    /// The number.
    pub number: Fingerprint,
    /// Number and code, sealed.
    pub sealed: Vec<u8>,
    /// When it is an ordinary number again.
    pub ends_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ReviewNumber {
    pub(crate) fn place(&self) -> Place {
        let Self { id, tenant, number, .. } = *self;
        Place { kind: Sealed::ReviewNumber, tenant, id: *id.bytes(), number }
    }

    /// The number and its code.
    pub fn open(&self, keyring: &KeyRing) -> Option<(PhoneNumber, Code)> {
        let packed = keyring.open(&self.place(), &self.sealed).ok()?;
        let mut reader = Reader(&packed);
        let to = PhoneNumber::from_e164(&reader.text()?);
        let code = Code::from_record(&zeroize::Zeroizing::new(reader.text()?));
        Some((to, code))
    }

    /// The shape of its code.
    pub const fn shape() -> CodeShape {
        SHAPE
    }
}
