//! The codes that go to persons, and the tenants that send them.

use super::{Bench, number, rng, seconds, wrong};
use countersign_core::{
    access::{actor::Actor, change::Change},
    acts::{
        cancel::cancel_verification,
        check::{Submitted, check_code as check_any},
        history::{
            erase::erase_number,
            list::{ListRequest, list_verifications, search_verifications},
            timeline::read_timeline,
        },
        read::read_verification,
        resend::resend_verification,
        start::{request::StartRequest, start_verification},
        ways::portal_has_route,
    },
    code::Code,
    context::Context,
    delivery::account::{ProviderAccount, Shared},
    fakes::gateways::NoGateways,
    id::{PersonId, ProviderId, VerificationId},
    locale::Locale,
    management::{
        resources::ResourceName,
        routes::{RouteChange, create_route},
        settings::clear_number,
        system_tenants::{SENDS, prepare_system_tenants},
    },
    mode::Mode,
    people::proof_act::ActName,
    phone::{Country, PhoneNumber, countries::Countries},
    ports::clock::Clock as _,
    sign_in::{
        codes::{CodeCheck, CodeEnd, CodeError, NewCode, Sent, check_code, resend_code, send_code},
        purpose::Purpose,
    },
    tenant::{OPERATOR, PORTAL, PORTAL_ENROL},
};
use futures_util::future::join_all;
use serde_json::json;
use std::sync::Arc;

const SIGN_IN: Purpose<'_> = Purpose::SignIn { tenant_name: None };
const KEY: Purpose<'_> = Purpose::Proof { act: ActName::Key };

fn enrol(person: u8) -> Purpose<'static> {
    Purpose::Enrol { person: PersonId::from_bytes([person; 16]) }
}

impl Bench {
    async fn prepare(&self) {
        let (countries, by) = (Countries::only(Country::parse("PL")), Change::by_system(self.clock.now()));
        // The second time changes nothing.
        for _ in 0..2 {
            prepare_system_tenants(&self.context, &countries, &by, &mut rng()).await.unwrap();
        }
        self.context.refresh().await.unwrap();
    }

    async fn send(&self, purpose: Purpose<'_>, to: &str) -> Result<Sent, CodeError> {
        self.send_in(&self.context, purpose, to).await
    }

    async fn send_in(&self, context: &Context, purpose: Purpose<'_>, to: &str) -> Result<Sent, CodeError> {
        let (to, language) = (PhoneNumber::parse(to).unwrap(), Locale::default());
        let caller = Some(std::net::Ipv4Addr::LOCALHOST.into());
        let new = NewCode { to: &to, purpose, language: &language, origin: None, stranger: None, caller };
        send_code(context, &self.waits, &new, self.clock.now(), &mut rng()).await
    }

    async fn send_again(&self, purpose: Purpose<'_>, id: VerificationId) -> Result<Sent, CodeError> {
        self.clock.turn(seconds(60));
        resend_code(&self.context, &self.waits, &purpose, id, self.clock.now(), &mut rng()).await
    }

    async fn type_in(&self, purpose: Purpose<'_>, id: VerificationId, typed: &str) -> CodeCheck {
        check_code(&self.context, &purpose, id, typed, self.clock.now(), &mut rng()).await.unwrap()
    }

    /// The code in the message of a verification.
    async fn code_sent(&self, sent: &Sent) -> Code {
        let claims = self.claim().await;
        self.code_of(claims.iter().find(|claim| claim.key.id == sent.verification).unwrap())
    }
}

fn limited<T: std::fmt::Debug>(answer: &Result<T, CodeError>) -> bool {
    matches!(answer, Err(CodeError::Limited(wait)) if !wait.is_zero())
}

pub async fn a_code_counts_once_and_for_its_own_attempt(bench: Bench) {
    bench.prepare().await;
    let one = bench.send(SIGN_IN, &number(1)).await.unwrap();
    let code = bench.code_sent(&one).await;
    assert_eq!(code.expose().len(), 6);
    assert_eq!(one.expires_at.since(bench.clock.now()), seconds(600));
    let other = bench.send(SIGN_IN, &number(1)).await.unwrap();
    let other_code = bench.code_sent(&other).await;
    if other_code.expose() != code.expose() {
        let typed = bench.type_in(SIGN_IN, other.verification, code.expose()).await;
        assert_eq!(typed, CodeCheck::Wrong { left: 4 }, "a code of another attempt");
    }
    // A number that is being confirmed is another tenant's.
    let elsewhere = bench.type_in(enrol(1), one.verification, code.expose()).await;
    assert_eq!(elsewhere, CodeCheck::Ended(CodeEnd::Expired));
    for nonsense in ["", "12345", "no code", &"1".repeat(100)] {
        let typed = bench.type_in(SIGN_IN, one.verification, nonsense).await;
        assert_eq!(typed, CodeCheck::Wrong { left: 5 }, "{nonsense} uses up no try");
    }
    let spaced = format!("{} {}", &code.expose()[..3], &code.expose()[3..]);
    assert_eq!(bench.type_in(SIGN_IN, one.verification, &spaced).await, CodeCheck::Right);
    let again = bench.type_in(SIGN_IN, one.verification, code.expose()).await;
    assert_eq!(again, CodeCheck::Ended(CodeEnd::Used));
    bench.clock.turn(seconds(601));
    let late = bench.type_in(SIGN_IN, other.verification, other_code.expose()).await;
    assert_eq!(late, CodeCheck::Ended(CodeEnd::Expired));
}

pub async fn a_message_goes_out_three_times_and_no_oftener(bench: Bench) {
    bench.prepare().await;
    let first = bench.send(KEY, &number(1)).await.unwrap();
    let now = bench.clock.now();
    let soon = resend_code(&bench.context, &bench.waits, &KEY, first.verification, now, &mut rng()).await;
    assert!(limited(&soon), "{soon:?}");
    let code = bench.code_sent(&first).await;
    for n in 1..SENDS {
        let again = bench.send_again(KEY, first.verification).await.unwrap();
        assert_eq!(again.expires_at, first.expires_at, "a message makes a code no younger");
        assert_eq!(again.resend_at.is_none(), n + 1 == SENDS);
    }
    let fourth = bench.send_again(KEY, first.verification).await;
    assert!(matches!(fourth, Err(CodeError::NoSendsLeft)), "{fourth:?}");
    assert_eq!(bench.type_in(KEY, first.verification, code.expose()).await, CodeCheck::Right);
    let over = bench.send_again(KEY, first.verification).await;
    assert!(matches!(over, Err(CodeError::Ended(CodeEnd::Used))), "{over:?}");
}

pub async fn of_fifty_wrong_codes_at_once_five_are_compared(bench: Bench) {
    bench.prepare().await;
    let sent = bench.send(SIGN_IN, &number(1)).await.unwrap();
    let code = bench.code_sent(&sent).await;
    let guess = wrong(&code);
    let all = join_all((0..50).map(|_| bench.type_in(SIGN_IN, sent.verification, guess.expose()))).await;
    let mut left: Vec<_> = all
        .iter()
        .filter_map(|check| match check {
            CodeCheck::Wrong { left } => Some(*left),
            CodeCheck::Ended(CodeEnd::Exhausted) => None,
            other => panic!("{other:?}"),
        })
        .collect();
    left.sort_unstable();
    assert_eq!(left, [1, 2, 3, 4], "the fifth ended it");
    let right = bench.type_in(SIGN_IN, sent.verification, code.expose()).await;
    assert_eq!(right, CodeCheck::Ended(CodeEnd::Exhausted));
}

pub async fn a_person_tries_three_numbers_and_six_messages_a_day(bench: Bench) {
    bench.prepare().await;
    let first = bench.send(enrol(1), &number(1)).await.unwrap();
    bench.send_again(enrol(1), first.verification).await.unwrap();
    for n in 2..=3 {
        bench.send(enrol(1), &number(n)).await.unwrap();
    }
    let fourth = bench.send(enrol(1), &number(4)).await;
    assert!(limited(&fourth), "a fourth number: {fourth:?}");
    bench.send(enrol(1), &number(1)).await.unwrap();
    bench.send(enrol(1), &number(2)).await.unwrap();
    for more in [bench.send(enrol(1), &number(3)).await, bench.send_again(enrol(1), first.verification).await]
    {
        assert!(limited(&more), "a seventh message: {more:?}");
    }
    bench.send(enrol(2), &number(4)).await.unwrap();
    bench.send(SIGN_IN, &number(1)).await.unwrap();
    bench.clock.turn(seconds(86_400));
    for n in 4..=6 {
        bench.send(enrol(1), &number(n)).await.unwrap();
    }
    assert!(limited(&bench.send(enrol(1), &number(7)).await), "the next day has its own three");
}

pub async fn of_twenty_numbers_at_once_three_get_a_message(bench: Bench) {
    bench.prepare().await;
    let numbers: Vec<_> = (1..=20).map(number).collect();
    let all = join_all(numbers.iter().map(|to| bench.send(enrol(1), to))).await;
    assert_eq!(all.iter().filter(|sent| sent.is_ok()).count(), 3);
    assert!(all.iter().all(|sent| sent.is_ok() || limited(sent)), "{all:?}");
    assert_eq!(bench.claim().await.len(), 3);
}

pub async fn a_strangers_number_gets_few_messages_from_all_persons_together(bench: Bench) {
    bench.prepare().await;
    for person in 1..=3 {
        bench.send(enrol(person), &number(1)).await.unwrap();
    }
    assert!(limited(&bench.send(enrol(4), &number(1)).await), "a fourth within ten minutes");
    for person in 4..=6 {
        bench.clock.turn(seconds(601));
        bench.send(enrol(person), &number(1)).await.unwrap();
    }
    bench.clock.turn(seconds(601));
    assert!(limited(&bench.send(enrol(7), &number(1)).await), "a seventh within a day");
    bench.send(enrol(7), &number(2)).await.unwrap();
    bench.send(SIGN_IN, &number(1)).await.unwrap();
}

pub async fn what_is_refused_counts_nothing(bench: Bench) {
    bench.prepare().await;
    for n in 0..7 {
        let abroad = bench.send(enrol(1), &format!("+49151123456{n}0")).await;
        assert!(matches!(abroad, Err(CodeError::CountryNotAllowed(Some(_)))), "{abroad:?}");
    }
    for n in 1..=3 {
        bench.send(enrol(1), &number(n)).await.unwrap();
    }
    assert!(limited(&bench.send(enrol(1), &number(4)).await));
}

pub async fn without_a_route_there_are_no_codes(bench: Bench) {
    bench.prepare().await;
    let mut context = bench.context.clone();
    context.management.live_route = false;
    for purpose in [SIGN_IN, KEY, enrol(1)] {
        let sent = bench.send_in(&context, purpose, &number(1)).await;
        assert!(matches!(sent, Err(CodeError::NoRoute)), "{sent:?}");
    }
    share_route(&bench, Shared::With([bench.caller.tenant].into()), "others").await;
    assert!(!portal_has_route(&context), "it is shared with another tenant only");
    share_route(&bench, Shared::With([PORTAL].into()), "portal").await;
    assert!(portal_has_route(&context));
    for purpose in [SIGN_IN, KEY, enrol(1)] {
        bench.send_in(&context, purpose, &number(1)).await.unwrap();
    }
    // The provider is away: the person learns it at once, instead of waiting for a code.
    context.management.gateways = Arc::new(NoGateways { shut: true });
    for purpose in [SIGN_IN, enrol(2)] {
        let sent = bench.send_in(&context, purpose, &number(1)).await;
        assert!(matches!(sent, Err(CodeError::Unavailable(_))), "{sent:?}");
    }
}

/// Makes an account of the operator with a route.
async fn share_route(bench: &Bench, shared: Shared, name: &str) {
    let (now, by) = (bench.clock.now(), Change::by_operator(bench.clock.now()));
    let id = ProviderId::new(now, &mut rng());
    let settings = json!({ "url": "https://sms.example/" });
    let account = ProviderAccount {
        id,
        tenant: OPERATOR,
        name: name.to_owned(),
        kind: "http".to_owned(),
        enabled: true,
        rate: None,
        shared,
        verified_at: Some(now),
        sealed: ProviderAccount::seal(&bench.context.keyring, (OPERATOR, id), &settings, &mut rng()),
        shown: settings,
        receipts: Default::default(),
        version: 1,
        created_at: now,
    };
    bench.context.directory.create_resource(&account.resource(now), &[], None, &by).await.unwrap();
    let name = ResourceName::parse(name).unwrap();
    let change = RouteChange::default();
    create_route(&bench.context, OPERATOR, (name, id), change, None, &by, &mut rng()).await.unwrap();
    bench.context.refresh().await.unwrap();
}

pub async fn nobody_else_acts_in_the_tenants_of_the_portal(bench: Bench) {
    bench.prepare().await;
    let (context, now) = (&bench.context, bench.clock.now());
    let sent = bench.send(SIGN_IN, &number(1)).await.unwrap();
    let code = bench.code_sent(&sent).await;
    let to = PhoneNumber::parse(&number(1)).unwrap();
    for tenant in [OPERATOR, PORTAL, PORTAL_ENROL] {
        let key = Actor { tenant, ..bench.caller.clone() };
        let test = Actor { mode: Mode::Test, ..Actor::system(tenant) };
        for actor in [&key, &Actor::operator(tenant), &test] {
            let (by, id) = (Change::by(actor, None, now), sent.verification);
            let started = StartRequest::plain(to.clone());
            let mut rng = rng();
            let refusals = [
                start_verification(context, actor, started, None, now, &mut rng).await.err().map(said),
                check_any(context, actor, id, Submitted::plain(&code), now, &mut rng).await.err().map(said),
                resend_verification(context, actor, id, None, &by, &mut rng).await.err().map(said),
                cancel_verification(context, actor, id, &by, &mut rng).await.err().map(said),
                read_verification(context, actor, id, now).await.err().map(said),
                read_timeline(context, actor, id).await.err().map(said),
                list_verifications(context, actor, every(), now).await.err().map(said),
                search_verifications(context, actor, &to, (None, 10), now).await.err().map(said),
                erase_number(context, actor, &to, &by).await.err().map(said),
                clear_number(context, actor, &to, &by).await.err().map(said),
            ];
            for (n, refusal) in refusals.into_iter().enumerate() {
                assert!(refusal.is_some_and(|said| said.contains("NotOfSystem")), "{tenant} {n}");
            }
        }
    }
    assert_eq!(bench.type_in(SIGN_IN, sent.verification, code.expose()).await, CodeCheck::Right);
}

fn said(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn every() -> ListRequest {
    ListRequest {
        profile: None,
        status: None,
        created_after: None,
        created_before: None,
        before: None,
        limit: 10,
    }
}
