//! Names from outside. Mail programs turn every word that looks like an address into a link, so a name could
//! lead readers to its author's page under our letterhead.

use countersign_core::people::person::PersonName;

/// It joins nothing and shows nothing. Mail programs end an address at it.
const NOT_JOINED: char = '\u{200c}';

/// The name of a person, unless it looks like an address: no person is called so, and the mail or the
/// page says the same without it.
pub(crate) fn person(name: &PersonName) -> Option<String> {
    let name = name.expose();
    (!looks_like_address(name)).then(|| name.to_owned())
}

/// A name that may be right although it looks like an address: companies are called `Example.com`. It is shown as
/// it is, but no mail program takes it for a link.
pub(super) fn unlinked(name: &str) -> String {
    // The name of a tenant may hold signs that turn the direction of the text.
    let turns = |c: &char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let name = name.chars().filter(|c| !turns(c) && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}'));
    if !looks_like_address(&name.clone().collect::<String>()) {
        return name.collect();
    }
    let mut shown = String::with_capacity(2 * name.clone().count());
    for c in name {
        shown.push(c);
        if matches!(c, '.' | ':' | '/' | '@' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}') {
            shown.push(NOT_JOINED);
        }
    }
    shown
}

/// Whether a mail program may take a part of the text for an address: a scheme, an `@`, or a dot between two
/// letters or digits. Other alphabets have dots of their own.
fn looks_like_address(text: &str) -> bool {
    let signs: Vec<_> = text.chars().collect();
    let dotted = signs.windows(3).any(|three| {
        let dot = matches!(three[1], '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
        dot && three[0].is_alphanumeric() && three[2].is_alphanumeric()
    });
    dotted || text.contains("://") || text.contains('@') || text.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_not_called_like_an_address() {
        for name in ["http://evil.example", "evil.example", "anna@evil.example", "Visit evil。example", "a/b"]
        {
            assert_eq!(person(&PersonName::parse(name).unwrap()), None, "{name}");
        }
        for name in ["Anna Żak", "J. R. Nowak", "Dr. Nowak", "O’Neil-Żak"] {
            assert_eq!(person(&PersonName::parse(name).unwrap()).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_company_keeps_its_name_and_gets_no_link() {
        assert_eq!(unlinked("Zielony Koszyk"), "Zielony Koszyk");
        assert_eq!(unlinked("Example.com"), "Example.\u{200c}com");
        assert_eq!(unlinked("https://a.b"), "https:\u{200c}/\u{200c}/\u{200c}a.\u{200c}b");
        assert_eq!(unlinked("a\u{202e}b\r\nc"), "abc");
    }
}
