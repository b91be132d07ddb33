//! What a code to a person is for, and the text of its message. The text names the purpose, so that a person who
//! did not ask for the code learns what somebody else tries.
//!
//! The texts keep to the GSM alphabet and to one SMS. The Polish texts go without diacritics: with them a message would
//! cost two parts instead of one.

use crate::{
    code::Code,
    id::{PersonId, TenantId},
    locale::Locale,
    message::{
        binding::Origin,
        caller_text::CallerText,
        sms::{segments, transliteration::transliterate},
    },
    people::proof_act::ActName,
    tenant::{PORTAL, PORTAL_ENROL, TenantName},
};

/// What a code to a person is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// The second step of signing in. The message names the tenant, if the person signs in to one.
    SignIn { tenant_name: Option<&'a TenantName> },
    /// The proof for one act.
    Proof { act: ActName },
    /// The first code to a number that this person has not confirmed yet.
    Enrol { person: PersonId },
}

impl Purpose<'_> {
    /// The tenant that sends the code.
    pub const fn tenant(&self) -> TenantId {
        match self {
            Self::SignIn { .. } | Self::Proof { .. } => PORTAL,
            Self::Enrol { .. } => PORTAL_ENROL,
        }
    }
}

/// The number of characters of a code.
pub(super) const CODE_LENGTH: u8 = 6;

/// The words around a code, and the web site that the message names. If the message would cost a second part, it
/// leaves out the tenant's name, and then the web site.
pub(super) fn words(
    purpose: &Purpose<'_>,
    language: &Locale,
    origin: Option<&Origin>,
) -> (CallerText, Option<Origin>) {
    let named = text(purpose, language, true);
    let plain = text(purpose, language, false);
    let sizes = [(&named, origin), (&plain, origin), (&named, None)];
    let (text, origin) =
        sizes.into_iter().find(|(text, origin)| fits(text, *origin)).unwrap_or((&plain, None));
    (text.clone(), origin.cloned())
}

fn fits(text: &CallerText, origin: Option<&Origin>) -> bool {
    let code = Code::of_test_mode(CODE_LENGTH);
    let code = code.expose();
    let line = origin.map(|origin| format!("\n\n@{} #{code}", origin.as_str())).unwrap_or_default();
    segments(&[text.before(), code, text.after(), &line].concat()).parts == 1
}

fn text(purpose: &Purpose<'_>, language: &Locale, named: bool) -> CallerText {
    let tenant = match purpose {
        Purpose::SignIn { tenant_name: Some(name) } if named => Some(transliterate(name.as_str())),
        _ => None,
    };
    let tenant = tenant.as_deref().map(String::as_str);
    let after = if is_polish(language) {
        let to = tenant.map(|tenant| format!(" do {tenant}")).unwrap_or_default();
        let what = match purpose {
            Purpose::SignIn { .. } => "logowania",
            Purpose::Enrol { .. } => "potwierdzenia tego numeru",
            Purpose::Proof { act } => polish(*act),
        };
        format!(" to kod do {what}{to}. Nikt, kto dla nas pracuje, o niego nie zapyta.")
    } else {
        let to = tenant.map(|tenant| format!(" to {tenant}")).unwrap_or_default();
        let what = match purpose {
            Purpose::SignIn { .. } => "sign in",
            Purpose::Enrol { .. } => "confirm this number",
            Purpose::Proof { act } => english(*act),
        };
        format!(" is your code to {what}{to}. Nobody who works for us asks for it.")
    };
    CallerText::from_record("Countersign: ".to_owned(), after)
}

fn is_polish(language: &Locale) -> bool {
    language.as_str().split('-').next() == Some("pl")
}

/// The words by which the message of a proof names its act. The page shows them, so that a person compares.
pub fn act_words(act: ActName, language: &Locale) -> &'static str {
    if is_polish(language) { polish(act) } else { english(act) }
}

const fn english(act: ActName) -> &'static str {
    match act {
        ActName::Phone => "change your phone number",
        ActName::Email => "change your e-mail address",
        ActName::Password => "change your password",
        ActName::TwoFactorOff => "switch off codes at sign-in",
        ActName::RecoveryCodes => "make new recovery codes",
        ActName::Owner => "change who is an owner",
        ActName::Key => "create or rotate a key",
        ActName::Member => "change a member",
        ActName::Invitation => "change an invitation",
        ActName::List => "change an allowlist",
        ActName::Rules => "change the security rules",
        ActName::Provider => "change an SMS provider",
        ActName::Webhook => "change a webhook",
        ActName::RevokeAll => "revoke all keys",
        ActName::Delete => "delete something for good",
        ActName::TrustDevice => "trust a device",
        ActName::TwoFactorReset => "reset the codes of a member",
    }
}

const fn polish(act: ActName) -> &'static str {
    match act {
        ActName::Phone => "zmiany numeru telefonu",
        ActName::Email => "zmiany adresu e-mail",
        ActName::Password => "zmiany hasla",
        ActName::TwoFactorOff => "wylaczenia kodow przy logowaniu",
        ActName::RecoveryCodes => "utworzenia kodow zapasowych",
        ActName::Owner => "zmiany wlascicieli",
        ActName::Key => "utworzenia lub wymiany klucza",
        ActName::Member => "zmiany czlonka zespolu",
        ActName::Invitation => "zmiany zaproszenia",
        ActName::List => "zmiany listy adresow IP",
        ActName::Rules => "zmiany zasad bezpieczenstwa",
        ActName::Provider => "zmiany dostawcy SMS",
        ActName::Webhook => "zmiany webhooka",
        ActName::RevokeAll => "uniewaznienia wszystkich kluczy",
        ActName::Delete => "trwalego usuniecia",
        ActName::TrustDevice => "dodania zaufanego urzadzenia",
        ActName::TwoFactorReset => "zresetowania kodow czlonka zespolu",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::sms::Encoding;

    fn message(purpose: &Purpose<'_>, language: &str, origin: &str) -> String {
        let origin = Origin::parse(origin);
        let (text, origin) = words(purpose, &Locale::parse(language).unwrap(), origin.as_ref());
        let line = origin.map(|origin| format!("\n\n@{} #123456", origin.as_str())).unwrap_or_default();
        [text.before(), "123456", text.after(), &line].concat()
    }

    #[test]
    fn a_message_says_who_asks_and_for_what() {
        let plain = Purpose::SignIn { tenant_name: None };
        assert_eq!(
            message(&plain, "en", "sms.example.com"),
            "Countersign: 123456 is your code to sign in. Nobody who works for us asks for it.\n\n\
             @sms.example.com #123456"
        );
        assert_eq!(
            message(&plain, "pl-PL", ""),
            "Countersign: 123456 to kod do logowania. Nikt, kto dla nas pracuje, o niego nie zapyta."
        );
        let key = Purpose::Proof { act: ActName::Key };
        assert!(message(&key, "de", "").contains("is your code to create or rotate a key."));
        let name = TenantName::parse("Żółw").unwrap();
        let named = Purpose::SignIn { tenant_name: Some(&name) };
        assert!(message(&named, "pl", "").contains("do logowania do Zolw."));
    }

    #[test]
    fn every_message_is_one_part_in_the_gsm_alphabet() {
        let proofs = ActName::ALL.map(|act| Purpose::Proof { act });
        let names = ["Acme", "商店", &"x".repeat(40)].map(|name| TenantName::parse(name).unwrap());
        let mut all = proofs.to_vec();
        all.extend(names.iter().map(|name| Purpose::SignIn { tenant_name: Some(name) }));
        all.push(Purpose::Enrol { person: PersonId::from_bytes([1; 16]) });
        let long = format!("{}.example.com", "x".repeat(60));
        for purpose in all {
            for language in ["en", "pl"] {
                for origin in ["", "sms.example.com", &long] {
                    let text = message(&purpose, language, origin);
                    let size = segments(&text);
                    assert_eq!((size.encoding, size.parts), (Encoding::Gsm7, 1), "{text}");
                }
            }
        }
    }

    #[test]
    fn each_act_has_words_of_its_own() {
        for words in [english, polish] {
            let mut all: Vec<_> = ActName::ALL.map(words).to_vec();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), ActName::ALL.len());
        }
    }
}
