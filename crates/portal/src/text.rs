//! The words of the pages and the mails, in each language, from Fluent files that are part of the binary.

mod language;

pub use language::Language;

use countersign_core::{locale::Locale, phone::Country};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use std::{borrow::Cow, sync::LazyLock};

/// A value in a text. Numbers choose the plural form.
pub type Value<'a> = FluentValue<'a>;

type Bundle = FluentBundle<FluentResource>;

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::English));
static POLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::Polish));

/// A file with a mistake loses the texts that contain it; the tests refuse such a file.
fn bundle(language: Language) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.identifier()]);
    // The marks would be shown as boxes in messages and mails, and no text here runs from right to left.
    bundle.set_use_isolating(false);
    for file in language.files() {
        let (Ok(resource) | Err((resource, _))) = FluentResource::try_new(file.to_owned());
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// The texts of one language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Language);

impl Text {
    /// English for a language that has no texts.
    pub fn of(language: &Locale) -> Self {
        Self(Language::of_tag(language.as_str()).unwrap_or_default())
    }

    /// The tag of the language, for the attribute `lang`.
    pub fn tag(self) -> &'static str {
        self.0.tag()
    }

    /// A text without values.
    pub fn get(self, key: &str) -> Cow<'static, str> {
        self.format(key, None)
    }

    /// A text with values.
    pub fn with(self, key: &str, values: &[(&'static str, Value<'_>)]) -> String {
        let values = values.iter().map(|(name, value)| (*name, value.clone()));
        self.format(key, Some(&FluentArgs::from_iter(values))).into_owned()
    }

    /// A text with one value.
    pub fn one<'v>(self, key: &str, name: &'static str, value: impl Into<Value<'v>>) -> String {
        self.with(key, &[(name, value.into())])
    }

    /// The name of a country; its two letters for one that is newer than our list.
    pub fn country(self, country: Country) -> String {
        let key = format!("country-{}", country.as_str());
        if self.bundle().has_message(&key) {
            self.get(&key).into_owned()
        } else {
            country.as_str().to_owned()
        }
    }

    fn bundle(self) -> &'static Bundle {
        match self.0 {
            Language::English => &ENGLISH,
            Language::Polish => &POLISH,
        }
    }

    /// A key without a text shows itself; the tests find it.
    fn format(self, key: &str, values: Option<&FluentArgs<'_>>) -> Cow<'static, str> {
        let bundle = self.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return Cow::Owned(key.to_owned());
        };
        let mut errors = Vec::new();
        Cow::Owned(bundle.format_pattern(pattern, values, &mut errors).into_owned())
    }
}

#[cfg(test)]
mod tests;
