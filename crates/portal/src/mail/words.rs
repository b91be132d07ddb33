//! The texts of mails, from Fluent files that are part of the binary.

use countersign_core::{locale::Locale, phone::Country};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

pub(super) type Value<'a> = FluentValue<'a>;

type Bundle = FluentBundle<FluentResource>;

pub(super) const FILES: [(&str, &str); 2] =
    [("en", include_str!("../../locales/mail-en.ftl")), ("pl", include_str!("../../locales/mail-pl.ftl"))];

pub(super) const COUNTRIES: [&str; 2] =
    [include_str!("../../locales/countries-en.ftl"), include_str!("../../locales/countries-pl.ftl")];

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(FILES[0], COUNTRIES[0]));
static POLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(FILES[1], COUNTRIES[1]));

/// A file with a mistake loses the texts that contain it; the tests refuse such a file.
fn bundle((tag, file): (&str, &str), countries: &str) -> Bundle {
    let language: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Mail programs show the marks as boxes, and no text here runs from right to left.
    bundle.set_use_isolating(false);
    for file in [file, countries] {
        let (Ok(resource) | Err((resource, _))) = FluentResource::try_new(file.to_owned());
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// The texts of one language.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub tag: &'static str,
    bundle: &'static Bundle,
}

impl Words {
    /// English for a language that has no texts.
    pub fn of(language: &Locale) -> Self {
        match language.as_str().split('-').next() {
            Some("pl") => Self { tag: "pl", bundle: &POLISH },
            _ => Self { tag: "en", bundle: &ENGLISH },
        }
    }

    pub fn get(self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The name of a country; its two letters for one that is newer than our list.
    pub fn country(self, country: Country) -> String {
        let key = format!("country-{}", country.as_str());
        if self.bundle.has_message(&key) { self.get(&key) } else { country.as_str().to_owned() }
    }

    /// A key without a text shows itself; the tests find it.
    pub fn with(self, key: &str, values: &[(&'static str, Value<'_>)]) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let values = FluentArgs::from_iter(values.iter().map(|(name, value)| (*name, value.clone())));
        self.bundle.format_pattern(pattern, Some(&values), &mut Vec::new()).into_owned()
    }
}
