//! Passwords of persons: the rule for new ones, and their hashes.

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::{ParamsString, PasswordHash},
};
use rand::CryptoRng;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;
use zxcvbn::{Score, feedback::Feedback, zxcvbn};

/// The shortest and the longest password, in characters.
pub const SHORTEST: usize = 8;
pub const LONGEST: usize = 256;
/// How many former passwords of a person cannot be chosen again.
pub const REMEMBERED: usize = 10;
/// The least score of zxcvbn, of 0 to 4: at least 10^6 guesses.
const LEAST_SCORE: Score = Score::Two;
/// zxcvbn judges so many characters of a password. Its work grows fast with the length, and a password is no weaker
/// than its beginning.
const JUDGED: usize = 24;
/// A part of a name or an address that is shorter than this may occur in a password by chance.
const SHORTEST_PART: usize = 4;

/// A password as a person types it. Its Debug does not show it. The default is the empty one, which nobody has.
#[derive(Clone, Default)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Reads what a person typed. Two keyboards may type one character as different code points, so a password
    /// is compared in Unicode's form NFC (NIST SP 800-63B, 3.1.1.2). Returns `None` if it is longer than
    /// [`LONGEST`]: the work of a hash is bounded.
    pub fn read(typed: &str) -> Option<Self> {
        // Four bytes are the most of one character; a longer text is not even counted.
        if typed.len() > 4 * LONGEST || typed.chars().count() > LONGEST {
            return None;
        }
        let mut normal = Zeroizing::new(String::with_capacity(3 * typed.len()));
        normal.extend(typed.nfc());
        Some(Self(normal))
    }

    /// Judges a new password of a person. `known` are texts that an attacker knows: the person's address and
    /// name, and the names of its tenants. Returns all that is wrong.
    pub fn judge(&self, known: &[&str]) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        if self.0.chars().count() < SHORTEST {
            faults.push(Fault::Short);
        }
        if !self.0.chars().any(char::is_uppercase) {
            faults.push(Fault::NoCapital);
        }
        if !self.0.chars().any(char::is_numeric) {
            faults.push(Fault::NoDigit);
        }
        if self.contains_one_of(known) {
            faults.push(Fault::Known);
        } else if faults.is_empty() {
            let beginning: Zeroizing<String> = Zeroizing::new(self.0.chars().take(JUDGED).collect());
            let entropy = zxcvbn(&beginning, known);
            if entropy.score() < LEAST_SCORE {
                faults.push(Fault::Guessable(entropy.feedback().cloned()));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Returns whether nearly all of the password consists of what an attacker knows: without the known parts, less
    /// than four characters are left.
    fn contains_one_of(&self, known: &[&str]) -> bool {
        let mut left = Zeroizing::new(self.0.to_lowercase());
        let whole = left.len();
        let known: Vec<_> = known.iter().map(|text| text.to_lowercase()).collect();
        let words = known.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        let long = |part: &&str| part.chars().count() >= SHORTEST_PART;
        let mut parts: Vec<_> = known.iter().map(String::as_str).chain(words).filter(long).collect();
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        for part in parts {
            left = Zeroizing::new(left.replace(part, ""));
        }
        left.len() < whole && left.chars().count() < SHORTEST_PART
    }

    /// Hashes the password with the present figures. This takes some ten milliseconds of a processor.
    pub fn hash(&self, rng: &mut impl CryptoRng) -> PasswordText {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let made = hasher().hash_password_with_salt(self.0.as_bytes(), &salt);
        // The figures, the salt and the length are within the algorithm's bounds, so no input is refused.
        PasswordText(made.map(|hash| hash.to_string()).unwrap_or_default())
    }

    /// Compares the password with a stored hash, by the hash's own figures. This takes as long as
    /// [`Self::hash`]. A stored text that is no hash matches nothing.
    pub fn verify(&self, stored: &PasswordText) -> Verified {
        let Ok(hash) = PasswordHash::new(&stored.0) else { return Verified::No };
        match hasher().verify_password(self.0.as_bytes(), &hash) {
            Err(_) => Verified::No,
            Ok(()) if is_present(&hash) => Verified::Yes,
            Ok(()) => Verified::ByFormerFigures,
        }
    }

    /// Hashes the password like [`Self::verify`] does, and forgets the result. The server calls this for an
    /// address that nobody has, so that the answer comes after the same time.
    pub fn verify_nothing(&self) {
        let mut out = Zeroizing::new([0; Params::DEFAULT_OUTPUT_LEN]);
        let _ = hasher().hash_password_into(self.0.as_bytes(), &[0; 16], out.as_mut());
        std::hint::black_box(&out);
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

/// What is wrong with a new password.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    Short,
    NoCapital,
    NoDigit,
    /// It is little more than the person's address, its name, or the name of a tenant.
    Known,
    /// It is common, known from breaches, or a simple pattern. zxcvbn may have advice.
    Guessable(Option<Feedback>),
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verified {
    Yes,
    /// The password is right. Its hash was made with other figures and should be replaced.
    ByFormerFigures,
    No,
}

/// The stored form of a hash: a PHC string such as `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. Its Debug does
/// not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordText(String);

impl PasswordText {
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordText")
    }
}

/// argon2id with the first figures that OWASP recommends: 19 MiB, two passes, one lane. They are the crate's
/// defaults; a test compares them.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// Returns whether a hash was made with the present figures.
fn is_present(hash: &PasswordHash) -> bool {
    let figures = ParamsString::try_from(&Params::default());
    hash.algorithm == Algorithm::Argon2id.ident()
        && hash.version == Some(Version::V0x13.into())
        && figures.is_ok_and(|figures| figures == hash.params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn password(text: &str) -> Password {
        Password::read(text).unwrap()
    }

    fn faults(text: &str, known: &[&str]) -> Vec<Fault> {
        password(text).judge(known).err().unwrap_or_default()
    }

    /// Characters that zxcvbn tries in many meanings, without an end.
    #[test]
    fn the_work_of_judging_is_bounded() {
        let typed = format!("A1{}", "4@8({[<369|1!0$57+%2".repeat(20));
        let typed: String = typed.chars().take(LONGEST).collect();
        let began = std::time::Instant::now();
        let _ = password(&typed).judge(&["anna@example.com", "Anna Nowak"]);
        // A hundred milliseconds in a slow build; without the bound it is ten seconds in a fast one.
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    }

    #[test]
    fn the_rule_names_each_fault() {
        assert_eq!(faults("aB3", &[]), [Fault::Short]);
        assert_eq!(faults("x", &[]), [Fault::Short, Fault::NoCapital, Fault::NoDigit]);
        assert_eq!(faults("correct horse battery 7", &[]), [Fault::NoCapital]);
        assert_eq!(faults("Correct horse battery", &[]), [Fault::NoDigit]);
        assert_eq!(faults("Correct horse battery 7", &[]), []);
        // Capital letters and digits of any alphabet count.
        assert_eq!(faults("żółw Łódź kolęda ٣", &[]), []);
    }

    #[test]
    fn common_passwords_and_patterns_are_refused_with_advice() {
        for text in ["Password1", "Qwerty123456", "Aaaaaaaa1", "Abc12345678", "P@ssw0rd1", "Iloveyou1"] {
            match faults(text, &[]).as_slice() {
                [Fault::Guessable(Some(_))] => {}
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_an_attacker_knows_is_no_password() {
        let known = ["marta.wisniewska@zielonykoszyk.example", "Marta Wiśniewska", "Zielony Koszyk"];
        for text in [
            "Wisniewska1",
            "1Zielonykoszyk",
            "Marta.Wisniewska1",
            "MartaWiśniewska1",
            "Marta.Wisniewska@zielonykoszyk.example1",
            "Wiśniewska.7",
        ] {
            assert_eq!(faults(text, &known), [Fault::Known], "{text}");
        }
        assert_eq!(faults("Wisniewska eats 7 green apples", &known), []);
        // Short parts, such as the top-level domain, are in many words.
        assert_eq!(faults("Platypus 42 umbrella", &["a@b.pl", "Li Na"]), []);
    }

    #[test]
    fn length_is_bounded_in_characters() {
        assert!(Password::read(&"ż".repeat(LONGEST)).is_some());
        assert!(Password::read(&"a".repeat(LONGEST + 1)).is_none());
        assert!(Password::read(&"🙂".repeat(LONGEST)).is_some());
        // U+FDFA has 18 code points in NFKC; NFC keeps it.
        assert_eq!(password("\u{fdfa}").0.chars().count(), 1);
    }

    #[test]
    fn a_hash_is_a_phc_string_with_owasps_figures() {
        let mut rng = StdRng::seed_from_u64(1);
        let (one, other) =
            (password("Correct horse 7").hash(&mut rng), password("Correct horse 7").hash(&mut rng));
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert_ne!(one, other, "each has a salt of its own");
        assert_eq!(password("Correct horse 7").verify(&one), Verified::Yes);
        assert_eq!(password("Correct horse 8").verify(&one), Verified::No);
        assert_eq!(password("Correct horse 7").verify(&PasswordText::stored("x".into())), Verified::No);
        assert!(!format!("{one:?} {:?}", password("Correct horse 7")).contains('7'));
    }

    #[test]
    fn one_character_typed_as_two_code_points_is_the_same() {
        let hash = password("Z\u{307}o\u{301}łw 12345").hash(&mut StdRng::seed_from_u64(2));
        assert_eq!(password("Żółw 12345").verify(&hash), Verified::Yes);
    }

    #[test]
    fn a_hash_by_former_figures_matches_and_asks_to_be_replaced() {
        let older = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
        let hash = older.hash_password_with_salt(b"Correct horse 7", &[1; 16]).unwrap();
        let stored = PasswordText::stored(hash.to_string());
        assert_eq!(password("Correct horse 7").verify(&stored), Verified::ByFormerFigures);
        assert_eq!(password("Correct horse 8").verify(&stored), Verified::No);
        // argon2i is no hash of ours, whatever its figures.
        let other = Argon2::new(Algorithm::Argon2i, Version::V0x13, Params::default());
        let hash = other.hash_password_with_salt(b"Correct horse 7", &[1; 16]).unwrap();
        let stored = PasswordText::stored(hash.to_string());
        assert_eq!(password("Correct horse 7").verify(&stored), Verified::ByFormerFigures);
    }
}
