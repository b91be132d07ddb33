//! Which characters a value may bring into a message.

/// Whether a character stands on its line and leaves the others in their
/// places. Besides controls, line and paragraph separators are none, nor what
/// turns the direction of text: it would show an amount backwards.
pub(crate) fn is_printable(character: char) -> bool {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !(character.is_control() || turns || matches!(character, '\u{2028}' | '\u{2029}'))
}
