//! The texts that come with the program, for tenants and languages without their own. Each text warns the
//! user not to share the code, and fits the GSM alphabet if its language allows that.

use crate::{
    locale::Locale,
    message::template::{Template, TemplateKind},
};
use std::{collections::BTreeMap, sync::LazyLock};

/// For each locale, the plain text and the text for a payment.
const TEXTS: [(&str, &str, &str); 6] = [
    (
        "en",
        "{code} is your {company} code. Don't share it.",
        "{company}: {code} to pay {amount} {currency} to {payee}. Don't share it.",
    ),
    (
        "pl",
        "{code} to kod {company}. Nie podawaj go nikomu.",
        "{company}: kod {code}, kwota {amount} {currency}, odbiorca {payee}. Nie podawaj go nikomu.",
    ),
    (
        "de",
        "{code} ist Ihr Code von {company}. Geben Sie ihn nicht weiter.",
        "{company}: Code {code} zur Zahlung von {amount} {currency} an {payee}. Geben Sie ihn nicht weiter.",
    ),
    (
        "es",
        "{code} es tu clave de {company}. No la compartas con nadie.",
        "{company}: {code} es la clave para pagar {amount} {currency} a {payee}. No la compartas con nadie.",
    ),
    (
        "fr",
        "{code} est votre code {company}. Ne le partagez pas.",
        "{company} : code {code} pour payer {amount} {currency} à {payee}. Ne le partagez pas.",
    ),
    (
        "uk",
        "{code} - ваш код {company}. Нікому його не кажіть.",
        "{company}: код {code}, сума {amount} {currency}, отримувач {payee}. Нікому його не кажіть.",
    ),
];

struct Texts {
    plain: Template,
    transaction: Template,
}

static PARSED: LazyLock<BTreeMap<Locale, Texts>> = LazyLock::new(|| {
    let parse = |(locale, plain, transaction): (&str, &str, &str)| {
        let plain = Template::parse(plain, TemplateKind::Plain).ok()?;
        let transaction = Template::parse(transaction, TemplateKind::Transaction).ok()?;
        Some((Locale::parse(locale)?, Texts { plain, transaction }))
    };
    TEXTS.into_iter().filter_map(parse).collect()
});

/// The shipped text of a locale; `None` for most locales.
pub fn shipped(locale: &Locale, kind: TemplateKind) -> Option<&'static Template> {
    PARSED.get(locale).map(|texts| match kind {
        TemplateKind::Plain => &texts.plain,
        TemplateKind::Transaction => &texts.transaction,
    })
}

pub fn shipped_locales() -> impl Iterator<Item = &'static Locale> {
    PARSED.keys()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        code::{Code, payment::Transaction},
        message::sms::Encoding::*,
        message::{
            sms::{Encoding, segments},
            template::Values,
        },
        tenant::TenantName,
    };

    /// The encoding and the number of parts of each shipped text, with a company of 20 characters, a code of
    /// 6, and a payment of 1234.56 EUR to a payee of 20.
    const COSTS: [(&str, [(Encoding, usize); 2]); 6] = [
        ("en", [(Gsm7, 1), (Gsm7, 1)]),
        ("pl", [(Gsm7, 1), (Gsm7, 1)]),
        ("de", [(Gsm7, 1), (Gsm7, 1)]),
        ("es", [(Gsm7, 1), (Gsm7, 1)]),
        ("fr", [(Gsm7, 1), (Gsm7, 1)]),
        // Cyrillic texts are UCS-2: a single part has 70 units, and company and payee take 40 of them.
        ("uk", [(Ucs2, 1), (Ucs2, 2)]),
    ];

    #[test]
    fn texts_cost_what_the_table_says() {
        let (code, company) = (Code::parse("123456").unwrap(), TenantName::parse(&"C".repeat(20)).unwrap());
        let payment = Transaction::parse("1234.56", "EUR", &"P".repeat(20)).unwrap();
        assert_eq!(shipped_locales().count(), TEXTS.len(), "every text is a template");
        for (locale, costs) in COSTS {
            let locale = Locale::parse(locale).unwrap();
            let kinds = [(TemplateKind::Plain, None), (TemplateKind::Transaction, Some(&payment))];
            for ((kind, transaction), (encoding, parts)) in kinds.into_iter().zip(costs) {
                let template = shipped(&locale, kind).unwrap();
                let values = Values { code: &code, company: &company, minutes: 10, transaction };
                let text = template.fill(&values, false);
                let counted = segments(&text);
                assert_eq!((counted.encoding, counted.parts), (encoding, parts), "{}", *text);
            }
        }
    }

    #[test]
    fn every_text_says_not_to_share_the_code() {
        let words =
            ["Don't share", "Nie podawaj", "nicht weiter", "No la compartas", "Ne le partagez", "не кажіть"];
        for ((locale, plain, transaction), words) in TEXTS.into_iter().zip(words) {
            assert!(plain.contains(words) && transaction.contains(words), "{locale}");
        }
    }
}
