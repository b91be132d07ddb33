//! The text of a message: the choice of template and language, and the last line that machines read.

pub mod binding;
pub mod caller_text;
pub mod sender_text;
pub mod sms;
pub mod template;
pub mod text;

use crate::{
    code::{Code, payment::Transaction},
    locale::{Locale, fallbacks},
    message::{
        binding::{AppHash, Origin, RETRIEVER_BYTES},
        sms::{Segments, segments},
        template::{Template, TemplateKind, Values, set::TemplateSet, shipped::shipped},
    },
    tenant::TenantName,
};
use std::{fmt, time::Duration};
use zeroize::Zeroizing;

/// A whole message with its code. Debug shows nothing of it.
#[derive(Clone)]
pub struct MessageText(Zeroizing<String>);

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageText")
    }
}

impl MessageText {
    /// Fills the template: `123456 is your Acme code. Don't share it.`. If there is an origin or an app hash,
    /// an empty line and the line for machines follow: `@example.com #123456 FA+9qCX9VSu`. Phones read only
    /// the last line, so no text may follow it.
    pub fn compose(
        (template, gsm): (&Template, bool),
        values: &Values,
        origin: Option<&Origin>,
        app_hash: Option<&AppHash>,
    ) -> Self {
        let mut text = template.fill(values, gsm);
        let code = values.code.expose();
        // Reserve the space before writing the code again: a text that grows leaves a copy of the code in
        // memory.
        text.reserve(RETRIEVER_BYTES);
        if origin.is_some() || app_hash.is_some() {
            text.push_str("\n\n");
        }
        if let Some(origin) = origin {
            for part in ["@", origin.as_str(), " #", code] {
                text.push_str(part);
            }
        }
        if let Some(hash) = app_hash {
            text.push_str(if origin.is_some() { " " } else { "" });
            text.push_str(hash.as_str());
        }
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn into_exposed(self) -> Zeroizing<String> {
        self.0
    }

    /// Returns whether Android's SMS Retriever reads a message of this length.
    pub fn fits_retriever(&self) -> bool {
        self.0.len() <= RETRIEVER_BYTES
    }
}

/// The sources of a message's wording.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wording<'a> {
    /// The tenant's own texts.
    pub set: Option<&'a TemplateSet>,
    /// The locale that the start requested.
    pub locale: Option<&'a Locale>,
    pub tenant_locale: Option<&'a Locale>,
}

impl<'a> Wording<'a> {
    /// The templates to try, best first: the tenant's own, the shipped one in that language, the shipped one
    /// in English, which is the shortest. The flag says whether to write the message in the GSM alphabet.
    fn templates(&self, kind: TemplateKind) -> Vec<(&'a Template, bool)> {
        let locales = fallbacks(self.locale, self.tenant_locale);
        let of_set = |set: &'a TemplateSet| {
            let template = locales.iter().find_map(|locale| set.texts_of(kind).get(locale));
            template.map(|template| (template, set.transliterate))
        };
        let own = self.set.and_then(of_set);
        let in_language = locales.iter().find_map(|locale| shipped(locale, kind));
        let english = shipped(&Locale::default(), kind);
        own.into_iter()
            .chain([in_language, english].into_iter().flatten().map(|text| (text, false)))
            .collect()
    }

    /// Writes the message in the best wording. If an app must read it, takes the first wording that is short
    /// enough; returns `None` if none is.
    pub fn compose(
        &self,
        values: &Values,
        origin: Option<&Origin>,
        app_hash: Option<&AppHash>,
    ) -> Option<MessageText> {
        let mut all = self.messages(values, origin, app_hash);
        all.find(|message| app_hash.is_none() || message.fits_retriever())
    }

    /// Like `compose`, but if no wording is short enough, takes the last: a person can still read it. Use
    /// this for a message whose start has already checked the length.
    pub fn compose_anyhow(
        &self,
        values: &Values,
        origin: Option<&Origin>,
        app_hash: Option<&AppHash>,
    ) -> Option<MessageText> {
        let fitting = self.compose(values, origin, app_hash);
        fitting.or_else(|| self.messages(values, origin, app_hash).last())
    }

    fn messages<'b>(
        &self,
        values: &'b Values,
        origin: Option<&'b Origin>,
        app_hash: Option<&'b AppHash>,
    ) -> impl Iterator<Item = MessageText> + use<'a, 'b> {
        let kind = match values.transaction {
            None => TemplateKind::Plain,
            Some(_) => TemplateKind::Transaction,
        };
        let templates = self.templates(kind).into_iter();
        templates.map(move |template| MessageText::compose(template, values, origin, app_hash))
    }
}

/// The time left as a message says it: the nearest whole minute, and at least one.
pub const fn minutes(left: Duration) -> u64 {
    let minutes = (left.as_secs() + 30) / 60;
    if minutes == 0 { 1 } else { minutes }
}

/// How a template looks, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The message with sample values.
    pub text: String,
    pub segments: Segments,
}

/// Fills a template with sample values: the tenant's name, the code 123456, five minutes, and a payment of
/// 49.90 EUR.
pub fn preview(template: &Template, gsm: bool, company: &TenantName) -> Preview {
    let code = Code::of_test_mode(6);
    let transaction = Transaction::parse("49.90", "EUR", "Example Shop").ok();
    let values = Values { code: &code, company, minutes: 5, transaction: transaction.as_ref() };
    let text = template.fill(&values, gsm).to_string();
    Preview { segments: segments(&text), text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::TemplateId, message::sms::Encoding};
    use serde_json::json;

    const HASH: &str = "FA+9qCX9VSu";

    fn set(body: serde_json::Value) -> TemplateSet {
        TemplateSet::from_json(TemplateId::from_bytes([1; 16]), 1, body).unwrap()
    }

    /// The composed message, or `None` if no wording is short enough.
    fn compose(wording: &Wording, company: &str, ends: [Option<&str>; 2]) -> Option<String> {
        compose_with(wording, company, None, ends)
    }

    fn compose_with(
        wording: &Wording,
        company: &str,
        transaction: Option<&Transaction>,
        [origin, hash]: [Option<&str>; 2],
    ) -> Option<String> {
        let (code, company) = (Code::parse("123456").unwrap(), TenantName::parse(company).unwrap());
        let values = Values { code: &code, company: &company, minutes: 5, transaction };
        let origin = origin.map(|origin| Origin::parse(origin).unwrap());
        let hash = hash.map(|hash| AppHash::parse(hash).unwrap());
        let message = wording.compose(&values, origin.as_ref(), hash.as_ref());
        message.map(|message| message.expose().to_owned())
    }

    #[test]
    fn machines_find_their_line_last() {
        let plain = "123456 is your Acme code. Don't share it.";
        for (ends, line) in [
            ([None, None], String::new()),
            ([Some("example.com"), None], "\n\n@example.com #123456".to_owned()),
            ([None, Some(HASH)], format!("\n\n{HASH}")),
            ([Some("example.com"), Some(HASH)], format!("\n\n@example.com #123456 {HASH}")),
        ] {
            let message = compose(&Wording::default(), "Acme", ends).unwrap();
            assert_eq!(message, format!("{plain}{line}"));
        }
    }

    #[test]
    fn words_are_looked_for_from_near_to_far() {
        let set = set(json!({ "name": "a", "texts": { "pt": "pt {code}", "de": "de {code}" } }));
        let locale = |text: &str| Locale::parse(text).unwrap();
        for (asked, tenant, text) in [
            (Some("pt-BR"), None, "pt 123456"),
            (Some("pt-BR"), Some("de"), "pt 123456"),
            (Some("it"), Some("de-AT"), "de 123456"),
            (None, Some("de"), "de 123456"),
            // The set has texts neither in this language nor in English, so the shipped text of the language
            // is used.
            (Some("fr-CA"), None, "123456 est votre code Acme. Ne le partagez pas."),
            (Some("it"), None, "123456 is your Acme code. Don't share it."),
        ] {
            let (asked, tenant) = (asked.map(locale), tenant.map(locale));
            let wording = Wording { set: Some(&set), locale: asked.as_ref(), tenant_locale: tenant.as_ref() };
            assert_eq!(compose(&wording, "Acme", [None, None]).unwrap(), text);
        }
        // The set has no text for payments.
        let payment = Transaction::parse("49.9", "EUR", "Shop").unwrap();
        let wording = Wording { set: Some(&set), ..Wording::default() };
        let text = compose_with(&wording, "Acme", Some(&payment), [None, None]).unwrap();
        assert_eq!(text, "Acme: 123456 to pay 49.90 EUR to Shop. Don't share it.");
    }

    #[test]
    fn what_an_app_reads_is_short_enough_or_is_refused() {
        let long = format!("{} {{code}}", "é".repeat(60));
        let set = set(json!({ "name": "a", "texts": { "en": long, "uk": "{code}" } }));
        let (uk, fr) = (Locale::parse("uk").unwrap(), Locale::parse("fr").unwrap());
        let own = Wording { set: Some(&set), ..Wording::default() };
        // 127 bytes and 13 more just fit; an origin makes the message too long.
        assert_eq!(compose(&own, "Acme", [None, Some(HASH)]).unwrap().len(), RETRIEVER_BYTES);
        let shorter = compose(&own, "Acme", [Some("example.com"), Some(HASH)]).unwrap();
        assert!(shorter.starts_with("123456 is your Acme"), "{shorter}");
        let without_hash = compose(&own, "Acme", [Some("example.com"), None]).unwrap();
        assert!(without_hash.starts_with("é"), "without an app nothing bounds it");
        // A Ukrainian letter takes two bytes: with such a long name only the English text fits.
        let ukrainian = Wording { locale: Some(&uk), ..Wording::default() };
        let name = "N".repeat(40);
        assert!(compose(&ukrainian, "Acme", [None, Some(HASH)]).unwrap().contains("ваш код"));
        let text = compose(&ukrainian, &"Ж".repeat(40), [None, Some(HASH)]).unwrap();
        assert!(text.contains("Don't share"), "{text}");
        // No wording fits with a name of 40 characters and a host of 60.
        let host = format!("{}.example.com", "h".repeat(48));
        let french = Wording { locale: Some(&fr), ..Wording::default() };
        assert_eq!(compose(&french, &name, [Some(&host), Some(HASH)]), None);
        let (code, company) = (Code::parse("123456").unwrap(), TenantName::parse(&name).unwrap());
        let values = Values { code: &code, company: &company, minutes: 5, transaction: None };
        let (origin, hash) = (Origin::parse(&host).unwrap(), AppHash::parse(HASH).unwrap());
        let anyhow = french.compose_anyhow(&values, Some(&origin), Some(&hash)).unwrap();
        assert!(anyhow.expose().contains("Don't share") && anyhow.expose().ends_with(HASH));
    }

    #[test]
    fn a_preview_counts_what_it_shows() {
        let company = TenantName::parse("Łódź Cafe").unwrap();
        let set = set(json!({ "name": "a", "texts": { "pl": "Kod {company}: {code}, {minutes} min" } }));
        let template = &set.texts[&Locale::parse("pl").unwrap()];
        let shown = preview(template, false, &company);
        assert_eq!(
            (shown.text.as_str(), shown.segments.encoding),
            ("Kod Łódź Cafe: 123456, 5 min", Encoding::Ucs2)
        );
        let shown = preview(template, true, &company);
        assert_eq!(
            (shown.text.as_str(), shown.segments.encoding),
            ("Kod Lodz Cafe: 123456, 5 min", Encoding::Gsm7)
        );
        assert_eq!((shown.segments.units, shown.segments.parts), (28, 1));
    }

    #[test]
    fn minutes_are_rounded() {
        for (seconds, said) in
            [(0, 1), (29, 1), (30, 1), (60, 1), (89, 1), (90, 2), (299, 5), (300, 5), (600, 10)]
        {
            assert_eq!(minutes(Duration::from_secs(seconds)), said, "{seconds}");
        }
    }
}
