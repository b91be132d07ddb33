//! The key ring: fingerprints of numbers, MACs of codes, sealing of values.
//!
//! `mac` and `seal` keys have versions, so that they can be rotated while the
//! server runs ([`crate::management::keyring_rotation`] says in which order); the `fingerprint` key
//! is fixed at install, because every stored number is found by it.

pub mod version;

use crate::{
    code::{Code, payment::TransactionDigest},
    id::{RecordKey, TenantId},
    keyring::version::{KeyKind, KeyVersion, KeyVersions, Versions},
    phone::PhoneNumber,
};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hmac::{Hmac, Mac};
use rand::CryptoRng;
use sha2::Sha256;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Versions of one kind at most: each check of a code makes one MAC for each.
pub const MAX_VERSIONS: usize = 16;

/// A keyed hash of tenant and number: finds records of a number without naming it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The partition that holds everything about this number.
    pub fn partition(self, partitions: u16) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]]) % partitions
    }
}

/// HMAC-SHA256 of a code and what it is bound to, cut to 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeMac {
    /// The version of the key that made it.
    pub version: u8,
    /// The MAC.
    pub mac: [u8; 16],
}

/// What a sealed value is; part of its associated data, so that one kind
/// cannot be passed off as another.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Sealed {
    /// Number and metadata of a verification.
    Contact = 1,
    /// The code and the text around it.
    Code = 2,
    /// A message in the inbox of `dev`.
    Inbox = 3,
    /// A review number and its code.
    ReviewNumber = 4,
    /// The settings of a provider account.
    Provider = 5,
    /// The secrets of a webhook.
    Webhook = 6,
}

/// A sealed value does not open: wrong key, wrong place, or damaged.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value does not open with key version {version}")]
pub struct OpenError {
    /// The version that the value names.
    pub version: u8,
}

/// One 256-bit key with its version.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct VersionedKey {
    /// 1 to 255.
    pub version: u8,
    /// The key.
    pub key: [u8; 32],
}

impl VersionedKey {
    /// Its version, with a check that tells two keys of one number apart and
    /// says nothing of either: 32 bits of a MAC.
    pub fn id(&self) -> KeyVersion {
        let mac = hmac(&self.key, &[b"check"]);
        KeyVersion { number: self.version, check: [mac[0], mac[1], mac[2], mac[3]] }
    }
}

/// Why a key ring does not take the place of the one in use.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReplaceError {
    /// No stored number would be found again.
    #[error("the fingerprint key is another one")]
    OtherFingerprint,
    /// Right codes would count as wrong ones.
    #[error("{kind} version {version} is another key")]
    OtherKey {
        /// The list it stands in.
        kind: KeyKind,
        /// Its number.
        version: u8,
    },
}

/// All keys of an installation. The first of each list is primary: it makes
/// new MACs and seals; the others only read.
pub struct KeyRing {
    fingerprint: Zeroizing<[u8; 32]>,
    /// Locked for as long as it takes to copy or to swap the pointer.
    keys: RwLock<Arc<Keys>>,
}

/// What can be swapped.
struct Keys {
    mac: Vec<VersionedKey>,
    seal: Vec<VersionedKey>,
}

impl Keys {
    fn of(&self, kind: KeyKind) -> &[VersionedKey] {
        match kind {
            KeyKind::Mac => &self.mac,
            KeyKind::Seal => &self.seal,
        }
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing")
    }
}

impl KeyRing {
    /// `None` when a list is empty or longer than [`MAX_VERSIONS`], or names a
    /// version twice or the version 0.
    pub fn new(fingerprint: [u8; 32], mac: Vec<VersionedKey>, seal: Vec<VersionedKey>) -> Option<Self> {
        let sound = |keys: &[VersionedKey]| {
            let twice = |key: &VersionedKey| keys.iter().filter(|k| k.version == key.version).count() > 1;
            // Records write 0 for "no key".
            (1..=MAX_VERSIONS).contains(&keys.len()) && !keys.iter().any(|key| key.version == 0 || twice(key))
        };
        let keys = (sound(&mac) && sound(&seal)).then(|| RwLock::new(Arc::new(Keys { mac, seal })))?;
        Some(Self { fingerprint: Zeroizing::new(fingerprint), keys })
    }

    fn keys(&self) -> Arc<Keys> {
        // A panic cannot leave a pointer half written.
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts the keys of `other` in the place of these, for every act that
    /// begins from now on.
    pub fn replace(&self, other: Self) -> Result<(), ReplaceError> {
        if *other.fingerprint != *self.fingerprint {
            return Err(ReplaceError::OtherFingerprint);
        }
        let (old, new) = (self.keys(), other.keys());
        for kind in KeyKind::ALL {
            for key in new.of(kind) {
                let same = old.of(kind).iter().find(|one| one.version == key.version);
                if same.is_some_and(|one| one.key != key.key) {
                    return Err(ReplaceError::OtherKey { kind, version: key.version });
                }
            }
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Which versions there are, never the keys.
    pub fn versions(&self) -> Versions {
        let keys = self.keys();
        let of = |kind| KeyVersions::new(keys.of(kind).iter().map(VersionedKey::id).collect());
        Versions { mac: of(KeyKind::Mac), seal: of(KeyKind::Seal) }
    }

    /// The fingerprint of a tenant's number.
    pub fn fingerprint(&self, tenant: TenantId, number: &PhoneNumber) -> Fingerprint {
        Fingerprint(hmac(&self.fingerprint, &[b"number", tenant.bytes(), number.e164().as_bytes()]))
    }

    /// A keyed hash of anything of a tenant that is counted or looked up by it,
    /// each part with its length, so that no two lists of parts collide.
    pub fn hash(&self, purpose: &str, tenant: TenantId, parts: &[&[u8]]) -> [u8; 16] {
        let lengths: Vec<[u8; 4]> = parts.iter().map(|part| (part.len() as u32).to_be_bytes()).collect();
        let mut all: Vec<&[u8]> = vec![b"hash", purpose.as_bytes(), &[0], tenant.bytes()];
        for (length, part) in lengths.iter().zip(parts) {
            all.extend([length.as_slice(), part]);
        }
        hmac(&self.fingerprint, &all)
    }

    /// 32 bytes derived for one named purpose (the keys of `dev`).
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        for half in 0..2u8 {
            let part: [u8; 16] = hmac(&self.fingerprint, &[b"derive", purpose.as_bytes(), &[half]]);
            derived[16 * usize::from(half)..][..16].copy_from_slice(&part);
        }
        derived
    }

    /// What tells this installation from others and says nothing of its keys.
    pub fn identity(&self) -> [u8; 16] {
        hmac(&self.fingerprint, &[b"identity"])
    }

    /// The MAC that a new record keeps.
    pub fn code_mac(&self, bound: RecordKey, payment: Option<&TransactionDigest>, code: &Code) -> CodeMac {
        code_mac(&self.keys().mac[0], bound, payment, code)
    }

    /// One MAC for each readable key version, to compare with any record.
    pub fn code_macs(
        &self,
        bound: RecordKey,
        payment: Option<&TransactionDigest>,
        code: &Code,
    ) -> Vec<CodeMac> {
        self.keys().mac.iter().map(|key| code_mac(key, bound, payment, code)).collect()
    }

    /// What a record keeps of its payment, so that a store can tell another one
    /// from it: payments can be guessed, so their hash alone would give them away.
    pub fn payment_mark(&self, bound: RecordKey, payment: &TransactionDigest) -> [u8; 16] {
        let RecordKey { tenant, mode, id } = bound;
        self.hash("transaction", tenant, &[&[mode.byte()], id.bytes(), &payment.0])
    }

    /// Seals `plain` for one place: `[version][nonce, 24][ciphertext and tag]`.
    pub fn seal(&self, place: &Place, plain: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        let keys = self.keys();
        let primary = &keys.seal[0];
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let payload = Payload { msg: plain, aad: &place.associated_data() };
        let cipher = XChaCha20Poly1305::new(&primary.key.into());
        #[expect(clippy::expect_used, reason = "fails only above 256 GiB; values here are bounded by 64 KiB")]
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).expect("value fits");
        [&[primary.version], nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`KeyRing::seal`] made for the same place.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let version = sealed.first().copied().unwrap_or(0);
        let error = || OpenError { version };
        let keys = self.keys();
        let key = keys.seal.iter().find(|key| key.version == version).ok_or_else(error)?;
        let (nonce, body) = sealed[1..].split_at_checked(24).ok_or_else(error)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| error())?;
        let payload = Payload { msg: body, aad: &place.associated_data() };
        let plain = XChaCha20Poly1305::new(&key.key.into()).decrypt(&nonce, payload);
        plain.map(Zeroizing::new).map_err(|_| error())
    }

    /// Whether another version than the primary one sealed it. What is emptied
    /// holds nothing to seal again.
    pub fn needs_reseal(&self, sealed: &[u8]) -> bool {
        sealed.first().is_some_and(|version| *version != self.keys().seal[0].version)
    }

    /// The same value sealed anew, by the primary version.
    pub fn reseal(
        &self,
        place: &Place,
        sealed: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, OpenError> {
        Ok(self.seal(place, &self.open(place, sealed)?, rng))
    }
}

/// Where a sealed value belongs; moved anywhere else, it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The kind of the value.
    pub kind: Sealed,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The 16 bytes of the record's id.
    pub id: [u8; 16],
    /// The number it is about.
    pub number: Fingerprint,
}

impl Place {
    fn associated_data(&self) -> [u8; 49] {
        let mut data = [0; 49];
        data[0] = self.kind as u8;
        data[1..17].copy_from_slice(self.tenant.bytes());
        data[17..33].copy_from_slice(&self.id);
        data[33..49].copy_from_slice(&self.number.0);
        data
    }
}

fn code_mac(
    key: &VersionedKey,
    bound: RecordKey,
    payment: Option<&TransactionDigest>,
    code: &Code,
) -> CodeMac {
    // The parts before the code have a fixed length, so no two inputs collide;
    // with a payment they are 32 bytes longer, and no code is as long as that.
    let RecordKey { tenant, mode, id } = bound;
    let payment = payment.map_or([].as_slice(), |payment| &payment.0);
    let code = code.expose().as_bytes();
    let parts = [b"code".as_slice(), &[mode.byte()], tenant.bytes(), id.bytes(), payment, code];
    CodeMac { version: key.version, mac: hmac(&key.key, &parts) }
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 16] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    for part in parts {
        mac.update(part);
    }
    let mut out = [0; 16];
    out.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    out
}

#[cfg(test)]
mod tests;
