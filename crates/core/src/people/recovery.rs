//! Recovery codes: a person who lost the phone signs in with one of them in place of the code by SMS.

use crate::{
    id::{PersonId, decode_base32, encode_base32},
    keyring::KeyRing,
    tenant::OPERATOR,
};
use rand::CryptoRng;
use zeroize::Zeroizing;

/// The number of codes of a person.
pub const CODES: usize = 10;
/// Characters of a code: 12 base32 digits are 60 bits.
const DIGITS: usize = 12;
const GROUP: usize = 4;

/// A recovery code. Its Debug does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<u64>);

/// The keyed hash of a person's code, which the store finds and deletes. It is made with the key that never
/// rotates, because a person keeps the codes for years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryMark(pub [u8; 16]);

impl RecoveryCode {
    /// Draws the codes of a person.
    pub fn generate(rng: &mut impl CryptoRng) -> [Self; CODES] {
        std::array::from_fn(|_| {
            let mut bytes = [0; 8];
            rng.fill_bytes(&mut bytes);
            Self(Zeroizing::new(u64::from_be_bytes(bytes) >> (64 - 5 * DIGITS)))
        })
    }

    /// Reads a code as a person types it from paper: in upper or lower case, with or without the hyphens, with
    /// the letters O, I and L in the place of the digits that they look like.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > 64 {
            return None;
        }
        let mut digits = Zeroizing::new(String::with_capacity(DIGITS));
        for typed in typed.chars().filter(|c| *c != '-' && !c.is_whitespace()) {
            digits.push(match typed.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            });
        }
        let value = decode_base32(&digits).filter(|_| digits.len() == DIGITS)?;
        Some(Self(Zeroizing::new(u64::try_from(value).ok()?)))
    }

    /// The text form: `xxxx-xxxx-xxxx`. The server shows it once.
    pub fn expose(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(encode_base32((*self.0).into(), DIGITS));
        let mut text = Zeroizing::new(String::with_capacity(DIGITS + DIGITS / GROUP - 1));
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }

    pub fn mark(&self, person: PersonId, keyring: &KeyRing) -> RecoveryMark {
        RecoveryMark(keyring.hash("recovery", OPERATOR, &[person.bytes(), &self.0.to_be_bytes()]))
    }
}

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::VersionedKey;
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        for code in RecoveryCode::generate(&mut StdRng::seed_from_u64(1)) {
            let text = code.expose();
            let [a, b, c] = text.split('-').collect::<Vec<_>>().try_into().unwrap();
            assert!([a, b, c].iter().all(|group| group.len() == GROUP), "{}", *text);
            let spelled = text.replace('0', "O").replace('1', "l");
            for typed in [&*text, &text.to_uppercase(), &format!(" {a}{b} {c}\n"), &spelled] {
                assert_eq!(RecoveryCode::parse(typed), Some(code.clone()), "{typed}");
            }
            assert!(!format!("{code:?}").contains(a));
        }
        for typed in
            ["", "0000-0000-000", "0000-0000-00000", "0000-0000-000u", "0000-0000-000ż", &"0".repeat(99)]
        {
            assert_eq!(RecoveryCode::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn codes_are_drawn_from_all_60_bits_and_marks_belong_to_a_person_and_a_key_ring() {
        let mut rng = StdRng::seed_from_u64(2);
        let all = (0..100).flat_map(|_| RecoveryCode::generate(&mut rng));
        let (ones, zeros) = all.fold((0, !0), |(ones, zeros), code| (ones | *code.0, zeros & *code.0));
        assert_eq!((ones, zeros), ((1 << 60) - 1, 0));
        let ring = |byte| {
            let key = || vec![VersionedKey { version: 1, key: [byte; 32] }];
            KeyRing::new([byte; 32], key(), key()).unwrap()
        };
        let person = |byte| PersonId::from_bytes([byte; 16]);
        let [one, other, ..] = RecoveryCode::generate(&mut rng);
        let mark = one.mark(person(1), &ring(1));
        assert_eq!(mark, one.mark(person(1), &ring(1)));
        for differs in
            [other.mark(person(1), &ring(1)), one.mark(person(2), &ring(1)), one.mark(person(1), &ring(2))]
        {
            assert_ne!(mark, differs);
        }
    }
}
