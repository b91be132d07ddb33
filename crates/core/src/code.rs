//! One-time codes. Every code is equally likely, and Debug never shows one.

pub mod payment;

use rand::CryptoRng;
use zeroize::Zeroizing;

/// The characters of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// `0` to `9`.
    Digits,
    /// Digits and capitals that people do not confuse. It leaves out 0 O, 1 I L, 2 Z, 5 S, 8 B, and the
    /// vowels, so that no words arise.
    Letters,
}

impl Alphabet {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Letters => "letters",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Digits, Self::Letters].into_iter().find(|a| a.as_str() == text)
    }

    pub const fn characters(self) -> &'static [u8] {
        match self {
            Self::Digits => b"0123456789",
            Self::Letters => b"34679CDFGHJKMNPQRTVWXY",
        }
    }
}

/// Length and alphabet of a code. The record stores them in clear text beside the MAC. A typed text that does
/// not fit cannot be the code, so it uses up no try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeShape {
    pub length: u8,
    pub alphabet: Alphabet,
}

/// A code. Debug never shows it, and its memory is wiped after use.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// Draws a code. Each code is equally likely: random bytes that would favour the first characters of the
    /// alphabet are drawn again.
    pub fn generate(shape: CodeShape, rng: &mut impl CryptoRng) -> Self {
        let alphabet = shape.alphabet.characters();
        let fair = 256 - 256 % alphabet.len();
        let mut code = Zeroizing::new(String::with_capacity(shape.length.into()));
        while code.len() < shape.length.into() {
            let mut draw = [0];
            rng.fill_bytes(&mut draw);
            let draw = usize::from(draw[0]);
            if draw < fair {
                code.push(char::from(alphabet[draw % alphabet.len()]));
            }
        }
        Self(code)
    }

    /// The code of test mode: the first `length` digits of 1234567890.
    pub fn of_test_mode(length: u8) -> Self {
        let digits = &"1234567890"[..usize::from(length.min(10))];
        Self(Zeroizing::new(digits.to_owned()))
    }

    /// Reads what a person typed: removes spaces and hyphens, and makes letters capitals. Returns `None` if
    /// no code could look like the text.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 64 {
            return None;
        }
        let kept = text.chars().filter(|c| !matches!(c, ' ' | '-' | '\u{a0}'));
        let code = Zeroizing::new(kept.map(|c| c.to_ascii_uppercase()).collect::<String>());
        let plain = code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        (plain && (4..=10).contains(&code.len())).then_some(Self(code))
    }

    /// Takes the place of a text that cannot be a code: it fits no [`CodeShape`]. A check of it gets the
    /// answer of any code that does not fit, and uses up no try.
    pub fn impossible() -> Self {
        Self(Zeroizing::new(String::new()))
    }

    /// Wraps a code from a sealed record.
    pub(crate) fn from_record(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// Returns whether length and alphabet allow this code.
    pub fn fits(&self, shape: CodeShape) -> bool {
        let alphabet = shape.alphabet.characters();
        self.0.len() == usize::from(shape.length) && self.0.bytes().all(|b| alphabet.contains(&b))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn shape(length: u8, alphabet: Alphabet) -> CodeShape {
        CodeShape { length, alphabet }
    }

    /// Pearson's chi-square over every position and character. The seed is fixed, so the test cannot fail by
    /// chance. The bound is the 99.9 % quantile by Wilson and Hilferty's approximation.
    #[test]
    fn each_character_is_equally_likely() {
        for alphabet in [Alphabet::Digits, Alphabet::Letters] {
            let mut rng = StdRng::seed_from_u64(20_260_101);
            let characters = alphabet.characters();
            let mut seen = vec![0u32; 256];
            let draws = 100_000;
            for _ in 0..draws / 10 {
                for byte in Code::generate(shape(10, alphabet), &mut rng).expose().bytes() {
                    seen[usize::from(byte)] += 1;
                }
            }
            let expected = f64::from(draws) / characters.len() as f64;
            let square = |c: &u8| (f64::from(seen[usize::from(*c)]) - expected).powi(2) / expected;
            let chi_square: f64 = characters.iter().map(square).sum();
            let freedom = (characters.len() - 1) as f64;
            let spread = 2.0 / (9.0 * freedom);
            let bound = freedom * (1.0 - spread + 3.09 * spread.sqrt()).powi(3);
            assert!(chi_square < bound, "{alphabet:?}: {chi_square} >= {bound}");
            assert_eq!(seen.iter().sum::<u32>(), draws as u32, "a character outside the alphabet");
        }
    }

    #[test]
    fn typed_codes_are_read_kindly() {
        for typed in ["123456", "123 456", "123-456", " 1 2-3456", "123\u{a0}456"] {
            assert_eq!(Code::parse(typed).unwrap().expose(), "123456");
        }
        assert_eq!(Code::parse("cdf-gh3").unwrap().expose(), "CDFGH3");
        for typed in ["", "123", "12345678901", "12345é", "12_456", "１２３４５６"] {
            assert!(Code::parse(typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn shape_decides_what_may_be_evaluated() {
        let code = Code::parse("123456").unwrap();
        assert!(code.fits(shape(6, Alphabet::Digits)));
        assert!(!code.fits(shape(5, Alphabet::Digits)));
        assert!(!code.fits(shape(6, Alphabet::Letters)), "1, 2 and 5 are not among the letters");
        for length in 1..=u8::MAX {
            assert!(!Code::impossible().fits(shape(length, Alphabet::Digits)), "{length}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Code::parse("123456").unwrap()), "Code");
    }
}
