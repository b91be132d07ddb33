//! Which characters a value may put into a message.

/// Returns whether a character is visible, stays on its line and leaves other characters in their order. It
/// refuses four kinds: controls; line and paragraph separators; characters that turn the direction of text
/// (they would show an amount backwards); and characters that show nothing (a payee could consist of them
/// alone).
pub(crate) fn is_printable(character: char) -> bool {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // The rest of general category Cf, and the characters that Unicode lets a font ignore.
    let unseen = matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
            | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    !(character.is_control() || turns || unseen || matches!(character, '\u{2028}' | '\u{2029}'))
}
