//! The languages of the pages, and the choice between them.

use unic_langid::LanguageIdentifier;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Polish,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Polish];

    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Polish => "pl",
        }
    }

    /// The name of the language in the language itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Polish => "Polski",
        }
    }

    /// The texts of the pages, those of the mails, and the names of the countries.
    pub(crate) const fn files(self) -> [&'static str; 3] {
        match self {
            Self::English => [
                include_str!("../../locales/en.ftl"),
                include_str!("../../locales/mail-en.ftl"),
                include_str!("../../locales/countries-en.ftl"),
            ],
            Self::Polish => [
                include_str!("../../locales/pl.ftl"),
                include_str!("../../locales/mail-pl.ftl"),
                include_str!("../../locales/countries-pl.ftl"),
            ],
        }
    }

    pub(super) fn identifier(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }

    /// The language of a tag such as `pl` or `pl-PL`.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The language of `Accept-Language` that the browser likes best.
    pub fn accepted(header: &str) -> Option<Self> {
        let weighed = header.split(',').filter_map(|range| {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(weight) => weight.parse::<f32>().ok()?,
                None => 1.0,
            };
            (weight > 0.0).then_some((Self::of_tag(tag.trim())?, weight))
        });
        // The first of equals wins.
        let best = weighed.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_favourite_is_taken() {
        for (header, language) in [
            ("pl", Some(Language::Polish)),
            ("pl-PL,pl;q=0.9,en;q=0.8", Some(Language::Polish)),
            ("de, en;q=0.5, pl;q=0.7", Some(Language::Polish)),
            ("en-GB, pl", Some(Language::English)),
            ("pl;q=0, en;q=0.1", Some(Language::English)),
            ("de, fr", None),
            ("pl;q=x", None),
            ("", None),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }
}
