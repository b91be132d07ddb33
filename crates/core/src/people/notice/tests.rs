use super::*;
use crate::{
    id::{InvitationId, TenantId},
    keyring::VersionedKey,
    people::invitation::LinkSecret,
    tenant::TenantName,
};
use rand::{SeedableRng, rngs::StdRng};

fn ring(byte: u8) -> KeyRing {
    let key = || vec![VersionedKey { version: 1, key: [byte; 32] }];
    KeyRing::new([byte; 32], key(), key()).unwrap()
}

fn all_news() -> Vec<News> {
    let at = Timestamp::from_millis(1_790_000_000_000);
    let secret = LinkSecret::generate(&mut StdRng::seed_from_u64(1));
    let tenant = || TenantName::parse("Zielony Koszyk").unwrap();
    let name = || PersonName::parse("Żaneta Ł.").unwrap();
    let ids = (TenantId::from_bytes([1; 16]), InvitationId::from_bytes([0xff; 16]));
    let invite = LinkPath::invitation(ids.0, ids.1, &secret);
    let mail = || LinkPath::mail(&secret);
    let words = Words::new;
    vec![
        News::Invitation { tenant: tenant(), invited_by: Some(name()), link: invite.clone(), expires: at },
        News::Invitation { tenant: tenant(), invited_by: None, link: invite, expires: at },
        News::NewDevice {
            at,
            finished: true,
            address: "2001:db8::1".parse().unwrap(),
            country: crate::phone::Country::parse("LV"),
            browser: words("Chrome 141"),
            os: words(""),
            link: mail(),
        },
        News::PasswordChanged { at },
        News::ResetPassword { link: LinkPath::reset(&secret), expires: at },
        News::TwoFactorOn,
        News::TwoFactorOff { at, by: By::Person },
        News::TwoFactorOff { at, by: By::Owner },
        News::TwoFactorOff { at, by: By::Operator },
        News::NumberChanged { at, ends_with: words("231") },
        News::RecoveryCodeUsed { left: 9 },
        News::RecoveryCodesMade,
        News::ConfirmAddress { link: mail(), expires: at },
        News::AddressChanging { to: words("a***@b.pl"), undo: mail() },
        News::AddressRestored { at },
        News::AddressLeft { at },
        News::AddressSet { at, to: words("b***@b.pl") },
        News::SignedOut { at },
        News::EnrolTwoFactor { tenant: tenant(), link: LinkPath::two_factor(&secret), expires: at },
        News::TwoFactorResetStarted { tenant: tenant(), effective: at, cancel: mail() },
        News::PasswordOld { days: 30, forced: true },
        News::NewOwner { tenant: tenant(), name: name() },
        News::MemberTwoFactorOff { tenant: tenant(), name: name() },
        News::ListChanged { tenant: tenant(), list: List::Api, by: Some(words("Anna")) },
        News::ListChanged { tenant: tenant(), list: List::Portal, by: None },
        News::CodesRevealGranted { tenant: tenant(), to: words("Call centre") },
        News::PoolAt80 { tenant: tenant(), member: name(), used: 80, of: 100 },
    ]
}

fn notice(news: News) -> Notice {
    Notice {
        id: NoticeId::from_bytes([1; 16]),
        person: Some(PersonId::from_bytes([2; 16])),
        to: Recipient::Mail(EmailAddress::parse("Anna@example.com").unwrap()),
        name: PersonName::parse("Anna Żak"),
        language: Locale::parse("pl").unwrap(),
        zone: Zone::parse("Europe/Warsaw").unwrap(),
        made_at: Timestamp::from_millis(1_790_000_000_123),
        news,
    }
}

fn claim(sealed: &SealedNotice, tries: u32) -> NoticeClaim {
    let SealedNotice { id, person, kind, channel, ref sealed, made_at } = *sealed;
    NoticeClaim { id, person, kind: kind.to_owned(), channel, sealed: sealed.clone(), made_at, tries }
}

#[test]
fn every_notice_reads_back_and_only_from_its_own_row() {
    let (keyring, mut rng) = (ring(1), StdRng::seed_from_u64(2));
    let number = PhoneNumber::parse("+48500600231").unwrap();
    for news in all_news() {
        let mail = notice(news);
        let sms = Notice { to: Recipient::Sms(number.clone()), name: None, person: None, ..mail.clone() };
        for whole in [mail, sms] {
            let claim = claim(&whole.sealed(&keyring, &mut rng), 1);
            assert_eq!(claim.open(&keyring).as_ref(), Some(&whole), "{}", claim.kind);
            assert_eq!(claim.channel, whole.channel());
            assert_eq!(claim.open(&ring(2)), None);
            let moved = NoticeClaim { id: NoticeId::from_bytes([9; 16]), ..claim.clone() };
            assert_eq!(moved.open(&keyring), None);
            let moved = NoticeClaim { person: Some(PersonId::from_bytes([9; 16])), ..claim };
            assert_eq!(moved.open(&keyring), None);
        }
    }
}

#[test]
fn each_kind_of_news_has_a_name_of_its_own() {
    let mut kinds: Vec<_> = all_news().iter().map(News::kind).collect();
    kinds.dedup();
    let mut unique = kinds.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!((kinds.len(), unique.len()), (23, 23));
}

#[test]
fn there_are_eight_tries_in_twelve_hours() {
    assert_eq!(WAITS.iter().sum::<Duration>(), Duration::from_secs(12 * 3_600));
    let sealed = notice(News::TwoFactorOn).sealed(&ring(1), &mut StdRng::seed_from_u64(1));
    let (mut now, start) = (sealed.made_at, sealed.made_at);
    for tries in 1..8 {
        assert!(!claim(&sealed, tries).is_used_up());
        now = claim(&sealed, tries).next_try(now).unwrap();
    }
    assert_eq!(now, start + Duration::from_secs(12 * 3_600));
    assert!(!claim(&sealed, 8).is_used_up(), "the eighth try is made");
    assert_eq!(claim(&sealed, 8).next_try(now), None);
    assert!(claim(&sealed, 9).is_used_up());
}

#[test]
fn debug_shows_neither_address_nor_link_nor_name() {
    for news in all_news() {
        let shown = format!("{:?}", notice(news));
        for secret in ["nna", "example.com", "/portal", "aneta"] {
            let by_words = shown.contains("ListChanged");
            assert!(by_words || !shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn a_link_leads_into_the_portal_and_words_stay_on_their_line() {
    for text in [
        "https://evil.example/portal/",
        "/portal/mail/x?y",
        "/portal/\r\n",
        "//evil/portal/",
        &"/portal/".repeat(30),
    ] {
        assert!(LinkPath::parse(text).is_none(), "{text}");
    }
    assert_eq!(Words::new(" a\r\nb\u{202e} ").as_str(), "ab");
    assert_eq!(Words::new(&"x".repeat(100)).as_str().len(), 64);
}
