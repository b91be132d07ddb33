//! The key ring: fingerprints of numbers, MACs of codes, sealing of values.
//!
//! `mac` and `seal` keys have versions, so that they can be rotated; the
//! `fingerprint` key is fixed at install, because every stored number is found by it.

use crate::{
    code::Code,
    id::{TenantId, VerificationId},
    key::Mode,
    phone::PhoneNumber,
};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use hmac::{Hmac, Mac};
use rand::CryptoRng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A keyed hash of tenant and number: finds records of a number without naming it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// All keys of an installation. The first of each list is primary: it makes
/// new MACs and seals; the others only read.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct KeyRing {
    fingerprint: [u8; 32],
    mac: Vec<VersionedKey>,
    seal: Vec<VersionedKey>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing")
    }
}

impl KeyRing {
    /// `None` when a list is empty, or names a version twice or the version 0.
    pub fn new(fingerprint: [u8; 32], mac: Vec<VersionedKey>, seal: Vec<VersionedKey>) -> Option<Self> {
        let sound = |keys: &[VersionedKey]| {
            let twice = |key: &VersionedKey| keys.iter().filter(|k| k.version == key.version).count() > 1;
            // Records write 0 for "no key".
            !keys.is_empty() && !keys.iter().any(|key| key.version == 0 || twice(key))
        };
        (sound(&mac) && sound(&seal)).then_some(Self { fingerprint, mac, seal })
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

    /// One MAC of a request for each readable key version, the primary's first.
    pub fn request_macs(&self, path: &str, body: &[u8]) -> Vec<CodeMac> {
        let length = (path.len() as u32).to_be_bytes();
        let parts = [b"request".as_slice(), &length, path.as_bytes(), body];
        self.mac.iter().map(|key| CodeMac { version: key.version, mac: hmac(&key.key, &parts) }).collect()
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

    /// The MAC that a new record keeps.
    pub fn code_mac(&self, mode: Mode, tenant: TenantId, id: VerificationId, code: &Code) -> CodeMac {
        code_mac(&self.mac[0], mode, tenant, id, code)
    }

    /// One MAC for each readable key version, to compare with any record.
    pub fn code_macs(&self, mode: Mode, tenant: TenantId, id: VerificationId, code: &Code) -> Vec<CodeMac> {
        self.mac.iter().map(|key| code_mac(key, mode, tenant, id, code)).collect()
    }

    /// Seals `plain` for one place: `[version][nonce, 24][ciphertext and tag]`.
    pub fn seal(&self, place: &Place, plain: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        let primary = &self.seal[0];
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
        let key = self.seal.iter().find(|key| key.version == version).ok_or_else(error)?;
        let (nonce, body) = sealed[1..].split_at_checked(24).ok_or_else(error)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| error())?;
        let payload = Payload { msg: body, aad: &place.associated_data() };
        let plain = XChaCha20Poly1305::new(&key.key.into()).decrypt(&nonce, payload);
        plain.map(Zeroizing::new).map_err(|_| error())
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

fn code_mac(key: &VersionedKey, mode: Mode, tenant: TenantId, id: VerificationId, code: &Code) -> CodeMac {
    // The parts before the code have a fixed length, so no two inputs collide.
    let parts = [b"code".as_slice(), &[mode.byte()], tenant.bytes(), id.bytes(), code.expose().as_bytes()];
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
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn ring(versions: &[u8]) -> KeyRing {
        let keys = |salt: u8| {
            versions.iter().map(move |v| VersionedKey { version: *v, key: [v ^ salt; 32] }).collect()
        };
        KeyRing::new([9; 32], keys(0x10), keys(0x20)).unwrap()
    }

    #[test]
    fn sealed_values_open_only_in_their_place() {
        let mut rng = StdRng::seed_from_u64(3);
        let place = Place {
            kind: Sealed::Code,
            tenant: TenantId::from_bytes([1; 16]),
            id: [2; 16],
            number: Fingerprint([3; 16]),
        };
        let sealed = ring(&[2, 1]).seal(&place, b"123456", &mut rng);
        assert_eq!(ring(&[3, 2]).open(&place, &sealed).unwrap().as_slice(), b"123456");
        for elsewhere in [
            Place { kind: Sealed::Contact, ..place },
            Place { tenant: TenantId::from_bytes([7; 16]), ..place },
            Place { id: [7; 16], ..place },
            Place { number: Fingerprint([7; 16]), ..place },
        ] {
            assert!(ring(&[2]).open(&elsewhere, &sealed).is_err());
        }
        assert!(ring(&[1]).open(&place, &sealed).is_err(), "retired key");
        for damaged in [&sealed[..10], &[], &sealed[..sealed.len() - 1]] {
            assert!(ring(&[2]).open(&place, damaged).is_err());
        }
    }

    #[test]
    fn macs_are_bound_to_mode_tenant_and_verification() {
        let code = Code::parse("123456").unwrap();
        let tenant = TenantId::from_bytes([1; 16]);
        let id = VerificationId::from_bytes([2; 16]);
        let mac = ring(&[1]).code_mac(Mode::Live, tenant, id, &code);
        assert_ne!(mac, ring(&[1]).code_mac(Mode::Test, tenant, id, &code));
        assert_ne!(mac, ring(&[1]).code_mac(Mode::Live, TenantId::from_bytes([9; 16]), id, &code));
        assert_ne!(mac, ring(&[1]).code_mac(Mode::Live, tenant, VerificationId::from_bytes([9; 16]), &code));
        assert!(ring(&[5, 1]).code_macs(Mode::Live, tenant, id, &code).contains(&mac));
    }

    #[test]
    fn a_ring_without_keys_or_with_a_double_version_is_refused() {
        let key = |version| VersionedKey { version, key: [0; 32] };
        assert!(KeyRing::new([0; 32], vec![], vec![key(1)]).is_none());
        assert!(KeyRing::new([0; 32], vec![key(1), key(1)], vec![key(1)]).is_none());
        assert!(KeyRing::new([0; 32], vec![key(0)], vec![key(1)]).is_none());
    }
}
