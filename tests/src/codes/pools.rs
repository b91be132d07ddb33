//! The limits of a member on its messages: sending hours, most parts, and the monthly pool of parts.

use super::{Bench, new_member, number, rng, seconds, wrong};
use countersign_core::{
    access::{actor::Actor, change::Change},
    acts::{
        families::{Family, FamilyError, FamilyStart, start_in_family},
        resend::{ResendError, resend_verification},
        sending::{Opening, PoolUse, SendingError, read_pool},
        start::{
            request::{Made, StartError, StartRequest},
            start_verification,
        },
    },
    id::{RecordKey, VerificationId},
    management::reviews::create_review_number,
    message::caller_text::CallerText,
    mode::Mode,
    people::{
        hours::{Hours, Zone},
        member::{Limits, Member},
    },
    phone::PhoneNumber,
    ports::clock::Clock,
    tenant::limits::LimitHit,
    time::Timestamp,
    verification::{idempotency::IdempotencyError, outcome::CheckOutcome},
};
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};

/// 2026-10-01T00:00:00Z. The clock of a bench begins on 2026-09-21 at 14:13:20 UTC, a Monday.
const OCTOBER: Timestamp = Timestamp::from_millis(1_790_812_800_000);
const DAY: u64 = 86_400;

fn limits() -> Limits {
    Limits::of_owner(Zone::default())
}

fn pool(parts: u32) -> Limits {
    Limits { pool: Some(parts), ..limits() }
}

/// A bench whose caller is a key of a member.
struct Desk {
    bench: Bench,
    member: Member,
    caller: Actor,
}

impl Desk {
    async fn new(bench: Bench, limits: Limits) -> Self {
        let member = new_member(&bench.context, bench.caller.tenant, limits, bench.clock.now()).await;
        let caller = Actor { member: Some(member.id), ..bench.caller.clone() };
        Self { bench, member, caller }
    }

    async fn set(&mut self, limits: Limits) {
        let changed = Member { limits, version: self.member.version + 1, ..self.member.clone() };
        let by = Change::by_system(self.bench.clock.now());
        self.bench.context.directory.update_member((&self.member, &changed), None, &[], &by).await.unwrap();
        self.bench.context.refresh().await.unwrap();
        self.member = changed;
    }

    fn in_test(&self) -> Actor {
        Actor { mode: Mode::Test, ..self.caller.clone() }
    }

    /// Turns the clock to this time.
    fn turn_to(&self, at: Timestamp) {
        self.bench.clock.turn(at.since(self.bench.clock.now()));
    }

    async fn make(
        &self,
        caller: &Actor,
        request: StartRequest,
        once: Option<(&str, &str)>,
    ) -> Result<Made, StartError> {
        let (context, now) = (&self.bench.context, self.bench.clock.now());
        let once = once.and_then(|(key, body)| self.bench.once(key, body));
        start_verification(context, caller, request, once, now, &mut rng()).await
    }

    async fn start(&self, to: usize) -> Result<Made, StartError> {
        self.make(&self.caller, plain(to), None).await
    }

    async fn resend(&self, id: VerificationId, once: Option<(&str, &str)>) -> Result<(), ResendError> {
        let (context, now) = (&self.bench.context, self.bench.clock.now());
        let once = once.and_then(|(key, body)| self.bench.once(key, body));
        resend_verification(context, &self.caller, id, once, &Change::by_system(now), &mut rng())
            .await
            .map(drop)
    }

    async fn pool_use(&self) -> PoolUse {
        let now = self.bench.clock.now();
        read_pool(&self.bench.context, &self.member, now).await.unwrap().unwrap()
    }

    async fn used(&self) -> u32 {
        self.pool_use().await.used
    }
}

fn plain(to: usize) -> StartRequest {
    StartRequest::plain(PhoneNumber::parse(&number(to)).unwrap())
}

/// A request whose message has two parts: 100 characters of 16 bits.
fn long(to: usize) -> StartRequest {
    let text = CallerText::parse(&format!("{}{{}}", "ż".repeat(94)), "{}", 160).unwrap();
    StartRequest { text: Some(text), ..plain(to) }
}

fn opening<T: std::fmt::Debug>(outcome: Result<T, StartError>) -> Opening {
    match outcome {
        Err(StartError::Sending(SendingError::OutsideHours(opening))) => opening,
        other => panic!("not outside of the hours: {other:?}"),
    }
}

fn exhausted<T: std::fmt::Debug>(outcome: Result<T, StartError>) -> LimitHit {
    match outcome {
        Err(StartError::Sending(SendingError::PoolExhausted(hit))) => hit,
        other => panic!("the pool did not refuse: {other:?}"),
    }
}

fn is_exhausted(outcome: &Result<(), ResendError>) -> bool {
    matches!(outcome, Err(ResendError::Sending(SendingError::PoolExhausted(_))))
}

fn too_long<T: std::fmt::Debug>(outcome: Result<T, StartError>) -> (u32, u8) {
    match outcome {
        Err(StartError::Sending(SendingError::MessageTooLong { parts, most })) => (parts, most),
        other => panic!("not too long: {other:?}"),
    }
}

pub async fn hours_hold_for_starts_and_resends_and_name_the_next_opening(bench: Bench) {
    // Mondays from 16:00 to 16:30 in Warsaw, which is 14:00 to 14:30 UTC in summer.
    let warsaw = Zone::parse("Europe/Warsaw").unwrap();
    let hours = Hours::NEVER.with(0, 32);
    let mut desk = Desk::new(bench, Limits { zone: warsaw.clone(), hours, ..limits() }).await;
    let half_past = desk.bench.clock.now() + seconds(1_000);
    desk.turn_to(half_past - Duration::from_micros(1));
    let made = desk.start(1).await.unwrap();
    let claims = desk.bench.claim().await;
    assert_eq!(claims.len(), 1);
    let (id, code) = (made.verification.id, desk.bench.code_of(&claims[0]));
    desk.turn_to(half_past + seconds(60));
    let Opening { at, wait, zone } = opening(desk.start(2).await);
    let next = half_past - seconds(1_800) + seconds(7 * DAY);
    assert_eq!((at, wait, zone), (Some(next), Some(next.since(half_past + seconds(60))), warsaw.clone()));
    assert!(matches!(
        desk.resend(id, None).await,
        Err(ResendError::Sending(SendingError::OutsideHours(Opening { at, .. }))) if at == Some(next)
    ));
    let in_family =
        start_in_family(&desk.bench.context, &desk.caller, Family::Camara, plain(3), half_past, &mut rng())
            .await;
    assert!(
        matches!(in_family, Err(FamilyError::Start(StartError::Sending(SendingError::OutsideHours(_))))),
        "{in_family:?}"
    );
    assert_eq!(opening(desk.make(&desk.in_test(), plain(4), None).await).at, Some(next), "in test mode too");
    // A message that was queued before still goes out, and its code is checked.
    assert_eq!(desk.bench.claim().await.len(), 1, "the lease is over");
    assert_eq!(desk.bench.check(id, &wrong(&code)).await.outcome, CheckOutcome::Wrong);
    assert_eq!(desk.bench.check(id, &code).await.outcome, CheckOutcome::Approved);
    assert!(matches!(desk.resend(id, None).await, Err(ResendError::Ended(_))), "it is over before that");
    // Keys of the company and of other members have no such hours.
    desk.bench.start(&number(5)).await.unwrap();
    desk.turn_to(next - Duration::from_micros(1));
    assert_eq!(opening(desk.start(2).await).wait, Some(Duration::from_micros(1)));
    desk.turn_to(next);
    desk.start(2).await.unwrap();
    desk.set(Limits { zone: warsaw, hours: Hours::NEVER, ..limits() }).await;
    assert_eq!(opening(desk.start(6).await).at, None);
    desk.set(limits()).await;
    desk.start(6).await.unwrap();
}

pub async fn a_message_has_most_parts(bench: Bench) {
    let mut desk = Desk::new(bench, Limits { most_parts: Some(1), ..pool(10) }).await;
    desk.start(1).await.unwrap();
    assert_eq!(too_long(desk.make(&desk.caller, long(2), None).await), (2, 1));
    assert_eq!(too_long(desk.make(&desk.in_test(), long(2), None).await), (2, 1), "in test mode too");
    assert_eq!(desk.used().await, 1);
    desk.set(Limits { most_parts: Some(2), ..limits() }).await;
    let made = desk.make(&desk.caller, long(2), None).await.unwrap();
    desk.set(Limits { most_parts: Some(1), ..limits() }).await;
    desk.bench.clock.turn(seconds(31));
    let again = desk.resend(made.verification.id, None).await;
    let parts = |error| match error {
        ResendError::Sending(SendingError::MessageTooLong { parts, most }) => (parts, most),
        other => panic!("{other:?}"),
    };
    assert_eq!(again.map_err(parts), Err((2, 1)));
    desk.set(limits()).await;
    desk.resend(made.verification.id, None).await.unwrap();
}

pub async fn starts_and_resends_take_their_parts_until_the_pool_is_empty(bench: Bench) {
    let desk = Desk::new(bench, pool(4)).await;
    assert_eq!(desk.pool_use().await, PoolUse { used: 0, of: 4, until: OCTOBER });
    let made = desk.start(1).await.unwrap();
    let state = made.limits.iter().find(|state| state.name == "pool").unwrap();
    assert_eq!((state.max, state.remaining, state.window), (4, 3, seconds(30 * DAY)));
    assert_eq!(state.reset, OCTOBER.since(desk.bench.clock.now()));
    let key = RecordKey { tenant: desk.caller.tenant, mode: Mode::Live, id: made.verification.id };
    let told = desk.bench.codes().timeline(key).await.unwrap()[0].kind.sentence();
    assert!(told.contains("limit pool: 1 of 4 used"), "{told}");
    desk.bench.clock.turn(seconds(31));
    desk.resend(made.verification.id, None).await.unwrap();
    assert_eq!(desk.used().await, 2, "a resend takes again");
    desk.start(2).await.unwrap();
    let refused = exhausted(desk.make(&desk.caller, long(3), None).await);
    assert_eq!((refused.name.as_str(), refused.scope), ("pool", "member"));
    assert_eq!((refused.states.len(), refused.states[0].remaining), (1, 1), "two parts do not fit");
    assert_eq!(desk.used().await, 3);
    desk.start(3).await.unwrap();
    let refused = exhausted(desk.start(4).await);
    assert_eq!(refused.retry_after, OCTOBER.since(desk.bench.clock.now()));
    desk.bench.clock.turn(seconds(60));
    assert!(is_exhausted(&desk.resend(made.verification.id, None).await));
    assert_eq!(desk.pool_use().await, PoolUse { used: 4, of: 4, until: OCTOBER });
    // Other members, and keys of the company, are not concerned.
    desk.bench.start(&number(5)).await.unwrap();
    let desk = Desk::new(desk.bench, pool(1)).await;
    desk.start(6).await.unwrap();
}

pub async fn what_is_refused_or_repeated_takes_no_part(bench: Bench) {
    for (name, buckets) in [("number", "2/600"), ("end_user_ip", "1/86400")] {
        bench.set_limit(name, buckets).await;
    }
    let mut desk = Desk::new(bench, pool(100)).await;
    let from_ip = |to| StartRequest { end_user_ip: Some([192, 0, 2, 1].into()), ..plain(to) };
    let id = desk.make(&desk.caller, from_ip(1), Some(("a", "body"))).await.unwrap().verification.id;
    desk.start(1).await.unwrap();
    assert_eq!(desk.used().await, 2);
    // Twice each: a node that remembers a refusal takes another way.
    for _ in 0..2 {
        let refused = desk.start(1).await;
        assert!(matches!(&refused, Err(StartError::Limited(hit)) if hit.scope == "number"), "{refused:?}");
        let refused = desk.make(&desk.caller, from_ip(2), Some(("b", "body"))).await;
        assert!(
            matches!(&refused, Err(StartError::Limited(hit)) if hit.scope == "end_user_ip"),
            "{refused:?}"
        );
        assert!(desk.make(&desk.caller, from_ip(1), Some(("a", "body"))).await.unwrap().replayed);
        let other = desk.make(&desk.caller, from_ip(1), Some(("a", "other"))).await;
        assert!(matches!(other, Err(StartError::Idempotency(IdempotencyError::Mismatch))), "{other:?}");
        assert!(matches!(desk.resend(id, None).await, Err(ResendError::TooSoon(_))));
        let nobody = VerificationId::new(desk.bench.clock.now(), 7, &mut rng());
        assert!(matches!(desk.resend(nobody, None).await, Err(ResendError::NotFound)));
        assert_eq!(desk.used().await, 2);
    }
    desk.bench.clock.turn(seconds(31));
    for _ in 0..3 {
        desk.resend(id, Some(("c", "body"))).await.unwrap();
        assert_eq!(desk.used().await, 3, "once, and two repeats");
    }
    for wait in [40, 60, 90] {
        desk.bench.clock.turn(seconds(wait));
        desk.resend(id, None).await.unwrap();
    }
    desk.bench.clock.turn(seconds(60));
    assert!(matches!(desk.resend(id, None).await, Err(ResendError::SendsExhausted)));
    desk.bench.cancel(id).await.unwrap();
    assert!(matches!(desk.resend(id, None).await, Err(ResendError::Ended(_))));
    assert_eq!(desk.used().await, 6);
    desk.bench = desk.bench.reopen_with(200).await;
    assert!(matches!(desk.start(3).await, Err(StartError::HistoryBacklog)));
    desk.bench = desk.bench.reopen().await;
    assert_eq!(desk.used().await, 6);
    // If a limit and the pool refuse, the limit answers; the pool answers before the backlog and the number.
    desk.set(pool(6)).await;
    let refused = desk.make(&desk.caller, from_ip(2), None).await;
    assert!(matches!(&refused, Err(StartError::Limited(hit)) if hit.scope == "end_user_ip"), "{refused:?}");
    desk.bench = desk.bench.reopen_with(200).await;
    exhausted(desk.start(1).await);
    desk.bench = desk.bench.reopen().await;
    exhausted(desk.start(1).await);
    // A repeat of what was carried out gets its answer also when the pool is empty.
    assert!(desk.make(&desk.caller, from_ip(1), Some(("a", "body"))).await.unwrap().replayed);
    desk.resend(id, Some(("c", "body"))).await.unwrap();
    // What the pool refused took from no limit.
    desk.set(limits()).await;
    desk.bench.set_limit("tenant", "3/86400").await;
    desk.set(pool(6)).await;
    for to in 10..20 {
        exhausted(desk.start(to).await);
    }
    desk.set(pool(9)).await;
    for to in 10..13 {
        desk.start(to).await.unwrap();
    }
    assert_eq!(desk.used().await, 9);
}

pub async fn equal_resends_at_once_take_one_message(bench: Bench) {
    let desk = Desk::new(bench, pool(2)).await;
    let id = desk.start(1).await.unwrap().verification.id;
    desk.bench.clock.turn(seconds(31));
    let all = join_all((0..20).map(|_| desk.resend(id, Some(("a", "body"))))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(desk.used().await, 2);
    let desk = Desk::new(desk.bench, pool(1)).await;
    let all = join_all((0..20).map(|_| desk.make(&desk.caller, plain(2), Some(("b", "body"))))).await;
    let made: Vec<_> = all.into_iter().map(|made| made.unwrap().verification.id).collect();
    assert!(made.iter().all(|id| *id == made[0]), "{made:?}");
    assert_eq!(desk.used().await, 1);
}

pub async fn test_mode_and_review_numbers_take_no_part(bench: Bench) {
    let strict = Limits { most_parts: Some(1), hours: Hours::NEVER.with(0, 28), ..pool(0) };
    let mut desk = Desk::new(bench, strict).await;
    exhausted(desk.start(1).await);
    let test = desk.make(&desk.in_test(), plain(1), None).await.unwrap();
    assert!(test.limits.iter().all(|state| state.name != "pool"));
    let in_test = Actor { mode: Mode::Test, ..desk.caller.clone() };
    desk.bench.clock.turn(seconds(31));
    let (context, now) = (&desk.bench.context, desk.bench.clock.now());
    resend_verification(context, &in_test, test.verification.id, None, &Change::by_system(now), &mut rng())
        .await
        .unwrap();
    // A reviewer comes at any hour.
    let to = PhoneNumber::parse(&number(2)).unwrap();
    let (ends_at, by) = (now + seconds(30 * DAY), Change::by_system(now));
    create_review_number(context, &desk.bench.caller, &to, (ends_at, None), &by, &mut rng()).await.unwrap();
    context.refresh().await.unwrap();
    desk.bench.clock.turn(seconds(DAY));
    opening(desk.start(1).await);
    let review = desk.make(&desk.caller, long(2), None).await.unwrap();
    assert!(review.limits.iter().all(|state| state.name != "pool"));
    desk.bench.clock.turn(seconds(31));
    desk.resend(review.verification.id, None).await.unwrap();
    assert_eq!(desk.used().await, 0);
    desk.set(limits()).await;
    let made = desk.start(1).await.unwrap();
    assert!(made.limits.iter().all(|state| state.name != "pool"), "without a pool nothing is counted");
    let none = read_pool(&desk.bench.context, &desk.member, desk.bench.clock.now()).await.unwrap();
    assert_eq!(none, None);
}

pub async fn the_month_turns_once_whatever_clock_or_zone_asks(bench: Bench) {
    let mut desk = Desk::new(bench, pool(2)).await;
    desk.turn_to(OCTOBER - Duration::from_micros(1));
    desk.start(1).await.unwrap();
    desk.start(2).await.unwrap();
    let refused = exhausted(desk.start(3).await);
    assert_eq!(refused.retry_after, Duration::from_micros(1));
    desk.turn_to(OCTOBER);
    assert_eq!(desk.used().await, 0);
    desk.start(3).await.unwrap();
    let november = OCTOBER + seconds(31 * DAY);
    assert_eq!(desk.pool_use().await, PoolUse { used: 1, of: 2, until: november });
    // Another node's clock is a minute behind: there it is still September, and the start counts in October.
    let behind = OCTOBER - seconds(60);
    let late = async |to| {
        start_verification(&desk.bench.context, &desk.caller, plain(to), None, behind, &mut rng()).await
    };
    late(4).await.unwrap();
    assert_eq!(desk.used().await, 2);
    let refused = exhausted(late(5).await);
    assert_eq!(refused.retry_after, november.since(behind), "until October ends");
    exhausted(desk.start(5).await);
    let seen = read_pool(&desk.bench.context, &desk.member, behind).await.unwrap().unwrap();
    assert_eq!(seen, PoolUse { used: 2, of: 2, until: november });
    // In New York it is still September: the month of the count does not begin again.
    let new_york = Zone::parse("America/New_York").unwrap();
    desk.set(Limits { zone: new_york, ..pool(3) }).await;
    desk.start(5).await.unwrap();
    let until = november + seconds(4 * 3_600);
    assert_eq!(desk.pool_use().await, PoolUse { used: 3, of: 3, until });
    assert_eq!(exhausted(desk.start(6).await).retry_after, until.since(OCTOBER));
    // Where it is November already, November begins.
    desk.turn_to(november - seconds(3_600));
    exhausted(desk.start(6).await);
    desk.set(Limits { zone: Zone::parse("Asia/Tokyo").unwrap(), ..pool(3) }).await;
    desk.start(6).await.unwrap();
    assert_eq!(desk.used().await, 1);
}

pub async fn another_pool_keeps_the_count(bench: Bench) {
    let mut desk = Desk::new(bench, pool(2)).await;
    desk.start(1).await.unwrap();
    desk.start(2).await.unwrap();
    exhausted(desk.start(3).await);
    desk.set(pool(3)).await;
    desk.start(3).await.unwrap();
    desk.set(pool(1)).await;
    assert_eq!(exhausted(desk.start(4).await).states[0].remaining, 0);
    assert_eq!(desk.pool_use().await, PoolUse { used: 3, of: 1, until: OCTOBER });
    desk.set(pool(0)).await;
    exhausted(desk.start(4).await);
    desk.set(pool(5)).await;
    desk.make(&desk.caller, long(4), None).await.unwrap();
    exhausted(desk.start(5).await);
}

pub async fn a_family_takes_parts_for_what_it_sends(bench: Bench) {
    let desk = Desk::new(bench, pool(3)).await;
    let send = async |request| {
        let now = desk.bench.clock.now();
        start_in_family(&desk.bench.context, &desk.caller, Family::Smsapi, request, now, &mut rng()).await
    };
    assert!(matches!(send(plain(1)).await, Ok(FamilyStart::Started(_))));
    assert!(matches!(send(plain(1)).await, Ok(FamilyStart::TooSoon(_))));
    assert_eq!(desk.used().await, 1);
    desk.bench.clock.turn(seconds(31));
    assert!(matches!(send(plain(1)).await, Ok(FamilyStart::Resent(_))));
    assert_eq!(desk.used().await, 2);
    let refused = send(long(1)).await;
    assert!(
        matches!(refused, Err(FamilyError::Start(StartError::Sending(SendingError::PoolExhausted(_))))),
        "{refused:?}"
    );
    let words = |words: &str| {
        let text = CallerText::parse(&format!("{words} {{}}"), "{}", 160).unwrap();
        StartRequest { text: Some(text), ..plain(1) }
    };
    assert!(matches!(send(words("other")).await, Ok(FamilyStart::Started(_))), "it takes the place");
    desk.bench.clock.turn(seconds(31));
    let refused = send(words("other")).await;
    assert!(
        matches!(refused, Err(FamilyError::Start(StartError::Sending(SendingError::PoolExhausted(_))))),
        "not sent again: {refused:?}"
    );
    assert_eq!(desk.used().await, 3);
    // Of many starts at once for one number, what lost gives its part back.
    let desk = Desk::new(desk.bench, pool(1_000)).await;
    let all = join_all((0..32).map(|n| {
        let now = desk.bench.clock.now();
        let text = CallerText::parse(&format!("{n} {{}}"), "{}", 160).unwrap();
        let request = StartRequest { text: Some(text), ..plain(2) };
        let (context, caller) = (&desk.bench.context, &desk.caller);
        async move { start_in_family(context, caller, Family::Camara, request, now, &mut rng()).await }
    }))
    .await;
    let started = all.iter().filter(|made| matches!(made, Ok(FamilyStart::Started(_)))).count();
    assert!(started > 0);
    assert_eq!(desk.used().await as usize, started);
}

pub async fn two_hundred_starts_at_once_take_exactly_what_was_started(bench: Bench) {
    bench.set_limit("number", "1/86400").await;
    bench.set_limit("end_user_ip", "10/86400").await;
    let other = bench.engine.open_another(&bench.clock).await;
    let desk = Arc::new(Desk::new(bench, pool(100)).await);
    // The second node has its own connection to the store.
    let starts = (0..200).map(|n| {
        let (desk, mut context) = (desk.clone(), desk.bench.context.clone());
        if let Some(codes) = other.as_ref().filter(|_| n % 2 == 1) {
            context.codes = codes.clone();
        }
        tokio::spawn(async move {
            // Every fifth is for one number, and every fifth from one address.
            let mut request = if n % 3 == 0 { long(n) } else { plain(n) };
            match n % 5 {
                0 => request.to = PhoneNumber::parse(&number(1_000)).unwrap(),
                1 => request.end_user_ip = Some([192, 0, 2, 1].into()),
                _ => {}
            }
            let parts = if n % 3 == 0 { 2 } else { 1 };
            let now = desk.bench.clock.now();
            let made = start_verification(&context, &desk.caller, request, None, now, &mut rng()).await;
            made.map(|_| parts)
        })
    });
    let (mut taken, mut by_limit, mut by_pool) = (0, 0, 0);
    for outcome in join_all(starts).await {
        match outcome.unwrap() {
            Ok(parts) => taken += parts,
            Err(StartError::Limited(_)) => by_limit += 1,
            Err(StartError::Sending(SendingError::PoolExhausted(_))) => by_pool += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(taken <= 100 && by_limit > 0 && by_pool > 0, "{taken} {by_limit} {by_pool}");
    assert_eq!(desk.used().await, taken);
    // What is left can still be taken.
    for n in 0..100 - taken {
        desk.start(2_000 + n as usize).await.unwrap();
    }
    exhausted(desk.start(3_000).await);
}

/// A node that dies in the middle of starts stops its calls wherever they are.
pub async fn a_node_that_dies_loses_at_most_the_parts_in_flight(bench: Bench) {
    const STARTS: usize = 200;
    let desk = Arc::new(Desk::new(bench, pool(1_000)).await);
    let starts: Vec<_> = (0..STARTS)
        .map(|n| {
            let desk = desk.clone();
            tokio::spawn(async move { desk.start(n).await.map(drop) })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(2)).await;
    starts.iter().for_each(tokio::task::JoinHandle::abort);
    let mut answered = 0;
    for start in starts {
        match start.await {
            Ok(made) => {
                made.unwrap();
                answered += 1;
            }
            Err(stopped) => assert!(stopped.is_cancelled()),
        }
    }
    assert!(answered < STARTS, "all ended before the node died");
    // A call that was sent is carried out although nobody waits for it.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (made, used) = (desk.bench.claim().await.len(), desk.used().await as usize);
    assert!(answered <= made && made <= used, "{answered} answered, {made} made, {used} taken");
    assert!(used - made <= STARTS - answered, "{answered} answered, {made} made, {used} taken");
}

pub async fn a_count_outlives_a_restart_and_ends_after_seventy_days(bench: Bench) {
    let mut desk = Desk::new(bench, pool(1)).await;
    desk.start(1).await.unwrap();
    desk.bench = desk.bench.reopen().await;
    exhausted(desk.start(2).await);
    let longest = desk.bench.longest_kept().await;
    assert!(longest > seconds(69 * DAY) && longest <= seconds(70 * DAY), "{longest:?}");
}
