use super::*;
use countersign_core::{
    id::{InvitationId, NoticeId, TenantId},
    locale::Locale,
    people::{
        hours::Zone,
        invitation::LinkSecret,
        notice::{By, LinkPath, List, News, Recipient, Words as Given},
        person::{EmailAddress, PersonName},
    },
    phone::Country,
    tenant::TenantName,
    time::Timestamp,
};
use rand::{SeedableRng, rngs::StdRng};

fn office() -> Office {
    Office {
        origin: "https://portal.codes.example".to_owned(),
        support: Some("help@codes.example, +48 61 000 00 00".to_owned()),
    }
}

fn secret() -> LinkSecret {
    LinkSecret::generate(&mut StdRng::seed_from_u64(1))
}

/// 2026-11-25, 21:12 UTC, which is 22:12 in Warsaw.
const AT: Timestamp = Timestamp::from_millis(1_795_641_120_000);

fn notice(language: &str, news: News) -> Notice {
    Notice {
        id: NoticeId::from_bytes([1; 16]),
        person: None,
        to: Recipient::Mail(EmailAddress::parse("marta@zielonykoszyk.example").unwrap()),
        name: PersonName::parse("Marta Wiśniewska"),
        language: Locale::parse(language).unwrap(),
        zone: Zone::parse("Europe/Warsaw").unwrap(),
        made_at: AT,
        news,
    }
}

fn invitation(tenant: &str, name: &str) -> News {
    let ids = (TenantId::from_bytes([1; 16]), InvitationId::from_bytes([2; 16]));
    News::Invitation {
        tenant: TenantName::parse(tenant).unwrap(),
        invited_by: PersonName::parse(name),
        link: LinkPath::invitation(ids.0, ids.1, &secret()),
        expires: AT,
    }
}

fn new_device(finished: bool) -> News {
    News::NewDevice {
        at: AT,
        finished,
        address: "192.0.2.214".parse().unwrap(),
        country: Country::parse("LV"),
        browser: Given::new("Chrome 141"),
        os: Given::new("macOS"),
        link: LinkPath::mail(&secret()),
    }
}

fn all_news() -> Vec<News> {
    let tenant = || TenantName::parse("Zielony Koszyk").unwrap();
    let name = || PersonName::parse("Jan Kowalski").unwrap();
    let link = || LinkPath::mail(&secret());
    vec![
        invitation("Zielony Koszyk", "Marta Wiśniewska"),
        invitation("Zielony Koszyk", ""),
        new_device(true),
        new_device(false),
        News::PasswordChanged { at: AT },
        News::ResetPassword { link: LinkPath::reset(&secret()), expires: AT },
        News::TwoFactorOn,
        News::TwoFactorOff { at: AT, by: By::Person },
        News::TwoFactorOff { at: AT, by: By::Owner },
        News::TwoFactorOff { at: AT, by: By::Operator },
        News::NumberChanged { at: AT, ends_with: Given::new("231") },
        News::RecoveryCodeUsed { left: 0 },
        News::RecoveryCodeUsed { left: 1 },
        News::RecoveryCodeUsed { left: 3 },
        News::RecoveryCodeUsed { left: 9 },
        News::RecoveryCodesMade,
        News::ConfirmAddress { link: link(), expires: AT },
        News::AddressChanging { to: Given::new("m***@new.example"), undo: link() },
        News::AddressRestored { at: AT },
        News::AddressLeft { at: AT },
        News::AddressSet { at: AT, to: Given::new("m***@new.example") },
        News::SignedOut { at: AT },
        News::EnrolTwoFactor { tenant: tenant(), link: LinkPath::two_factor(&secret()), expires: AT },
        News::TwoFactorResetStarted { tenant: tenant(), effective: AT, cancel: link() },
        News::PasswordOld { days: 30, forced: true },
        News::PasswordOld { days: 30, forced: false },
        News::NewOwner { tenant: tenant(), name: name() },
        News::MemberTwoFactorOff { tenant: tenant(), name: name() },
        News::ListChanged { tenant: tenant(), list: List::Api, by: Some(Given::new("Jan Kowalski")) },
        News::ListChanged { tenant: tenant(), list: List::Portal, by: None },
        News::CodesRevealGranted { tenant: tenant(), to: Given::new("Call centre") },
        News::PoolAt80 { tenant: tenant(), member: name(), used: 8_000, of: 10_000 },
    ]
}

#[test]
fn a_new_device_is_told_as_text() {
    let letter = write_mail(&notice("en", new_device(false)), &office());
    assert_eq!(letter.subject, "Somebody typed your password on a new device");
    let url = format!("https://portal.codes.example/portal/mail/{}", *secret().expose());
    assert_eq!(letter.links, [url.as_str()]);
    let expected = format!(
        "Hello Marta Wiśniewska,

The password was right. Without the code that we send to your phone,
nobody gets in.

  When:    Wednesday 25 November 2026, 22:12 (Europe/Warsaw)
  From:    192.0.2.214, Latvia
  Browser: Chrome 141 on macOS

IT WAS YOU
Then there is nothing to do. Mark the browser as trusted under Devices
and activity, and we stop telling you about it.

IT WAS NOT YOU
Somebody knows your password. End all sessions now, then choose another
password. Do not give a code to anybody.

Sign out everywhere:
{url}

The link opens a page with one button. It works until 2 December 2026
and once.

To choose another password, open portal.codes.example yourself and go to
Your security.

-- 
Nobody who works for us will ever ask for your password or a code.
Links in our mails lead to portal.codes.example and nowhere else.
Questions? help@codes.example, +48 61 000 00 00
"
    );
    assert_eq!(letter.text, expected);
}

#[test]
fn every_mail_is_whole_in_each_language() {
    for language in ["en", "pl"] {
        for news in all_news() {
            let kind = news.kind();
            let letter = write_mail(&notice(language, news), &office());
            for text in [&letter.subject, &letter.text, &letter.html] {
                // A missing text shows its key, a missing value its name.
                assert!(!text.contains("{$") && !text.contains("mail-"), "{kind} {language}: {text}");
                assert!(!text.contains("-subject") && !text.contains("-text"), "{kind} {language}: {text}");
                assert!(!text.is_empty());
            }
            let never = if language == "en" { "Nobody who works for us" } else { "Nikt, kto u nas pracuje" };
            for part in [&letter.text, &letter.html] {
                assert!(part.contains(never) && part.contains("help@codes.example"), "{kind}");
                assert!(letter.links.iter().all(|link| part.contains(link.as_str())));
            }
            let long = |line: &&str| line.chars().count() > 72 && !line.starts_with("https://");
            assert_eq!(letter.text.lines().find(long), None, "{kind} {language}");
            assert_eq!(letter.html.matches("https://").count(), 2 * letter.links.len(), "{kind}");
            for never in ["<table", "<img", "<script", "<style", "class=", "src=", "url("] {
                assert!(!letter.html.contains(never), "{kind}: {never}");
            }
        }
    }
}

/// Writes all mails and SMS into the folder `COUNTERSIGN_PAGES`, for those who want to look at them.
#[test]
#[expect(clippy::disallowed_methods, reason = "the reader of the mails chooses the folder")]
fn the_mails_can_be_looked_at() {
    let Some(folder) = std::env::var_os("COUNTERSIGN_PAGES") else { return };
    let folder = std::path::Path::new(&folder).join("mails");
    std::fs::create_dir_all(&folder).unwrap();
    for language in ["en", "pl"] {
        for (place, news) in all_news().into_iter().enumerate() {
            let (kind, notice) = (news.kind(), notice(language, news));
            let name = |end: &str| folder.join(format!("{place:02}-{kind}.{language}.{end}"));
            let letter = write_mail(&notice, &office());
            std::fs::write(name("html"), letter.html).unwrap();
            std::fs::write(name("txt"), format!("{}\n\n{}", letter.subject, letter.text)).unwrap();
            if let Some(sms) = write_sms(&notice, &office()) {
                std::fs::write(name("sms.txt"), sms).unwrap();
            }
        }
    }
}

#[test]
fn names_from_outside_stay_text() {
    let letter =
        write_mail(&notice("en", invitation("<b>Evil.example</b>", "http://evil.example")), &office());
    assert!(
        !letter.html.contains("<b>") && letter.html.contains("&#60;b&#62;Evil.\u{200c}example"),
        "{}",
        letter.html
    );
    assert_eq!(
        letter.subject,
        "You are invited to <b>Evil.\u{200c}example<\u{200c}/b>".replace("<\u{200c}/b>", "</\u{200c}b>")
    );
    for part in [&letter.subject, &letter.text, &letter.html] {
        assert!(!part.contains("evil.example") && !part.contains("http://"), "{part}");
    }
    assert!(letter.links.iter().all(|link| link.starts_with("https://portal.codes.example/portal/")));
}

#[test]
fn an_sms_is_short_and_plain() {
    for language in ["en", "pl"] {
        for news in all_news() {
            let told = matches!(news, News::NumberChanged { .. } | News::TwoFactorOff { .. });
            let sms = write_sms(&notice(language, news), &office());
            assert_eq!(sms.is_some(), told);
            let one = |text: &String| text.is_ascii() && text.len() <= 160 && text.contains("codes.example");
            assert!(sms.as_ref().is_none_or(one), "{sms:?}");
        }
    }
}

#[test]
fn a_language_without_texts_gets_english_ones() {
    let letter = write_mail(&notice("de", News::TwoFactorOn), &Office { support: None, ..office() });
    assert_eq!(letter.subject, "Two-factor sign-in is on");
    assert!(!letter.text.contains("Questions"));
}

/// The same news with markup in place of each word from outside.
fn hostile(news: News) -> News {
    let markup = "<img src=x onerror=alert(1)>\"'&";
    let (words, person) = (|| Given::new(markup), || PersonName::parse(markup).unwrap());
    let tenant = || TenantName::parse(markup).unwrap();
    match news {
        News::Invitation { link, expires, .. } => {
            News::Invitation { tenant: tenant(), invited_by: Some(person()), link, expires }
        }
        News::NewDevice { at, finished, address, country, link, .. } => {
            News::NewDevice { at, finished, address, country, browser: words(), os: words(), link }
        }
        News::NumberChanged { at, .. } => News::NumberChanged { at, ends_with: words() },
        News::AddressChanging { undo, .. } => News::AddressChanging { to: words(), undo },
        News::EnrolTwoFactor { link, expires, .. } => {
            News::EnrolTwoFactor { tenant: tenant(), link, expires }
        }
        News::TwoFactorResetStarted { effective, cancel, .. } => {
            News::TwoFactorResetStarted { tenant: tenant(), effective, cancel }
        }
        News::NewOwner { .. } => News::NewOwner { tenant: tenant(), name: person() },
        News::MemberTwoFactorOff { .. } => News::MemberTwoFactorOff { tenant: tenant(), name: person() },
        News::ListChanged { list, .. } => News::ListChanged { tenant: tenant(), list, by: Some(words()) },
        News::CodesRevealGranted { .. } => News::CodesRevealGranted { tenant: tenant(), to: words() },
        News::PoolAt80 { used, of, .. } => News::PoolAt80 { tenant: tenant(), member: person(), used, of },
        other => other,
    }
}

#[test]
fn no_name_is_markup_in_any_mail() {
    for language in ["en", "pl"] {
        for news in all_news() {
            let kind = news.kind();
            let name = PersonName::parse("<img src=y onerror=alert(2)>");
            assert!(name.is_some());
            let letter = write_mail(&Notice { name, ..notice(language, hostile(news)) }, &office());
            assert!(letter.html.contains("&#60;img src=y"), "{kind}: the greeting is in it");
            assert!(
                !letter.html.contains("<img") && !letter.html.contains("'&\"<"),
                "{kind}: {}",
                letter.html
            );
            // What is no tag of ours is none: each begins with a letter or a slash, and has no handler.
            for tag in letter.html.split('<').skip(1) {
                let tag = tag.split('>').next().unwrap_or_default();
                assert!(!tag.contains("onerror") && !tag.contains("alert("), "{kind}: <{tag}>");
            }
            assert!(!letter.subject.contains(['\r', '\n']), "{kind}");
        }
    }
}
