//! The key ring: it makes the fingerprints of phone numbers and the MACs of codes, and seals values.
//!
//! `mac` and `seal` keys have versions, so that they can be rotated while the server runs;
//! [`crate::management::keyring_rotation`] gives the order of the steps. The `fingerprint` key never changes,
//! because the stores find every phone number by it.

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
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The maximum number of versions of one kind. Each check of a code computes one MAC for each version.
pub const MAX_VERSIONS: usize = 16;

/// A keyed hash of tenant and phone number. The stores find the records of a phone number by it and never see
/// the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The partition that holds all records of this phone number.
    pub fn partition(self, partitions: u16) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]]) % partitions
    }
}

/// HMAC-SHA256 of a code and of what the code is bound to, cut to 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeMac {
    pub version: u8,
    pub mac: [u8; 16],
}

/// What a MAC says of an entry of an audit chain. A head's MAC does not pass as an anchor's: otherwise a copy of
/// the head, put in the place of the anchor, would hide that all entries before it were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainEnd {
    /// The chain ends with this entry.
    Head,
    /// The retention removed the chain up to this entry.
    Anchor,
}

/// The MAC of the head or of an anchor of an audit chain, with the version of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainMac {
    pub version: u8,
    pub mac: [u8; 32],
}

/// The kind of a sealed value. It is part of the associated data, so a value of one kind does not open as
/// another kind.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Sealed {
    /// The phone number and the metadata of a verification.
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
    /// The name and the e-mail address of a person.
    Person = 7,
    /// The e-mail address of an invitation.
    Invitation = 8,
    /// A mail or a message to a person.
    Notice = 9,
    /// The phone number of a person.
    Phone = 10,
    /// What a link in a mail carries.
    Link = 11,
    /// What a person typed into a form after the session had ended.
    Form = 12,
    /// A phone number that its first code has not confirmed yet.
    Enrolment = 13,
}

/// A sealed value does not open: the key or the [`Place`] is wrong, or the value is damaged.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value does not open with key version {version}")]
pub struct OpenError {
    /// The key version that the value names.
    pub version: u8,
}

/// One 256-bit key with its version.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct VersionedKey {
    pub version: u8,
    pub key: [u8; 32],
}

impl VersionedKey {
    /// The version number and a check value: 32 bits of a MAC made with the key. The check value differs for
    /// two keys with the same number, and reveals nothing about the key.
    pub fn id(&self) -> KeyVersion {
        let mac = hmac(&self.key, &[b"check"]);
        KeyVersion { number: self.version, check: [mac[0], mac[1], mac[2], mac[3]] }
    }
}

/// The reasons why a new key ring cannot replace the one in use.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReplaceError {
    /// The fingerprint key differs: the stores could not find any phone number again.
    #[error("the fingerprint key is another one")]
    OtherFingerprint,
    /// A version has another key than before: right codes would count as wrong ones.
    #[error("{kind} version {version} is another key")]
    OtherKey { kind: KeyKind, version: u8 },
}

/// All keys of an installation. The first key of each list is the primary one: new MACs and new seals use it.
/// The other keys only read what they made before.
pub struct KeyRing {
    fingerprint: Zeroizing<[u8; 32]>,
    /// The lock is held only to copy or to swap the pointer.
    keys: RwLock<Arc<Keys>>,
}

/// The keys that [`KeyRing::replace`] swaps.
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
    /// Returns `None` if a list is empty or longer than [`MAX_VERSIONS`], or contains a version twice or the
    /// version 0.
    pub fn new(fingerprint: [u8; 32], mac: Vec<VersionedKey>, seal: Vec<VersionedKey>) -> Option<Self> {
        let sound = |keys: &[VersionedKey]| {
            let twice = |key: &VersionedKey| keys.iter().filter(|k| k.version == key.version).count() > 1;
            // In records, version 0 means "no key".
            (1..=MAX_VERSIONS).contains(&keys.len()) && !keys.iter().any(|key| key.version == 0 || twice(key))
        };
        let keys = (sound(&mac) && sound(&seal)).then(|| RwLock::new(Arc::new(Keys { mac, seal })))?;
        Some(Self { fingerprint: Zeroizing::new(fingerprint), keys })
    }

    fn keys(&self) -> Arc<Keys> {
        // A panic while the lock is held cannot leave half a pointer, so a poisoned lock is safe to use.
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the keys by those of `other`. Operations that begin after this call use the new keys.
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

    /// The versions of all rotating keys; never the keys themselves.
    pub fn versions(&self) -> Versions {
        let keys = self.keys();
        let of = |kind| KeyVersions::new(keys.of(kind).iter().map(VersionedKey::id).collect());
        Versions { mac: of(KeyKind::Mac), seal: of(KeyKind::Seal) }
    }

    pub fn fingerprint(&self, tenant: TenantId, number: &PhoneNumber) -> Fingerprint {
        Fingerprint(hmac(&self.fingerprint, &[b"number", tenant.bytes(), number.e164().as_bytes()]))
    }

    /// A keyed hash of values of a tenant by which the stores count or look up. A length precedes each part,
    /// so two different lists of parts never have the same input.
    pub fn hash(&self, purpose: &str, tenant: TenantId, parts: &[&[u8]]) -> [u8; 16] {
        let lengths: Vec<[u8; 4]> = parts.iter().map(|part| (part.len() as u32).to_be_bytes()).collect();
        let mut all: Vec<&[u8]> = vec![b"hash", purpose.as_bytes(), &[0], tenant.bytes()];
        for (length, part) in lengths.iter().zip(parts) {
            all.extend([length.as_slice(), part]);
        }
        hmac(&self.fingerprint, &all)
    }

    /// Derives 32 bytes for one purpose, such as the API keys of `dev`.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        for half in 0..2u8 {
            let part: [u8; 16] = hmac(&self.fingerprint, &[b"derive", purpose.as_bytes(), &[half]]);
            derived[16 * usize::from(half)..][..16].copy_from_slice(&part);
        }
        derived
    }

    /// Identifies this installation without revealing anything about its keys.
    pub fn identity(&self) -> [u8; 16] {
        hmac(&self.fingerprint, &[b"identity"])
    }

    /// The MAC that a new record stores, made with the primary key.
    pub fn code_mac(&self, bound: RecordKey, payment: Option<&TransactionDigest>, code: &Code) -> CodeMac {
        code_mac(&self.keys().mac[0], bound, payment, code)
    }

    /// One MAC for each key version. A record's MAC can have any of these versions.
    pub fn code_macs(
        &self,
        bound: RecordKey,
        payment: Option<&TransactionDigest>,
        code: &Code,
    ) -> Vec<CodeMac> {
        self.keys().mac.iter().map(|key| code_mac(key, bound, payment, code)).collect()
    }

    /// The keyed hash of the payment that a record stores; a store compares it to detect another payment. A
    /// plain hash would reveal the payment, because payments can be guessed.
    pub fn payment_mark(&self, bound: RecordKey, payment: &TransactionDigest) -> [u8; 16] {
        let RecordKey { tenant, mode, id } = bound;
        self.hash("transaction", tenant, &[&[mode.byte()], id.bytes(), &payment.0])
    }

    /// The MAC of a head or of an anchor of an audit chain. Its key is derived from the key that never
    /// changes, so that a chain can be verified for as long as the installation exists.
    pub fn chain_mac(&self, end: ChainEnd, tenant: TenantId, n: i64, hash: &[u8; 32]) -> ChainMac {
        let key = self.derive("audit");
        // Both words have one length, so that no other field can take their place.
        let end = match end {
            ChainEnd::Head => b"head",
            ChainEnd::Anchor => b"anch",
        };
        ChainMac { version: 1, mac: full_hmac(&key, &[end, tenant.bytes(), &n.to_be_bytes(), hash]) }
    }

    /// Whether this key ring made the MAC.
    pub fn made_chain_mac(
        &self,
        end: ChainEnd,
        tenant: TenantId,
        n: i64,
        hash: &[u8; 32],
        mac: &ChainMac,
    ) -> bool {
        let own = self.chain_mac(end, tenant, n, hash);
        own.version == mac.version && bool::from(own.mac.ct_eq(&mac.mac))
    }

    /// Seals `plain` for one place. The form is `[version][nonce, 24][ciphertext and tag]`.
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

    /// Returns whether a version other than the primary one sealed the value. An empty value needs no
    /// sealing.
    pub fn needs_reseal(&self, sealed: &[u8]) -> bool {
        sealed.first().is_some_and(|version| *version != self.keys().seal[0].version)
    }

    /// Seals the value again, with the primary version.
    pub fn reseal(
        &self,
        place: &Place,
        sealed: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, OpenError> {
        Ok(self.seal(place, &self.open(place, sealed)?, rng))
    }
}

/// The owner of a sealed value. The value opens only with the same place.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub kind: Sealed,
    pub tenant: TenantId,
    /// The id of the record that contains the value.
    pub id: [u8; 16],
    /// The phone number that the record is about, if any.
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
    // The parts before the code have a fixed length, so two inputs never collide. A payment makes them 32
    // bytes longer, and every code is shorter than that.
    let RecordKey { tenant, mode, id } = bound;
    let payment = payment.map_or([].as_slice(), |payment| &payment.0);
    let code = code.expose().as_bytes();
    let parts = [b"code".as_slice(), &[mode.byte()], tenant.bytes(), id.bytes(), payment, code];
    CodeMac { version: key.version, mac: hmac(&key.key, &parts) }
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&full_hmac(key, parts)[..16]);
    out
}

fn full_hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
