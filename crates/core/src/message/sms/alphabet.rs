//! The GSM 7 bit default alphabet and its extension table, 3GPP TS 23.038, 6.2.1.

/// The escape septet: the next septet is of the extension table.
const ESCAPE: u8 = 0x1b;

/// The default alphabet in the order of its septets. The position of the escape contains U+FFFF, which is not
/// a character.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', // 0x00
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{ffff}', 'Æ', 'æ', 'ß', 'É', // 0x10
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', // 0x20
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', // 0x30
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', // 0x40
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', // 0x50
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', // 0x60
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', // 0x70
];

/// The extension table. Each of these characters is written as the escape and its own septet, so it takes
/// two.
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

/// The septet of a character in the default alphabet.
fn default_septet(character: char) -> Option<u8> {
    match character {
        // Letters and digits have the same value as in ASCII, and most texts consist of them.
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => u8::try_from(character).ok(),
        '\u{ffff}' => None,
        _ => DEFAULT.iter().position(|known| *known == character).and_then(|at| u8::try_from(at).ok()),
    }
}

fn extension_septet(character: char) -> Option<u8> {
    EXTENSION.iter().find(|(known, _)| *known == character).map(|(_, septet)| *septet)
}

pub(super) fn is_extension(character: char) -> bool {
    extension_septet(character).is_some()
}

/// Returns whether one of the two tables has the character.
pub(super) fn contains(character: char) -> bool {
    default_septet(character).is_some() || is_extension(character)
}

/// One septet, or the escape and one. Yields nothing for a character that is in neither table.
pub(super) fn septets(character: char) -> impl Iterator<Item = u8> {
    let extension = extension_septet(character);
    let septet = extension.or_else(|| default_septet(character));
    extension.map(|_| ESCAPE).into_iter().chain(septet)
}

/// The characters of septets, one septet in each octet. A septet that is in neither table becomes U+FFFD.
pub(super) fn characters(octets: &[u8]) -> impl Iterator<Item = char> {
    let mut octets = octets.iter();
    std::iter::from_fn(move || {
        let septet = *octets.next()?;
        if septet != ESCAPE {
            return Some(DEFAULT.get(usize::from(septet)).copied().unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let septet = octets.next()?;
        let known = EXTENSION.iter().find(|(_, known)| known == septet);
        Some(known.map_or(char::REPLACEMENT_CHARACTER, |(character, _)| *character))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_stands_once() {
        for (septet, character) in DEFAULT.into_iter().enumerate() {
            let found = default_septet(character).map(usize::from);
            assert_eq!(found, (septet != usize::from(ESCAPE)).then_some(septet), "{character:?}");
            assert!(!is_extension(character), "{character:?}");
        }
        for (character, septet) in EXTENSION {
            assert_eq!(septets(character).collect::<Vec<_>>(), [ESCAPE, septet], "{character:?}");
        }
        let all: Vec<char> = DEFAULT.into_iter().chain(EXTENSION.map(|(known, _)| known)).collect();
        let octets: Vec<u8> = all.iter().flat_map(|known| septets(*known)).collect();
        let known: Vec<char> = all.into_iter().filter(|known| *known != '\u{ffff}').collect();
        assert_eq!(characters(&octets).collect::<Vec<_>>(), known);
        assert_eq!(characters(b"a\x1b\x01\x80\x1b").collect::<String>(), "a\u{fffd}\u{fffd}");
        assert!(!contains('\u{ffff}') && !contains('`') && !contains('ç') && !contains('\t'));
    }
}
