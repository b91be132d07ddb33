//! Review numbers: with one, the reviewer of a tenant's app can sign in without owning the phone.
//!
//! The tenant makes a review number for a limited time. The server draws its code once and shows it once. It
//! sends no message to this number, so the send limits do not apply. Everything else is as for other phone
//! numbers: tries, expiry, waits after wrong codes, one approval for each verification.

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

/// The longest time for which a review number may exist.
pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// The maximum number of review numbers of a tenant.
pub const MOST: u32 = 20;
/// The limit of starts for one review number; it replaces the send limits.
pub const STARTS: Bucket = Bucket::new(15, 600);
/// Six digits, whatever the profile says: the reviewer gets one code for all starts.
pub(crate) const SHAPE: CodeShape = CodeShape { length: 6, alphabet: Alphabet::Digits };

/// A review number, as the directory stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewNumber {
    pub id: ReviewNumberId,
    pub tenant: TenantId,
    pub number: Fingerprint,
    /// The phone number and the code, sealed.
    pub sealed: Vec<u8>,
    /// When the number becomes an ordinary phone number again.
    pub ends_at: Timestamp,
    pub created_at: Timestamp,
}

impl ReviewNumber {
    pub(crate) fn place(&self) -> Place {
        let Self { id, tenant, number, .. } = *self;
        Place { kind: Sealed::ReviewNumber, tenant, id: *id.bytes(), number }
    }

    pub fn open(&self, keyring: &KeyRing) -> Option<(PhoneNumber, Code)> {
        let packed = keyring.open(&self.place(), &self.sealed).ok()?;
        let mut reader = Reader(&packed);
        let to = PhoneNumber::from_e164(&reader.text()?);
        let code = Code::from_record(&zeroize::Zeroizing::new(reader.text()?));
        Some((to, code))
    }

    pub const fn shape() -> CodeShape {
        SHAPE
    }
}
