use super::{TemplateError::*, *};
use crate::{id::TemplateId, locale::Locale, message::template::set::TemplateSet};
use proptest::prelude::*;
use serde_json::json;

fn parse(text: &str, kind: TemplateKind) -> Result<Template, TemplateError> {
    Template::parse(text, kind)
}

fn fill(template: &Template, company: &str, payee: &str, gsm: bool) -> String {
    let (code, company) = (Code::parse("123456").unwrap(), TenantName::parse(company).unwrap());
    let payment = Transaction::parse("49.9", "EUR", payee).unwrap();
    let values = Values { code: &code, company: &company, minutes: 5, transaction: Some(&payment) };
    template.fill(&values, gsm).to_string()
}

#[test]
fn a_template_says_what_is_wrong_with_it() {
    use TemplateKind::{Plain, Transaction};
    let long = format!("{{code}}{}", "x".repeat(Template::MAX - 5));
    let cases: &[(&str, TemplateKind, TemplateError, &str)] = &[
        ("", Plain, NotOnce(Placeholder::Code), "must hold {code} exactly once"),
        ("{code} {code}", Plain, NotOnce(Placeholder::Code), "must hold {code} exactly once"),
        ("{code} {name}", Plain, Unknown("name".into()), "has the unknown placeholder {name}"),
        ("{code} {}", Plain, Unknown(String::new()), "has the unknown placeholder {}"),
        ("{Code}", Plain, Unknown("Code".into()), "has the unknown placeholder {Code}"),
        ("{ code }", Plain, Unknown(" code ".into()), "has the unknown placeholder { code }"),
        ("{code", Plain, Unbalanced('{', 1), "has a { without its counterpart at character 1"),
        ("zł {code} }", Plain, Unbalanced('}', 11), "has a } without its counterpart at character 11"),
        ("{{code}}", Plain, Unbalanced('{', 1), "has a { without its counterpart at character 1"),
        ("{code} {", Plain, Unbalanced('{', 8), "has a { without its counterpart at character 8"),
        ("{code}\r\nx", Plain, Control('\r'), "must not hold the control character \\u{d}"),
        ("{code}\u{202e}", Plain, Control('\u{202e}'), "must not hold the control character \\u{202e}"),
        (&long, Plain, TooLong, "must have at most 500 characters"),
        (
            "{code} {amount}",
            Plain,
            OnlyTransaction(Placeholder::Amount),
            "must not hold {amount}, for it is not about a transaction",
        ),
        (
            "{code} {payee}",
            Plain,
            OnlyTransaction(Placeholder::Payee),
            "must not hold {payee}, for it is not about a transaction",
        ),
        (
            "{code} {amount} {currency}",
            Transaction,
            Missing(Placeholder::Payee),
            "must hold {payee}, for it is about a transaction",
        ),
        (
            "{code} {currency} {payee}",
            Transaction,
            Missing(Placeholder::Amount),
            "must hold {amount}, for it is about a transaction",
        ),
        (
            "{code} {amount} {currency} {payee} {payee}",
            Transaction,
            NotOnce(Placeholder::Payee),
            "must hold {payee} exactly once",
        ),
    ];
    for (text, kind, error, message) in cases {
        assert_eq!(parse(text, *kind).as_ref(), Err(error), "{text:?}");
        assert_eq!(error.to_string(), *message, "{text:?}");
    }
    assert!(parse(&long[..long.len() - 1], Plain).is_ok());
}

#[test]
fn values_are_put_in_as_they_are() {
    let text = "{company}: {code}, {minutes} min\n{amount} {currency} to {payee}";
    let template = parse(text, TemplateKind::Transaction).unwrap();
    assert_eq!(fill(&template, "Acme", "Shop", false), "Acme: 123456, 5 min\n49.90 EUR to Shop");
    assert_eq!(
        fill(&template, "{payee}", "{code} } {", false),
        "{payee}: 123456, 5 min\n49.90 EUR to {code} } {",
        "values are never read as templates"
    );
    // A name may contain a character that is no control character and still breaks the line.
    assert_eq!(fill(&template, "A\u{2028}B", "Shop", false), "AB: 123456, 5 min\n49.90 EUR to Shop");
    assert_eq!(fill(&template, "Żółw", "Łódź", true), "Zolw: 123456, 5 min\n49.90 EUR to Lodz");
    let plain = parse("  Kod: {code}\n", TemplateKind::Plain).unwrap();
    assert_eq!((plain.source(), fill(&plain, "A", "B", false).as_str()), ("Kod: {code}", "Kod: 123456"));
}

#[test]
fn a_set_is_read_as_it_is_written() {
    let id = TemplateId::from_bytes([7; 16]);
    let body = json!({
        "name": "login",
        "texts": { "pl": "Kod: {code}", "pt-br": "{code} de {company}" },
        "transaction_texts": { "en": "{code}: {amount} {currency}, {payee}" },
        "transliterate": true,
    });
    let set = TemplateSet::from_json(id, 3, body).unwrap();
    assert_eq!((set.name.as_str(), set.version, set.transliterate), ("login", 3, true));
    assert_eq!(set.texts.keys().map(Locale::as_str).collect::<Vec<_>>(), ["pl", "pt-BR"]);
    assert_eq!(TemplateSet::from_json(id, 3, set.to_json()), Ok(set));
    let least = TemplateSet::from_json(id, 1, json!({ "name": "a", "texts": { "en": "{code}" } })).unwrap();
    assert!(!least.transliterate && least.transaction_texts.is_empty());
}

#[test]
fn everything_that_is_wrong_with_a_set_is_said_at_once() {
    let read = |body| TemplateSet::from_json(TemplateId::from_bytes([7; 16]), 1, body).unwrap_err();
    let fields = |body| read(body).into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    let wrong = json!({
        "name": "Login",
        "texts": { "english": "{code}", "en": "{code", "pl": 5, "pt-BR": "{code}", "pt-br": "{code}" },
        "transaction_texts": { "en": "{code}" },
        "transliterate": "yes",
        "colour": "red",
    });
    let mut found = fields(wrong);
    found.sort();
    let twice = found.remove(5);
    assert!(twice.eq_ignore_ascii_case("texts.pt-BR"), "{twice}");
    let expected =
        ["colour", "name", "texts.en", "texts.english", "texts.pl", "transaction_texts.en", "transliterate"];
    assert_eq!(found, expected);
    assert_eq!(fields(json!([])), [""]);
    assert_eq!(fields(json!({ "name": "a" })), ["texts"]);
    assert_eq!(fields(json!({ "name": "a", "texts": [] })), ["texts"]);
    let message = read(json!({ "name": "a", "texts": { "en": "{code} {payee}" } })).remove(0).1;
    assert_eq!(message, "must not hold {payee}, for it is not about a transaction");
    let many: serde_json::Map<_, _> =
        (0..=TemplateSet::MOST).map(|n| (format!("en-{n:03}"), json!("{code}"))).collect();
    assert_eq!(fields(json!({ "name": "a", "texts": many })), ["texts"]);
}

proptest! {
    #[test]
    fn what_parses_is_filled_with_one_code_and_no_more_lines(
        before in "\\PC{0,40}", after in "[^{}]{0,40}", company in "\\PC{1,30}", payee in "[a-z{}@# ]{0,30}x",
    ) {
        let text = format!("{before}{{code}}{after}");
        if let (Ok(template), Some(_)) = (parse(&text, TemplateKind::Plain), TenantName::parse(&company)) {
            prop_assert_eq!(template.source(), text.trim());
            let filled = fill(&template, &company, &payee, false);
            prop_assert_eq!(filled.lines().count(), template.source().lines().count());
            prop_assert_eq!(Template::parse(template.source(), TemplateKind::Plain), Ok(template));
        }
    }
}
