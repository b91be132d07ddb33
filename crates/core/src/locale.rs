//! The language of a message.

use std::fmt;

/// A language tag, in the part of BCP 47 that messages need: a language, an optional script, an optional
/// region. One locale has one spelling: `pt-BR`, `zh-Hant-TW`, `es-419`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale(String);

impl Locale {
    /// The last fallback: the shipped texts always have this language.
    pub const ENGLISH: &'static str = "en";

    /// Reads a tag in upper or lower case. Returns `None` unless it is a language of two or three letters
    /// with an optional script and region. Variants and extensions are refused.
    pub fn parse(text: &str) -> Option<Self> {
        let letters = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let mut parts = text.split('-').peekable();
        let language = parts.next().filter(|part| matches!(part.len(), 2 | 3)).filter(letters)?;
        let mut tag = language.to_ascii_lowercase();
        if let Some(script) = parts.next_if(|part| part.len() == 4 && letters(part)) {
            let (first, rest) = script.split_at(1);
            tag = format!("{tag}-{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase());
        }
        let number = |part: &&str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(region) = parts.next_if(|part| part.len() == 2 && letters(part) || number(part)) {
            tag = format!("{tag}-{}", region.to_ascii_uppercase());
        }
        parts.next().is_none().then_some(Self(tag))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The locale without its last part; `None` if the tag is only a language.
    fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('-').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// This locale, then its more general forms: `pt-BR`, `pt`.
    fn with_parents(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }
}

impl Default for Locale {
    fn default() -> Self {
        Self(Self::ENGLISH.to_owned())
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The locales in which to look for a text, best first: the requested one and its parents, the tenant's and
/// its parents, English.
pub fn fallbacks(asked: Option<&Locale>, tenant: Option<&Locale>) -> Vec<Locale> {
    let own = asked.into_iter().chain(tenant).flat_map(Locale::with_parents);
    let mut found = Vec::new();
    for locale in own.chain([Locale::default()]) {
        if !found.contains(&locale) {
            found.push(locale);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_locale_has_one_spelling() {
        for (text, tag) in [
            ("en", "en"),
            ("PL", "pl"),
            ("pt-br", "pt-BR"),
            ("Es-419", "es-419"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("SR-LATN", "sr-Latn"),
            ("fil-PH", "fil-PH"),
        ] {
            assert_eq!(Locale::parse(text).unwrap().as_str(), tag, "{text}");
        }
    }

    #[test]
    fn what_is_no_locale_is_refused() {
        for text in [
            "",
            "e",
            "engl",
            "en-",
            "-en",
            "en_US",
            "e1",
            "en-US-US",
            "en-USA",
            "en-41",
            "de-CH-1996",
            "en-u-ca-x",
            "ół",
            "en-Ła",
            "en US",
        ] {
            assert!(Locale::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_text_is_looked_for_from_near_to_far() {
        let locale = |text: &str| Locale::parse(text).unwrap();
        let order = |asked: Option<&str>, tenant: Option<&str>| {
            let (asked, tenant) = (asked.map(locale), tenant.map(locale));
            fallbacks(asked.as_ref(), tenant.as_ref()).iter().map(Locale::to_string).collect::<Vec<_>>()
        };
        assert_eq!(order(Some("pt-BR"), Some("de")), ["pt-BR", "pt", "de", "en"]);
        assert_eq!(order(Some("zh-Hant-TW"), None), ["zh-Hant-TW", "zh-Hant", "zh", "en"]);
        assert_eq!(order(None, Some("en-GB")), ["en-GB", "en"]);
        assert_eq!(order(Some("pl"), Some("pl")), ["pl", "en"]);
        assert_eq!(order(None, None), ["en"]);
    }
}
