//! Invitations of persons to a tenant.

use crate::{
    access::key::HashedSecret,
    id::{InvitationId, KeyId, MemberId, TenantId, decode_base32, encode_base32},
    keyring::{Fingerprint, KeyRing, OpenError, Place, Sealed},
    people::{
        member::Limits,
        person::{EmailAddress, EmailMark},
    },
    time::Timestamp,
};
use rand::CryptoRng;
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr, time::Duration};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// How long a link is good.
pub const LIFE: Duration = Duration::from_secs(48 * 3_600);
/// How often an invitation is sent. The first time counts.
pub const MOST_SENDS: u8 = 5;
/// The maximum number of invitations of a tenant in [`DAY`]. Accepted and withdrawn ones count too.
pub const MOST_A_DAY: u32 = 100;
/// The maximum number in [`DAY`] that one subuser and its keys make, so that the owners can still invite.
pub const MOST_BY_SUBUSER: u32 = 20;
/// The maximum number of mails to one address in [`DAY`], by all invitations of a tenant. Withdrawn ones count too.
pub const MOST_MAILS_A_DAY: u32 = 5;
/// The time between two mails of an invitation, after the second one.
pub const PAUSE: Duration = Duration::from_secs(60);
/// How long an invitation is kept after its last link has expired.
pub const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(30 * 86_400);
pub const DAY: Duration = Duration::from_secs(86_400);

/// The author of an invitation, who must still be able to grant the limits when it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    Operator,
    /// A member who signed in.
    Member(MemberId),
    /// A key of the company.
    Key(KeyId),
    /// A key of a member.
    KeyOf(KeyId, MemberId),
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Member(id) => id.fmt(f),
            Self::Key(id) => id.fmt(f),
            // The member comes first: a query compares it.
            Self::KeyOf(key, member) => write!(f, "{member}/{key}"),
        }
    }
}

/// A text that names no author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an author")]
pub struct AuthorError;

impl FromStr for Author {
    type Err = AuthorError;

    fn from_str(text: &str) -> Result<Self, AuthorError> {
        if text == "operator" {
            return Ok(Self::Operator);
        }
        let read = match text.split_once('/') {
            Some((member, key)) => member.parse().and_then(|member| Ok(Self::KeyOf(key.parse()?, member))),
            None => text.parse().map(Self::Member).or_else(|_| text.parse().map(Self::Key)),
        };
        read.map_err(|_| AuthorError)
    }
}

/// The secret of a link: 256 random bits. The server puts it into the link and stores only its hash.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct LinkSecret([u8; 32]);

/// 256 bits as two halves of 26 base32 digits.
const HALF: usize = 26;

impl LinkSecret {
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut secret = Self([0; 32]);
        rng.fill_bytes(&mut secret.0);
        secret
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (one, other) = text.split_at_checked(HALF).filter(|(_, other)| other.len() == HALF)?;
        let mut secret = Self([0; 32]);
        for (place, digits) in secret.0.chunks_exact_mut(16).zip([one, other]) {
            place.copy_from_slice(&decode_base32(digits)?.to_be_bytes());
        }
        Some(secret)
    }

    /// The text form, for the link.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * HALF));
        for half in self.0.chunks_exact(16) {
            let mut value = [0; 16];
            value.copy_from_slice(half);
            text.push_str(&encode_base32(u128::from_be_bytes(value), HALF));
        }
        text
    }

    pub fn hash(&self) -> HashedSecret {
        HashedSecret::from_bytes(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret")
    }
}

/// Why an invitation is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSentAgain {
    /// It was sent [`MOST_SENDS`] times.
    TooOften,
    /// The last mail went out just now. The next one may follow after this time.
    TooSoon(Duration),
}

/// An invitation that was neither accepted nor withdrawn, as the directory stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    pub tenant: TenantId,
    /// Only the person with this address can accept.
    pub email: EmailMark,
    /// The e-mail address, sealed.
    pub sealed: Vec<u8>,
    /// The limits of the member that the invited person becomes.
    pub limits: Limits,
    pub author: Author,
    /// The hash of the last link's secret. The former links are void.
    pub secret: HashedSecret,
    /// From this time on, the last link is void.
    pub expires_at: Timestamp,
    pub sends: u8,
    /// The number of the current version. A change names the version that it read.
    pub version: i64,
    pub created_at: Timestamp,
}

impl Invitation {
    /// A new invitation with its first link.
    pub fn new(
        (tenant, id): (TenantId, InvitationId),
        email: &EmailAddress,
        (limits, author): (Limits, Author),
        keyring: &KeyRing,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> (Self, LinkSecret) {
        let secret = LinkSecret::generate(rng);
        let mut invitation = Self {
            id,
            tenant,
            email: email.mark(keyring),
            sealed: Vec::new(),
            limits,
            author,
            secret: secret.hash(),
            expires_at: now + LIFE,
            sends: 1,
            version: 1,
            created_at: now,
        };
        invitation.sealed = keyring.seal(&invitation.place(), email.expose().as_bytes(), rng);
        (invitation, secret)
    }

    /// The invitation with another link, by this author.
    pub fn sent_again(
        &self,
        author: Author,
        secret: &LinkSecret,
        now: Timestamp,
    ) -> Result<Self, NotSentAgain> {
        if self.sends >= MOST_SENDS {
            return Err(NotSentAgain::TooOften);
        }
        // The first mail may have gone to spam, so the second one needs no pause. The operator prints links, too.
        let from = self.expires_at - LIFE + PAUSE;
        if self.sends > 1 && now < from && author != Author::Operator {
            return Err(NotSentAgain::TooSoon(from.since(now)));
        }
        Ok(Self {
            author,
            secret: secret.hash(),
            expires_at: now + LIFE,
            sends: self.sends.saturating_add(1),
            version: self.version + 1,
            ..self.clone()
        })
    }

    /// Returns whether the link with this secret is good at `now`.
    pub fn opens_with(&self, secret: &LinkSecret, now: Timestamp) -> bool {
        use subtle::ConstantTimeEq as _;
        let same = secret.hash().bytes().ct_eq(self.secret.bytes());
        bool::from(same) && now < self.expires_at
    }

    fn place(&self) -> Place {
        let Self { tenant, id, email, .. } = *self;
        Place { kind: Sealed::Invitation, tenant, id: *id.bytes(), number: Fingerprint(email.0) }
    }

    /// The same address, sealed with the primary key.
    pub fn resealed(&self, keyring: &KeyRing, rng: &mut impl CryptoRng) -> Result<Vec<u8>, OpenError> {
        keyring.reseal(&self.place(), &self.sealed, rng)
    }

    /// The e-mail address. Returns `None` if the key ring cannot open it.
    pub fn open(&self, keyring: &KeyRing) -> Option<EmailAddress> {
        let plain = keyring.open(&self.place(), &self.sealed).ok()?;
        EmailAddress::parse(std::str::from_utf8(&plain).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keyring::VersionedKey, people::hours::Zone};
    use rand::{SeedableRng, rngs::StdRng};

    fn invitation(keyring: &KeyRing, now: Timestamp) -> (Invitation, LinkSecret) {
        let email = EmailAddress::parse("Anna@example.com").unwrap();
        let ids = (TenantId::from_bytes([1; 16]), InvitationId::from_bytes([2; 16]));
        let limits = Limits::of_owner(Zone::default());
        Invitation::new(ids, &email, (limits, Author::Operator), keyring, now, &mut StdRng::seed_from_u64(1))
    }

    fn ring() -> KeyRing {
        let key = || vec![VersionedKey { version: 1, key: [1; 32] }];
        KeyRing::new([1; 32], key(), key()).unwrap()
    }

    #[test]
    fn a_link_is_good_for_48_hours_and_until_the_next_one() {
        let (now, mut rng) = (Timestamp::from_millis(1_790_000_000_000), StdRng::seed_from_u64(2));
        let (mut invitation, mut secret) = invitation(&ring(), now);
        let mut now = now;
        let author = Author::Key(KeyId::from_bytes([3; 16]));
        for sends in 2..=MOST_SENDS {
            assert!(invitation.opens_with(&secret, now + LIFE - Duration::from_micros(1)));
            assert!(!invitation.opens_with(&secret, now + LIFE));
            let other = LinkSecret::generate(&mut rng);
            if sends > 2 {
                let early = invitation.sent_again(author, &other, now + PAUSE / 2);
                assert_eq!(early.unwrap_err(), NotSentAgain::TooSoon(PAUSE / 2));
                now = now + PAUSE;
            }
            let again = invitation.sent_again(author, &other, now).unwrap();
            assert!(
                again.opens_with(&other, now) && !again.opens_with(&secret, now),
                "the former link is void"
            );
            assert_eq!((again.sends, again.version), (sends, invitation.version + 1));
            (invitation, secret) = (again, other);
        }
        let more = invitation.sent_again(author, &secret, now + PAUSE);
        assert_eq!(more.unwrap_err(), NotSentAgain::TooOften);
    }

    #[test]
    fn a_secret_has_one_text_and_an_address_is_sealed() {
        let keyring = ring();
        let (invitation, secret) = invitation(&keyring, Timestamp::default());
        let text = secret.expose();
        assert_eq!(LinkSecret::parse(&text).unwrap().hash(), secret.hash());
        for other in ["", &text[1..], &format!("{}0", *text), &text.to_uppercase(), &"z".repeat(52)] {
            assert!(LinkSecret::parse(other).is_none(), "{other}");
        }
        assert_eq!(invitation.open(&keyring).unwrap().expose(), "Anna@example.com");
        assert!(!format!("{invitation:?} {secret:?}").contains("Anna"));
        let elsewhere = Invitation { tenant: TenantId::from_bytes([9; 16]), ..invitation };
        assert!(elsewhere.open(&keyring).is_none());
    }

    #[test]
    fn an_author_reads_back() {
        let (member, key) = (MemberId::from_bytes([1; 16]), KeyId::from_bytes([1; 16]));
        for author in [Author::Operator, Author::Member(member), Author::Key(key), Author::KeyOf(key, member)]
        {
            assert_eq!(author.to_string().parse(), Ok(author));
        }
        assert_eq!("ten_00000000000000000000000000".parse::<Author>(), Err(AuthorError));
    }
}
