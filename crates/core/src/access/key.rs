//! API keys: their text form, the hash of their secret, and their stored form.

use crate::{
    access::{allowlist::Allowlist, scope::Scopes, share::Share},
    id::{KeyId, MemberId, ProfileId, TenantId, decode_base32, encode_base32},
    mode::Mode,
    time::Timestamp,
};
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The secret half of a key: 256 random bits. The server shows it once, when it makes the key.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct KeySecret([u8; 32]);

impl std::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySecret")
    }
}

/// SHA-256 of a secret. A fast hash is enough, because the secret is 256 random bits. With argon2, an
/// attacker could overload the server by sending many wrong keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashedSecret([u8; 32]);

impl HashedSecret {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for HashedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashedSecret")
    }
}

/// A key as a client sends it: `cs_live_<id>_<secret><checksum>`. Scanners can find leaked keys by the fixed
/// prefix and the CRC-32 without asking the server.
#[derive(Debug)]
pub struct PresentedKey {
    pub mode: Mode,
    /// The id of the key that the client claims to have.
    pub id: KeyId,
    secret: KeySecret,
}

/// 256 bits need 51.2 base32 digits. They are written as two halves of 26 digits, each like an id.
const SECRET_DIGITS: usize = 52;
/// 32 bits need 6.4 base32 digits.
const CHECKSUM_DIGITS: usize = 7;
const ID_DIGITS: usize = 26;

impl PresentedKey {
    /// Draws a secret for the key with this id.
    pub fn generate(mode: Mode, id: KeyId, rng: &mut impl CryptoRng) -> Self {
        let mut secret = KeySecret([0; 32]);
        rng.fill_bytes(&mut secret.0);
        Self { mode, id, secret }
    }

    /// A key with a known secret. `dev` derives the secrets of its keys from its key ring.
    pub fn from_secret(mode: Mode, id: KeyId, secret: [u8; 32]) -> Self {
        Self { mode, id, secret: KeySecret(secret) }
    }

    /// Returns `None` unless the text has the exact form and its checksum is right.
    pub fn parse(text: &str) -> Option<Self> {
        let (body, checksum) = text.split_at_checked(text.len().checked_sub(CHECKSUM_DIGITS)?)?;
        if decode_base32(checksum)? != u128::from(crc32fast::hash(body.as_bytes())) {
            return None;
        }
        let (mode, rest) = body.strip_prefix("cs_")?.split_once('_')?;
        let (id, digits) = rest.split_once('_')?;
        if digits.len() != SECRET_DIGITS {
            return None;
        }
        let mut secret = KeySecret([0; 32]);
        for (half, digits) in [digits.get(..26)?, digits.get(26..)?].into_iter().enumerate() {
            let value = decode_base32(digits)?.to_be_bytes();
            secret.0[16 * half..][..16].copy_from_slice(&value);
        }
        let id = format!("{}{id}", KeyId::PREFIX).parse().ok()?;
        Some(Self { mode: Mode::parse(mode)?, id, secret })
    }

    /// Reads the password of Basic authentication. It is a key in the usual form, or the key without any of
    /// its underscores, because Twilio's library for Go accepts no underscores. The checksum is computed over
    /// the form with underscores.
    pub fn parse_password(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| Self::parse(&with_underscores(text)?))
    }

    /// The whole key in text form. The server shows it once.
    pub fn expose(&self) -> Zeroizing<String> {
        let id = encode_base32(u128::from_be_bytes(*self.id.bytes()), ID_DIGITS);
        let mut text = Zeroizing::new(format!("cs_{}_{id}_", self.mode.as_str()));
        for half in self.secret.0.chunks_exact(16) {
            let mut value = [0; 16];
            value.copy_from_slice(half);
            text.push_str(&encode_base32(u128::from_be_bytes(value), 26));
        }
        let checksum = crc32fast::hash(text.as_bytes());
        text.push_str(&encode_base32(checksum.into(), CHECKSUM_DIGITS));
        text
    }

    /// The key without underscores, for clients that send it as a password.
    pub fn expose_alphanumeric(&self) -> Zeroizing<String> {
        let text = self.expose();
        let mut plain = Zeroizing::new(String::with_capacity(text.len()));
        plain.extend(text.chars().filter(|c| *c != '_'));
        plain
    }

    /// The hash that the directory stores.
    pub fn hash(&self) -> HashedSecret {
        HashedSecret(Sha256::digest(self.secret.0).into())
    }

    /// Returns whether secret and mode match the stored key. The time of the comparison does not depend on
    /// the secret.
    pub fn matches(&self, key: &Key) -> bool {
        let secret = self.hash().0.ct_eq(&key.secret_hash.0);
        bool::from(secret) && self.mode == key.mode
    }
}

/// Puts the underscores into a key that was written without them.
fn with_underscores(text: &str) -> Option<Zeroizing<String>> {
    let (mode, rest) = [Mode::Live, Mode::Test]
        .into_iter()
        .find_map(|mode| Some((mode, text.strip_prefix("cs")?.strip_prefix(mode.as_str())?)))?;
    let (id, secret) = rest.split_at_checked(ID_DIGITS)?;
    Some(Zeroizing::new(format!("cs_{}_{id}_{secret}", mode.as_str())))
}

/// The maximum number of keys of a tenant. Disabled and expired keys count too, but not those of removed members.
pub const MOST_KEYS: u32 = 1_000;
/// The maximum number of keys of a member. Disabled and expired keys count too. A narrowing of the member ends the
/// former versions of them all, and each node reads these ends.
pub const MOST_KEYS_OF_MEMBER: u32 = 100;
/// The maximum length of a key's name, in characters.
pub const MAX_NAME: usize = 64;

/// An API key, as the directory stores it.
#[derive(Clone, Debug)]
pub struct Key {
    /// The id, which is also part of the text form.
    pub id: KeyId,
    pub tenant: TenantId,
    pub mode: Mode,
    /// The name that people see, 1 to 64 characters.
    pub name: String,
    pub scopes: Scopes,
    pub secret_hash: HashedSecret,
    /// While true, the server refuses the key.
    pub disabled: bool,
    /// From this time on, the server refuses the key.
    pub expires_at: Option<Timestamp>,
    /// The addresses from which the key may be used. The tenant's own list must admit an address too.
    pub allowlist: Allowlist,
    /// The key that replaced this one, after a rotation.
    pub replaced_by: Option<KeyId>,
    /// The member whose key it is: the key can do nothing that this member may not do. A key of the company
    /// has none.
    pub member: Option<MemberId>,
    /// The member who made the key, for the audit log.
    pub made_by: Option<MemberId>,
    /// The profiles that the key reaches.
    pub profiles: Share<ProfileId>,
    pub created_at: Timestamp,
    /// When the server last accepted the key, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// The number of the current version. An update names the version that it read.
    pub version: i64,
}

impl Key {
    /// A new key: enabled, never used, without an expiry time.
    pub fn new(
        presented: &PresentedKey,
        tenant: TenantId,
        name: String,
        scopes: Scopes,
        now: Timestamp,
    ) -> Self {
        Self {
            id: presented.id,
            tenant,
            mode: presented.mode,
            name,
            scopes,
            secret_hash: presented.hash(),
            disabled: false,
            expires_at: None,
            allowlist: Allowlist::default(),
            replaced_by: None,
            member: None,
            made_by: None,
            profiles: Share::all(),
            created_at: now,
            last_used_at: None,
            version: 1,
        }
    }

    /// The key that replaces this one: equal but for id, secret and times.
    pub fn successor(&self, presented: &PresentedKey, now: Timestamp) -> Self {
        Self {
            id: presented.id,
            secret_hash: presented.hash(),
            replaced_by: None,
            created_at: now,
            last_used_at: None,
            version: 1,
            ..self.clone()
        }
    }

    /// When the key expires if it is rotated at `now`: after `overlap`, but no later than its own expiry.
    pub fn end_after(&self, overlap: Duration, now: Timestamp) -> Timestamp {
        let end = now + overlap;
        self.expires_at.map_or(end, |own| own.min(end))
    }

    /// Returns whether the server accepts the key at `now`.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        !self.disabled && self.expires_at.is_none_or(|expiry| now < expiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    /// A text near the given key: parts left out, changed or added, as a person or a program may do by
    /// mistake.
    fn like(text: String) -> impl Strategy<Value = String> {
        let underscores: Vec<usize> = text.match_indices('_').map(|(at, _)| at).collect();
        let left_out = proptest::sample::subsequence(underscores, 0..=3);
        let slip = (any::<proptest::sample::Index>(), 0u8..6, "[_a-zA-Z0-9ä -]");
        (left_out, proptest::collection::vec(slip, 0..3)).prop_map(move |(left_out, slips)| {
            let kept = text.char_indices().filter(|(at, _)| !left_out.contains(at)).map(|(_, c)| c);
            let mut chars: Vec<char> = kept.collect();
            for (index, act, other) in slips {
                let (at, other) = (index.index(chars.len()), other.chars().next().unwrap_or('_'));
                match act {
                    0 => drop(chars.remove(at)),
                    1 => chars.insert(at, other),
                    2 => chars[at] = other,
                    3 => chars[at] = chars[at].to_ascii_uppercase(),
                    4 => chars.insert(at, '_'),
                    _ => chars.swap(at, at / 2),
                }
            }
            chars.into_iter().collect()
        })
    }

    fn key(live: bool, id: [u8; 16], secret: [u8; 32]) -> PresentedKey {
        let mode = if live { Mode::Live } else { Mode::Test };
        PresentedKey::from_secret(mode, KeyId::from_bytes(id), secret)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// The key is read in its two spellings, the one without underscores only as a password. Similar
        /// texts are refused.
        #[test]
        fn a_key_has_two_spellings_and_no_other(
            (key, text) in (any::<bool>(), any::<[u8; 16]>(), any::<[u8; 32]>()).prop_flat_map(|(live, id, secret)| {
                let text = key(live, id, secret).expose().to_string();
                (Just((live, id, secret)), like(text))
            }),
        ) {
            let key = self::key(key.0, key.1, key.2);
            let (full, plain) = (key.expose(), key.expose_alphanumeric());
            prop_assert!(plain.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            let same = |read: &PresentedKey| (read.mode, read.id, read.hash()) == (key.mode, key.id, key.hash());
            prop_assert!(PresentedKey::parse(&full).is_some_and(|read| same(&read)));
            prop_assert!(PresentedKey::parse(&plain).is_none());
            for spelling in [&full, &plain] {
                prop_assert!(PresentedKey::parse_password(spelling).is_some_and(|read| same(&read)));
            }
            prop_assert_eq!(PresentedKey::parse(&text).is_some(), text == *full);
            prop_assert_eq!(PresentedKey::parse_password(&text).is_some(), text == *full || text == *plain);
        }

        /// A right checksum is not enough: a text that is read as a key must be exactly the text that the key
        /// writes.
        #[test]
        fn what_is_read_is_written_the_same(
            body in "cs_(live|test|LIVE|l_ve)_[0-7][0-9a-hjkmnp-tv-z]{24,26}_\
                [0-7][0-9a-hjkmnp-tv-z]{25}[0-7][0-9a-hjkmnp-tv-z]{24,26}",
            before in 0u8..8,
            after in 0u8..8,
        ) {
            let mut text = without(&body, before);
            text.push_str(&encode_base32(crc32fast::hash(text.as_bytes()).into(), CHECKSUM_DIGITS));
            let text = without(&text, after);
            if let Some(read) = PresentedKey::parse_password(&text) {
                prop_assert!(text == *read.expose() || text == *read.expose_alphanumeric(), "{text}");
            }
        }
    }

    /// The text without some of its first underscores: bit n of `which` removes the nth.
    fn without(text: &str, which: u8) -> String {
        let mut seen = 0;
        let mut keep = |c: char| {
            seen += u8::from(c == '_');
            c != '_' || which & (1 << (seen - 1).min(7)) == 0
        };
        text.chars().filter(|c| keep(*c)).collect()
    }

    #[test]
    fn text_form_round_trips_and_detects_a_slip() {
        let mut rng = StdRng::seed_from_u64(7);
        let id = KeyId::new(Timestamp::from_millis(1), &mut rng);
        let key = PresentedKey::generate(Mode::Live, id, &mut rng);
        let text = key.expose();
        assert_eq!(text.len(), "cs_live_".len() + 26 + 1 + 52 + 7);
        assert_eq!(PresentedKey::parse(&text).unwrap().hash(), key.hash());
        for at in 0..text.len() {
            let mut slip = text.to_string();
            let replacement = if &slip[at..=at] == "0" { "1" } else { "0" };
            slip.replace_range(at..=at, replacement);
            assert!(PresentedKey::parse(&slip).is_none(), "{at}");
        }
        for text in ["", "cs_live_", "Bearer", "ü", "cs_live_ü_ü"] {
            assert!(PresentedKey::parse(text).is_none());
        }
        assert!(!format!("{key:?}").contains(&text[40..60]));
    }
}
