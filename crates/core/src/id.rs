//! Public ids. The text form is a prefix and 128 bits as 26 characters of lower-case Crockford base32. The
//! first 48 bits are milliseconds, so ids sort by creation; the id of a person has no time. The next 16 bits of the id of a verification,
//! message or event are its partition: from the id alone a store finds the right shard.

use crate::{mode::Mode, time::Timestamp};
use rand::CryptoRng;

/// A text that is not an id of the expected kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a valid id")]
pub struct IdError;

const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Writes the low `5 * length` bits of `value` as `length` characters of base32.
pub(crate) fn encode_base32(mut value: u128, length: usize) -> String {
    let mut out = vec![b'0'; length];
    for slot in out.iter_mut().rev() {
        *slot = CROCKFORD[(value & 31) as usize];
        value >>= 5;
    }
    out.into_iter().map(char::from).collect()
}

/// Reads base32 digits. Accepts only the exact lower-case spelling.
pub(crate) fn decode_base32(text: &str) -> Option<u128> {
    let mut value: u128 = 0;
    for byte in text.bytes() {
        let digit = CROCKFORD.iter().position(|c| *c == byte)? as u128;
        value = value.checked_mul(32)?.checked_add(digit)?;
    }
    Some(value)
}

fn fresh_bytes(now: Timestamp, rng: &mut impl CryptoRng) -> [u8; 16] {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes[6..]);
    bytes[..6].copy_from_slice(&now.millis().to_be_bytes()[2..]);
    bytes
}

macro_rules! id {
    ($name:ident, $prefix:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The prefix of the text form.
            pub const PREFIX: &'static str = $prefix;

            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            pub const fn bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let digits = encode_base32(u128::from_be_bytes(self.0), 26);
                write!(f, "{}{}", $prefix, digits)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix($prefix).ok_or(IdError)?;
                // 26 digits hold 130 bits; `decode_base32` refuses a value that overflows 128.
                if digits.len() != 26 {
                    return Err(IdError);
                }
                let value = decode_base32(digits).ok_or(IdError)?;
                Ok(Self(value.to_be_bytes()))
            }
        }
    };
}

macro_rules! timed_id {
    ($name:ident, $prefix:literal, $doc:literal) => {
        id!($name, $prefix, $doc);

        impl $name {
            /// The smallest id of a time: no id made at `at` or later sorts before it.
            pub fn floor(at: Timestamp) -> Self {
                let mut bytes = [0; 16];
                bytes[..6].copy_from_slice(&at.millis().max(0).to_be_bytes()[2..]);
                Self(bytes)
            }

            /// The time inside the id, by the clock of the node that made the id.
            pub fn created_at(&self) -> Timestamp {
                let mut millis = [0; 8];
                millis[2..].copy_from_slice(&self.0[..6]);
                Timestamp::from_millis(i64::from_be_bytes(millis))
            }
        }
    };
}

macro_rules! plain_id {
    ($name:ident, $prefix:literal, $doc:literal) => {
        timed_id!($name, $prefix, $doc);

        impl $name {
            pub fn new(now: Timestamp, rng: &mut impl CryptoRng) -> Self {
                Self(fresh_bytes(now, rng))
            }
        }
    };
}

macro_rules! partitioned_id {
    ($name:ident, $prefix:literal, $doc:literal) => {
        timed_id!($name, $prefix, $doc);

        impl $name {
            /// Makes an id that contains its partition.
            pub fn new(now: Timestamp, partition: u16, rng: &mut impl CryptoRng) -> Self {
                let mut bytes = fresh_bytes(now, rng);
                bytes[6..8].copy_from_slice(&partition.to_be_bytes());
                Self(bytes)
            }

            pub fn partition(&self) -> u16 {
                u16::from_be_bytes([self.0[6], self.0[7]])
            }
        }
    };
}

plain_id!(TenantId, "ten_", "A client company.");
plain_id!(KeyId, "key_", "An API key (not its secret).");
id!(PersonId, "per_", "One who can sign in.");

impl PersonId {
    /// Draws an id without a time. Tenants see the id, and none of them may learn whether, or since when, a person
    /// belongs to others.
    pub fn new(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

plain_id!(DeviceId, "dvc_", "One browser.");
plain_id!(SessionId, "ses_", "A person who is signed in, in one browser.");
plain_id!(SignInId, "sgn_", "An attempt to sign in.");
plain_id!(NoticeId, "ntc_", "A message to a person that contains no code.");
plain_id!(InvitationId, "inv_", "An invitation of a person to a tenant.");
plain_id!(MemberId, "mem_", "A person's membership of a tenant.");
plain_id!(ProfileId, "pro_", "An app or purpose of a tenant.");
plain_id!(NodeId, "nod_", "One serving process, from its start to its end.");
plain_id!(ReviewNumberId, "rev_", "A number that gets no message and whose code is known.");
plain_id!(RequestId, "req_", "One HTTP request, as its answer and its log line name it.");
plain_id!(AuditId, "aud_", "An entry of the audit log.");
plain_id!(ProviderId, "prv_", "An account with a provider, as its tenant set it up.");
plain_id!(RouteId, "rte_", "The providers that a message goes through, in their order.");
plain_id!(SenderId, "snd_", "A name or number that messages come from.");
plain_id!(TemplateId, "tpl_", "A text that a message is made of.");
plain_id!(WebhookId, "whk_", "An address of a tenant that is told what happens.");
plain_id!(WebhookMessageId, "whm_", "Something that a webhook is told; the same at each try.");
plain_id!(AttemptId, "wha_", "One try to tell a webhook something.");
partitioned_id!(VerificationId, "ver_", "One attempt to prove that somebody holds a number.");
partitioned_id!(MessageId, "msg_", "One SMS that carries a code.");
partitioned_id!(EventId, "evt_", "One thing that happened to a verification.");

/// The full key of a verification's record. With another tenant or another mode the store finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordKey {
    pub tenant: TenantId,
    pub mode: Mode,
    pub id: VerificationId,
}

impl RecordKey {
    /// Tenant, mode and id, in this order. The keys of the stores end with these bytes.
    pub fn bytes(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        bytes[..16].copy_from_slice(self.tenant.bytes());
        bytes[16] = self.mode.byte();
        bytes[17..].copy_from_slice(self.id.bytes());
        bytes
    }

    /// The reverse of [`RecordKey::bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 33] = bytes.try_into().ok()?;
        let (mut tenant, mut id) = ([0; 16], [0; 16]);
        tenant.copy_from_slice(&bytes[..16]);
        id.copy_from_slice(&bytes[17..]);
        let mode = Mode::from_byte(bytes[16])?;
        Some(Self { tenant: TenantId::from_bytes(tenant), mode, id: VerificationId::from_bytes(id) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    proptest! {
        #[test]
        fn text_form_round_trips(bytes: [u8; 16]) {
            let id = VerificationId::from_bytes(bytes);
            let text = id.to_string();
            prop_assert_eq!(text.len(), 30);
            prop_assert_eq!(text.parse::<VerificationId>(), Ok(id));
        }

        #[test]
        fn nothing_else_parses(text in "\\PC{0,40}") {
            if let Ok(id) = text.parse::<KeyId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn time_and_partition_are_inside() {
        let mut rng = StdRng::seed_from_u64(1);
        let now = Timestamp::from_millis(1_790_000_000_123);
        let id = VerificationId::new(now, 63, &mut rng);
        assert_eq!(id.created_at(), now);
        assert_eq!(id.partition(), 63);
    }

    #[test]
    fn spellings_other_than_the_canonical_one_are_refused() {
        let max = format!("key_{}", "z".repeat(26));
        for text in ["", "key_", "key_0", "ver_00000000000000000000000000", max.as_str()] {
            assert_eq!(text.parse::<KeyId>(), Err(IdError), "{text}");
        }
        assert!("key_7zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<KeyId>().is_ok());
        assert!("key_7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<KeyId>().is_err());
    }
}
