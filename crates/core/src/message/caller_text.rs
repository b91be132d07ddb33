//! The caller's own words around a code, as the compatible APIs accept them.

use crate::{
    code::Code,
    message::{sms::segments, template::Template},
    printable::is_printable,
    tenant::profile::Policy,
};
use std::fmt;

/// The words before and after the code. Debug shows none of them: they may contain a person's name.
#[derive(Clone, PartialEq, Eq)]
pub struct CallerText {
    before: String,
    after: String,
}

/// The reasons why a text cannot be a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallerTextError {
    /// The placeholder for the code is missing, or occurs more than once.
    #[error("must hold {0} exactly once")]
    NotOnce(&'static str),
    /// The text has more characters than this.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// The text contains a control character or an invisible one. A line may end only in `
    /// `.
    #[error("must not hold the control character {}", .0.escape_unicode())]
    Control(char),
    /// The message would have more parts than [`CallerText::MOST_PARTS`].
    #[error("must fit into {} SMS", CallerText::MOST_PARTS)]
    TooManyParts,
}

impl CallerText {
    /// The maximum number of SMS that one text may cost, with a code of ten characters.
    pub const MOST_PARTS: usize = 4;

    /// Reads a text of at most `max` characters, in which `placeholder` marks the place of the code.
    pub fn parse(text: &str, placeholder: &'static str, max: usize) -> Result<Self, CallerTextError> {
        // Browsers and multipart forms end a line in `\r
        // `.
        let text = text.trim().replace("\r\n", "\n");
        if text.chars().count() > max {
            return Err(CallerTextError::TooLong(max));
        }
        if let Some(control) = text.chars().find(|c| *c != '\n' && !is_printable(*c)) {
            return Err(CallerTextError::Control(control));
        }
        let once = text.split_once(placeholder).filter(|(_, after)| !after.contains(placeholder));
        let (before, after) = once.ok_or(CallerTextError::NotOnce(placeholder))?;
        let code = Code::of_test_mode(*Policy::CODE_LENGTH.end());
        if segments(&[before, code.expose(), after].concat()).parts > Self::MOST_PARTS {
            return Err(CallerTextError::TooManyParts);
        }
        Ok(Self { before: before.to_owned(), after: after.to_owned() })
    }

    pub(crate) fn from_record(before: String, after: String) -> Self {
        Self { before, after }
    }

    pub(crate) fn before(&self) -> &str {
        &self.before
    }

    pub(crate) fn after(&self) -> &str {
        &self.after
    }

    /// Makes a template of the text. A brace in the text stays a brace.
    pub(crate) fn template(&self) -> Template {
        Template::around_code(&self.before, &self.after)
    }
}

impl fmt::Debug for CallerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerText")
    }
}

#[cfg(test)]
mod tests {
    use super::{CallerTextError::*, *};

    fn parse(text: &str) -> Result<CallerText, CallerTextError> {
        CallerText::parse(text, "{{code}}", 500)
    }

    #[test]
    fn the_code_stands_in_one_place() {
        for (good, before, after) in [
            ("{{code}}", "", ""),
            (" {{code}} is your code\n", "", " is your code"),
            ("Line\n{code} [%code%] {{code}}!", "Line\n{code} [%code%] ", "!"),
        ] {
            let text = parse(good).unwrap();
            assert_eq!((text.before(), text.after()), (before, after));
        }
        for bad in ["", "no code", "{code}", "{{ code }}", "{{code}} {{code}}", "[%code%]"] {
            assert_eq!(parse(bad), Err(NotOnce("{{code}}")), "{bad}");
        }
        assert_eq!(parse("a\r\n{{code}}").unwrap().before(), "a\n");
        assert_eq!(parse("a\r{{code}}"), Err(Control('\r')));
        assert_eq!(parse("\u{202e}{{code}}"), Err(Control('\u{202e}')));
    }

    #[test]
    fn neither_characters_nor_parts_are_without_bound() {
        let long = |c: &str, n: usize| format!("{}{{{{code}}}}", c.repeat(n));
        assert_eq!(parse(&long("a", 493)), Err(TooLong(500)));
        assert!(parse(&long("a", 492)).is_ok(), "502 septets are four parts");
        // Four parts of 67 units each; the code takes ten units.
        assert!(parse(&long("ż", 258)).is_ok());
        assert_eq!(parse(&long("ż", 259)), Err(TooManyParts));
        assert_eq!(format!("{:?}", parse("secret {{code}}").unwrap()), "CallerText");
    }
}
