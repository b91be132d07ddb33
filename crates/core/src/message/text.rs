//! The part of a message that the start fixes: the code and the choices for its text.

use crate::{
    code::{Code, payment::Transaction},
    id::TemplateId,
    locale::Locale,
    message::{
        binding::{AppHash, Origin},
        caller_text::CallerText,
        sender_text::SenderText,
    },
    pack::{Reader, Writer},
};
use zeroize::Zeroizing;

/// A code and the choices for its message text. The record contains it sealed.
#[derive(Clone, Debug)]
pub struct CodeText {
    pub code: Code,
    /// The web site that the code is bound to.
    pub origin: Option<Origin>,
    /// The Android app that may read the message.
    pub app_hash: Option<AppHash>,
    /// The set of texts that the start chose. The wording is read only when the message is made: a record
    /// that contained it would be three times as large.
    pub template: Option<TemplateId>,
    /// The locale that the start chose.
    pub locale: Option<Locale>,
    /// The payment that the code confirms.
    pub transaction: Option<Transaction>,
    /// The caller's own words, used instead of any template.
    pub text: Option<CallerText>,
    /// The sender of the message, used instead of the delivery route's choice.
    pub sender: Option<SenderText>,
}

impl CodeText {
    /// Returns whether everything but the code is equal. If so, both would send the same message apart from
    /// the code.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let Self { code: _, origin, app_hash, template, locale, transaction, text, sender } = self;
        *origin == other.origin
            && *app_hash == other.app_hash
            && *template == other.template
            && *locale == other.locale
            && *transaction == other.transaction
            && *text == other.text
            && *sender == other.sender
    }

    /// Writes the oldest format that can express the value, so that older nodes can read it. Format 2 adds
    /// the texts, the locale, the payment and the sender; format 3 adds the caller's own words.
    pub(crate) fn pack(&self) -> Zeroizing<Vec<u8>> {
        let text = |value: Option<&str>| value.unwrap_or_default().as_bytes().to_vec();
        let plain = self.template.is_none()
            && self.locale.is_none()
            && self.transaction.is_none()
            && self.sender.is_none()
            && self.text.is_none();
        let mut packed = Writer::default()
            .byte(if self.text.is_some() {
                3
            } else if plain {
                1
            } else {
                2
            })
            .blob(self.code.expose().as_bytes())
            .blob(&text(self.origin.as_ref().map(Origin::as_str)))
            .blob(&text(self.app_hash.as_ref().map(AppHash::as_str)));
        if !plain {
            let transaction = self.transaction.as_ref();
            packed = packed
                .blob(self.template.as_ref().map_or(&[], |id| id.bytes()))
                .blob(&text(self.locale.as_ref().map(Locale::as_str)))
                .blob(&text(transaction.map(Transaction::amount)))
                .blob(&text(transaction.map(Transaction::currency)))
                .blob(&text(transaction.map(Transaction::payee)))
                .blob(&text(self.sender.as_ref().map(SenderText::as_str)));
        }
        if let Some(text) = &self.text {
            packed = packed.blob(text.before().as_bytes()).blob(text.after().as_bytes());
        }
        Zeroizing::new(packed.finish())
    }

    pub(crate) fn unpack(packed: &[u8]) -> Option<Self> {
        let mut reader = Reader(packed);
        let format = reader.byte().filter(|format| matches!(format, 1..=3))?;
        let code = Zeroizing::new(reader.text()?);
        let (origin, app_hash) = (reader.text()?, reader.text()?);
        let mut text = Self {
            code: Code::from_record(&code),
            origin: (!origin.is_empty()).then_some(Origin(origin)),
            app_hash: (!app_hash.is_empty()).then_some(AppHash(app_hash)),
            template: None,
            locale: None,
            transaction: None,
            text: None,
            sender: None,
        };
        if format > 1 {
            text.template = match reader.blob()? {
                [] => None,
                id => Some(TemplateId::from_bytes(id.try_into().ok()?)),
            };
            let locale = reader.text()?;
            text.locale = if locale.is_empty() { None } else { Some(Locale::parse(&locale)?) };
            let (amount, currency, payee) = (reader.text()?, reader.text()?, reader.text()?);
            if !amount.is_empty() {
                text.transaction = Some(Transaction::parse(&amount, &currency, &payee).ok()?);
            }
            let sender = reader.text()?;
            text.sender = if sender.is_empty() { None } else { Some(SenderText::parse(&sender)?) };
        }
        if format > 2 {
            text.text = Some(CallerText::from_record(reader.text()?, reader.text()?));
        }
        reader.is_done().then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(origin: Option<&str>, app_hash: Option<&str>) -> CodeText {
        CodeText {
            code: Code::parse("123456").unwrap(),
            origin: origin.map(|o| Origin::parse(o).unwrap()),
            app_hash: app_hash.map(|h| AppHash::parse(h).unwrap()),
            template: None,
            locale: None,
            transaction: None,
            text: None,
            sender: None,
        }
    }

    #[test]
    fn packed_form_round_trips() {
        for (origin, hash) in [(None, None), (Some("a.example"), Some("FA+9qCX9VSu"))] {
            let plain = text(origin, hash);
            assert_eq!(plain.pack()[0], 1, "older nodes read it");
            for (template, locale, payment, sender) in [
                (false, false, false, false),
                (true, false, false, false),
                (false, true, true, false),
                (false, false, false, true),
            ] {
                let text = CodeText {
                    template: template.then_some(TemplateId::from_bytes([7; 16])),
                    locale: locale.then(|| Locale::parse("pt-BR").unwrap()),
                    transaction: payment.then(|| Transaction::parse("49.9", "EUR", "Żółw").unwrap()),
                    sender: sender.then(|| SenderText::parse("Acme").unwrap()),
                    ..plain.clone()
                };
                let packed = text.pack();
                let back = CodeText::unpack(&packed).unwrap();
                assert_eq!((&back.origin, &back.app_hash), (&text.origin, &text.app_hash));
                assert_eq!((back.template, &back.locale), (text.template, &text.locale));
                assert_eq!(back.sender, text.sender);
                assert_eq!((back.transaction, back.code.expose()), (text.transaction, "123456"));
                assert!(CodeText::unpack(&packed[..packed.len() - 1]).is_none());
            }
        }
        assert!(CodeText::unpack(b"\x04").is_none());
    }

    #[test]
    fn the_callers_words_are_kept_as_they_are() {
        let own = CallerText::parse("Your {code}: [%code%]!", "[%code%]", 160).unwrap();
        let with = CodeText { text: Some(own), ..text(Some("a.example"), None) };
        let packed = with.pack();
        assert_eq!(packed[0], 3);
        let back = CodeText::unpack(&packed).unwrap();
        assert!(back.is_like(&with) && !back.is_like(&text(Some("a.example"), None)));
        assert!(CodeText::unpack(&packed[..packed.len() - 1]).is_none());
    }
}
