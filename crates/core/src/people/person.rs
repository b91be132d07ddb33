//! Persons: those who can sign in. A person belongs to no tenant.

use crate::{
    id::PersonId,
    keyring::{Fingerprint, KeyRing, OpenError, Place, Sealed},
    locale::Locale,
    pack::{Reader, Writer},
    people::hours::Zone,
    printable::is_printable,
    tenant::OPERATOR,
    time::Timestamp,
};
use rand::CryptoRng;
use zeroize::Zeroizing;

/// An e-mail address as its owner writes it. Its Debug does not show it.
#[derive(Clone)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The maximum length of an address, and of the part before the `@` (RFC 5321).
    const MAX: usize = 254;
    const MAX_LOCAL: usize = 64;

    /// Reads an address without surrounding spaces. Accepts only addresses that need no quotes in a message:
    /// dotted words before the `@`, and a domain name with at least two labels after it. A domain in another
    /// alphabet is written in its ASCII form.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let fits = text.len() <= Self::MAX && local.len() <= Self::MAX_LOCAL;
        let atom = |word: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
            !word.is_empty() && word.bytes().all(plain)
        };
        let label = |label: &str| {
            let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
        };
        let named = domain.contains('.') && domain.split('.').all(label);
        (fits && named && local.split('.').all(atom)).then(|| Self(text.to_owned()))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The address for readers who may not learn all of it: `a***@example.com`.
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.split_once('@').unwrap_or_default();
        format!("{}***@{domain}", local.get(..1).unwrap_or_default())
    }

    /// The form in which addresses are compared.
    fn compared(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The keyed hash by which the stores find an address.
    pub fn mark(&self, keyring: &KeyRing) -> EmailMark {
        EmailMark::of_typed(&self.0, keyring)
    }
}

impl std::fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EmailAddress")
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.compared() == other.compared()
    }
}

impl Eq for EmailAddress {}

/// A keyed hash of an e-mail address in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EmailMark(pub [u8; 16]);

impl EmailMark {
    /// The mark of a text that somebody typed as an address. If it is no address, nobody has its mark.
    pub fn of_typed(text: &str, keyring: &KeyRing) -> Self {
        let compared = text.trim().to_ascii_lowercase();
        Self(keyring.hash("email", OPERATOR, &[compared.as_bytes()]))
    }
}

/// The name of a person: 1 to 64 printable characters.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName(String);

impl PersonName {
    /// The maximum length, in characters.
    pub const MAX: usize = 64;

    /// Reads a name without surrounding spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=Self::MAX).contains(&text.chars().count());
        (fits && text.chars().all(is_printable)).then(|| Self(text.to_owned()))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PersonName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonName")
    }
}

/// What only the person and the members of a common tenant see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: PersonName,
    pub email: EmailAddress,
}

/// A person, as the directory stores it. A deleted person has no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    /// Unique in the installation.
    pub email: EmailMark,
    /// The [`Identity`], sealed.
    pub sealed: Vec<u8>,
    pub language: Locale,
    pub zone: Zone,
    /// It rises when everything that was begun or signed in before must end.
    pub epoch: i64,
    /// The number of the current version. A change names the version that it read.
    pub version: i64,
    pub created_at: Timestamp,
}

impl Person {
    /// A new, enabled person.
    pub fn new(
        id: PersonId,
        identity: &Identity,
        (language, zone): (Locale, Zone),
        keyring: &KeyRing,
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let email = identity.email.mark(keyring);
        let mut person =
            Self { id, email, sealed: Vec::new(), language, zone, epoch: 1, version: 1, created_at: now };
        let Identity { name, email } = identity;
        let packed = Writer::default().blob(name.0.as_bytes()).blob(email.0.as_bytes()).finish();
        person.sealed = keyring.seal(&person.place(), &Zeroizing::new(packed), rng);
        person
    }

    fn place(&self) -> Place {
        let number = Fingerprint(self.email.0);
        Place { kind: Sealed::Person, tenant: OPERATOR, id: *self.id.bytes(), number }
    }

    /// The same content, sealed with the primary key.
    pub fn resealed(&self, keyring: &KeyRing, rng: &mut impl CryptoRng) -> Result<Vec<u8>, OpenError> {
        keyring.reseal(&self.place(), &self.sealed, rng)
    }

    /// The name and the address. Returns `None` if the key ring cannot open them.
    pub fn open(&self, keyring: &KeyRing) -> Option<Identity> {
        let packed = keyring.open(&self.place(), &self.sealed).ok()?;
        let mut reader = Reader(&packed);
        Some(Identity {
            name: PersonName::parse(&reader.text()?)?,
            email: EmailAddress::parse(&reader.text()?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::VersionedKey;
    use rand::{SeedableRng, rngs::StdRng};

    fn ring(byte: u8) -> KeyRing {
        let key = || vec![VersionedKey { version: 1, key: [byte; 32] }];
        KeyRing::new([byte; 32], key(), key()).unwrap()
    }

    #[test]
    fn addresses_are_read_as_mail_servers_read_them() {
        for text in ["a@b.pl", "Anna.Nowak+x@Example.COM", "o'neil@xn--lka-1sa.example", " a@b.pl "] {
            assert_eq!(EmailAddress::parse(text).unwrap().expose(), text.trim());
        }
        let long =
            format!("{}@{}.pl", "a".repeat(64), ["b".repeat(63), "c".repeat(63), "d".repeat(58)].join("."));
        assert_eq!(long.len(), 254 + 1 - 1);
        assert!(EmailAddress::parse(&long).is_some());
        for text in [
            "",
            "a",
            "@b.pl",
            "a@",
            "a@b",
            "a@b.",
            "a@.pl",
            "a@-b.pl",
            "a@b-.pl",
            "a@b..pl",
            "a b@c.pl",
            "a@b@c.pl",
            ".a@b.pl",
            "a.@b.pl",
            "a..b@c.pl",
            "ż@b.pl",
            "a@ż.pl",
            "a\n@b.pl",
            "\"a\"@b.pl",
            "a<x@b.pl",
            "a,b@c.pl",
            &format!("{}@b.pl", "a".repeat(65)),
            &long.replace("d.pl", "dd.pl"),
        ] {
            assert!(EmailAddress::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_masked_address_shows_one_letter() {
        assert_eq!(EmailAddress::parse("Anna.Nowak@b.pl").unwrap().masked(), "A***@b.pl");
        assert_eq!(EmailAddress::parse("a@b.pl").unwrap().masked(), "a***@b.pl");
    }

    #[test]
    fn an_address_is_one_in_upper_and_in_lower_case() {
        let of = |text: &str, ring| EmailAddress::parse(text).unwrap().mark(ring);
        let (one, other) = (ring(1), ring(2));
        assert_eq!(of("Anna@Example.com", &one), of("anna@example.COM", &one));
        assert_ne!(of("anna@example.com", &one), of("anna@example.org", &one));
        assert_ne!(of("anna@example.com", &one), of("anna@example.com", &other));
    }

    #[test]
    fn a_persons_name_and_address_are_sealed() {
        let (keyring, mut rng) = (ring(1), StdRng::seed_from_u64(1));
        let identity = Identity {
            name: PersonName::parse("Anna Żak").unwrap(),
            email: EmailAddress::parse("Anna@example.com").unwrap(),
        };
        let id = PersonId::from_bytes([1; 16]);
        let whole = (Locale::default(), Zone::default());
        let person = Person::new(id, &identity, whole, &keyring, Timestamp::default(), &mut rng);
        assert_eq!(person.open(&keyring), Some(identity));
        assert_eq!(person.open(&ring(2)), None);
        let moved = Person { id: PersonId::from_bytes([2; 16]), ..person.clone() };
        assert_eq!(moved.open(&keyring), None, "the sealed value belongs to one person");
        let shown = format!("{person:?} {:?}", person.open(&keyring));
        assert!(!shown.contains("Anna") && !shown.contains("example"), "{shown}");
    }

    #[test]
    fn names_are_printable_and_bounded() {
        for text in ["", " ", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
            assert!(PersonName::parse(text).is_none(), "{text:?}");
        }
        assert_eq!(PersonName::parse(" Anna ").unwrap().expose(), "Anna");
    }
}
