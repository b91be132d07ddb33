//! Composes the message of a code from the tenant's present texts.

use crate::{
    message::{MessageText, Wording, caller_text::CallerText, minutes, template::Values, text::CodeText},
    snapshot::view::TenantView,
};
use std::time::Duration;

impl CodeText {
    /// Composes the message, with `left` as the time for which the code is still valid. Returns `None` if no
    /// wording is short enough for the app.
    pub fn compose(&self, view: &TenantView, left: Duration) -> Option<MessageText> {
        let values = self.values(view, left);
        if let Some(text) = &self.text {
            let message = self.compose_own(text, &values);
            return (self.app_hash.is_none() || message.fits_retriever()).then_some(message);
        }
        self.wording(view).compose(&values, self.origin.as_ref(), self.app_hash.as_ref())
    }

    /// Composes the message to send. If the texts changed since the start and the message is now too long for
    /// its app, a person can still read it.
    pub fn compose_anyhow(&self, view: &TenantView, left: Duration) -> Option<MessageText> {
        let values = self.values(view, left);
        if let Some(text) = &self.text {
            return Some(self.compose_own(text, &values));
        }
        self.wording(view).compose_anyhow(&values, self.origin.as_ref(), self.app_hash.as_ref())
    }

    fn compose_own(&self, text: &CallerText, values: &Values) -> MessageText {
        MessageText::compose((&text.template(), false), values, self.origin.as_ref(), self.app_hash.as_ref())
    }

    fn values<'a>(&'a self, view: &'a TenantView, left: Duration) -> Values<'a> {
        let (company, transaction) = (&view.tenant.name, self.transaction.as_ref());
        Values { code: &self.code, company, minutes: minutes(left), transaction }
    }

    fn wording<'a>(&'a self, view: &'a TenantView) -> Wording<'a> {
        // If the set was deleted since the start, the shipped texts are used.
        let set = self.template.and_then(|id| view.templates.values().find(|set| set.id == id));
        Wording { set, locale: self.locale.as_ref(), tenant_locale: view.settings.locale.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        code::Code,
        id::TenantId,
        message::binding::{AppHash, Origin},
        tenant::{Tenant, TenantName},
    };

    fn text(own: CallerText, origin: Option<&str>, app_hash: Option<&str>) -> CodeText {
        CodeText {
            code: Code::parse("123456").unwrap(),
            origin: origin.map(|o| Origin::parse(o).unwrap()),
            app_hash: app_hash.map(|h| AppHash::parse(h).unwrap()),
            template: None,
            locale: None,
            transaction: None,
            text: Some(own),
            sender: None,
        }
    }

    #[test]
    fn the_callers_words_are_sent_as_they_are() {
        let own = CallerText::parse("Your {code}: [%code%]!", "[%code%]", 160).unwrap();
        let with = text(own, Some("a.example"), None);
        let id = TenantId::from_bytes([1; 16]);
        let tenant = Tenant::new(id, TenantName::parse("Acme").unwrap(), Default::default());
        let view = TenantView::new(tenant);
        for message in [with.compose(&view, Duration::ZERO), with.compose_anyhow(&view, Duration::ZERO)] {
            assert_eq!(message.unwrap().expose(), "Your {code}: 123456!\n\n@a.example #123456");
        }
        let long = CallerText::parse(&format!("{}[%code%]", "a".repeat(135)), "[%code%]", 160).unwrap();
        let app = text(long, None, Some("FA+9qCX9VSu"));
        assert!(app.compose(&view, Duration::ZERO).is_none(), "no phone hands it over");
        assert!(app.compose_anyhow(&view, Duration::ZERO).is_some());
    }
}
