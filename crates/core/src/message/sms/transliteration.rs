//! Replaces letters that people can read without their marks. The text then fits the GSM alphabet and costs
//! less than half.

use crate::message::sms::{Encoding, alphabet};
use zeroize::Zeroizing;

/// Characters outside the alphabet, and the replacement of each.
const REPLACED: &[(&str, &str)] = &[
    ("áâãāăąǎạảấầẩẫậắằẳẵặ", "a"),
    ("ÀÁÂÃĀĂĄǍẠẢẤẦẨẪẬẮẰẲẴẶ", "A"),
    ("çćĉċč", "c"),
    ("ĆĈĊČ", "C"),
    ("ďđð", "d"),
    ("ĎĐÐ", "D"),
    ("êëēĕėęěẹẻẽếềểễệ", "e"),
    ("ÈÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ", "E"),
    ("ĝğġģ", "g"),
    ("ĜĞĠĢ", "G"),
    ("ĥħ", "h"),
    ("ĤĦ", "H"),
    ("íîïĩīĭįıỉị", "i"),
    ("ÌÍÎÏĨĪĬĮİỈỊ", "I"),
    ("ĵ", "j"),
    ("Ĵ", "J"),
    ("ķ", "k"),
    ("Ķ", "K"),
    ("ĺļľŀł", "l"),
    ("ĹĻĽĿŁ", "L"),
    ("ńņňŉ", "n"),
    ("ŃŅŇ", "N"),
    ("óôõōŏőơọỏốồổỗộớờởỡợ", "o"),
    ("ÒÓÔÕŌŎŐƠỌỎỐỒỔỖỘỚỜỞỠỢ", "O"),
    ("ŕŗř", "r"),
    ("ŔŖŘ", "R"),
    ("śŝşšș", "s"),
    ("ŚŜŞŠȘ", "S"),
    ("ţťŧț", "t"),
    ("ŢŤŦȚ", "T"),
    ("úûũūŭůűųưụủứừửữự", "u"),
    ("ÙÚÛŨŪŬŮŰŲƯỤỦỨỪỬỮỰ", "U"),
    ("ŵ", "w"),
    ("Ŵ", "W"),
    ("ýÿŷỳỵỷỹ", "y"),
    ("ÝŸŶỲỴỶỸ", "Y"),
    ("źżž", "z"),
    ("ŹŻŽ", "Z"),
    ("þ", "th"),
    ("Þ", "Th"),
    ("œ", "oe"),
    ("Œ", "OE"),
    ("ẞ", "SS"),
    ("‘’‚‛ʼ′`´", "'"),
    ("“”„‟«»″", "\""),
    ("‹", "<"),
    ("›", ">"),
    ("‐‑‒–—―−", "-"),
    ("…", "..."),
    ("•", "*"),
    ("·", "."),
    ("×", "x"),
    ("№", "No"),
    ("\t\u{a0}\u{2002}\u{2003}\u{2007}\u{2009}\u{200a}\u{202f}\u{3000}", " "),
    ("\u{ad}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}", ""),
];

/// The transliteration of Cyrillic: the table for Ukrainian passports (Cabinet of Ministers, 55/2010), and
/// ICAO 9303 for letters that Ukrainian lacks. Each row is a letter, its replacement, and its replacement at
/// the beginning of a word.
const CYRILLIC: &[(char, &str, &str)] = &[
    ('а', "a", "a"),
    ('б', "b", "b"),
    ('в', "v", "v"),
    ('г', "h", "h"),
    ('ґ', "g", "g"),
    ('д', "d", "d"),
    ('е', "e", "e"),
    ('є', "ie", "ye"),
    ('ж', "zh", "zh"),
    ('з', "z", "z"),
    ('и', "y", "y"),
    ('і', "i", "i"),
    ('ї', "i", "yi"),
    ('й', "i", "y"),
    ('к', "k", "k"),
    ('л', "l", "l"),
    ('м', "m", "m"),
    ('н', "n", "n"),
    ('о', "o", "o"),
    ('п', "p", "p"),
    ('р', "r", "r"),
    ('с', "s", "s"),
    ('т', "t", "t"),
    ('у', "u", "u"),
    ('ф', "f", "f"),
    ('х', "kh", "kh"),
    ('ц', "ts", "ts"),
    ('ч', "ch", "ch"),
    ('ш', "sh", "sh"),
    ('щ', "shch", "shch"),
    ('ь', "", ""),
    ('ю', "iu", "yu"),
    ('я', "ia", "ya"),
    ('ё', "e", "e"),
    ('ў', "u", "u"),
    ('ъ', "ie", "ie"),
    ('ы', "y", "y"),
    ('э', "e", "e"),
];

/// Returns the text in the GSM alphabet if every character has a replacement. Otherwise returns the text
/// unchanged: one remaining character makes the whole message UCS-2, and the other letters would lose their
/// marks for nothing.
pub fn transliterate(text: &str) -> Zeroizing<String> {
    // The text may contain a code. Reserve the full size: a text that grows leaves copies in memory.
    let mut characters = Zeroizing::new(Vec::with_capacity(text.len()));
    characters.extend(text.chars());
    let mut written = Zeroizing::new(String::with_capacity(3 * text.len()));
    for at in 0..characters.len() {
        write(&characters, at, &mut written);
    }
    if Encoding::of(&written) == Encoding::Gsm7 { written } else { Zeroizing::new(text.to_owned()) }
}

fn write(characters: &[char], at: usize, written: &mut String) {
    let character = characters[at];
    let neighbours = (at.checked_sub(1).map(|before| characters[before]), characters.get(at + 1).copied());
    if let (Some(before), Some(after)) = neighbours
        && is_apostrophe(character)
        && cyrillic(before).is_some()
        && cyrillic(after).is_some()
    {
        return;
    }
    if alphabet::contains(character) || is_mark(character) {
        if !is_mark(character) {
            written.push(character);
        }
    } else if let Some((_, inside, first)) = cyrillic(character) {
        let replacement = match neighbours.0 {
            Some('з' | 'З') if matches!(character, 'г' | 'Г') => "gh",
            _ if begins_word(characters, at) => first,
            _ => inside,
        };
        written.push_str(&in_case(replacement, characters, at));
    } else if let Some((_, replacement)) = REPLACED.iter().find(|(all, _)| all.contains(character)) {
        written.push_str(replacement);
    } else {
        written.push(character);
    }
}

fn cyrillic(character: char) -> Option<&'static (char, &'static str, &'static str)> {
    let small = character.to_lowercase().next().unwrap_or(character);
    CYRILLIC.iter().find(|(letter, ..)| *letter == small)
}

/// Ukrainian writes these before є, ї, ю and я; passports leave them out.
fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '’' | 'ʼ')
}

/// Combining marks. The letter before the mark is kept and the mark is dropped.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

fn begins_word(characters: &[char], at: usize) -> bool {
    let before = characters[..at].iter().rev().find(|c| !is_apostrophe(**c));
    before.is_none_or(|before| !before.is_alphabetic())
}

/// `Щ` becomes `Shch` before a small letter, and `SHCH` among capitals.
fn in_case(replacement: &str, characters: &[char], at: usize) -> String {
    if !characters[at].is_uppercase() {
        return replacement.to_owned();
    }
    let neighbour = characters.get(at + 1).filter(|c| c.is_alphabetic());
    let neighbour = neighbour.or_else(|| at.checked_sub(1).map(|before| &characters[before]));
    if neighbour.is_some_and(|c| c.is_uppercase()) {
        return replacement.to_uppercase();
    }
    let mut letters = replacement.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
