//! The families of compatible APIs: a phone number has one live verification in a family, which other starts
//! and checks never find or change.

use super::{Bench, new_tenant, number, rng, seconds, wrong};
use countersign_core::{
    access::actor::Actor,
    acts::{
        check::{CheckError, Checked, Submitted, check_code_by_number},
        families::{Family, FamilyError, FamilyStart, InFamily, check_in_family, start_in_family},
        start::request::{StartError, StartRequest},
    },
    code::Code,
    id::VerificationId,
    message::caller_text::CallerText,
    mode::Mode,
    phone::PhoneNumber,
    ports::clock::Clock,
    tenant::profile::{Policy, ProfileName, ResendPolicy},
    verification::{outcome::CheckOutcome, status::Status},
};
use futures_util::future::join_all;
use std::{collections::HashSet, sync::Arc};

const TO: &str = "+48500500500";

impl Bench {
    /// Starts with the caller's own text.
    async fn begin_as(
        &self,
        caller: &Actor,
        family: Family,
        to: &str,
        words: Option<&str>,
    ) -> Result<FamilyStart, FamilyError> {
        let text = words.map(|words| CallerText::parse(&format!("{words} {{}}"), "{}", 160).unwrap());
        let request = StartRequest { text, ..StartRequest::plain(PhoneNumber::parse(to).unwrap()) };
        start_in_family(&self.context, caller, family, request, self.clock.now(), &mut rng()).await
    }

    async fn begin(&self, family: Family, to: &str, words: Option<&str>) -> FamilyStart {
        self.begin_as(&self.caller, family, to, words).await.unwrap()
    }

    async fn check_with(&self, family: Family, to: &str, code: &Code) -> Result<Checked, CheckError> {
        let (to, profile) = (PhoneNumber::parse(to).unwrap(), ProfileName::default());
        let (submitted, now) = (Submitted::plain(code), self.clock.now());
        let place = (&to, &profile);
        check_in_family(&self.context, &self.caller, family, place, submitted, now, &mut rng()).await
    }

    async fn check_v1(&self, to: &str, code: &Code) -> Result<Checked, CheckError> {
        let (to, profile) = (PhoneNumber::parse(to).unwrap(), ProfileName::default());
        let (submitted, now) = (Submitted::plain(code), self.clock.now());
        check_code_by_number(&self.context, &self.caller, &to, &profile, submitted, now, &mut rng()).await
    }

    fn code_in(&self, started: &InFamily) -> Code {
        started.code(&self.context).unwrap()
    }
}

fn started(start: FamilyStart) -> InFamily {
    match start {
        FamilyStart::Started(started) => started,
        other => panic!("{other:?}"),
    }
}

fn resent(start: FamilyStart) -> InFamily {
    match start {
        FamilyStart::Resent(resent) => resent,
        other => panic!("{other:?}"),
    }
}

pub async fn a_second_start_is_a_resend_under_its_cooldown(bench: Bench) {
    let first = started(bench.begin(Family::Smsapi, TO, None).await);
    let (id, code) = (first.verification.id, bench.code_in(&first));
    assert_eq!(first.limits[0].remaining, 4, "it is counted as any start");
    assert_eq!(bench.code_of(&bench.claim().await[0]).expose(), code.expose());
    let FamilyStart::TooSoon(wait) = bench.begin(Family::Smsapi, TO, None).await else { panic!("it passed") };
    assert_eq!(wait, seconds(30));
    assert_eq!(bench.claim().await.len(), 0, "nothing was sent");
    for (send, wait) in [30, 40, 60, 90].into_iter().enumerate() {
        bench.clock.turn(seconds(wait));
        let again = resent(bench.begin(Family::Smsapi, TO, None).await);
        assert_eq!((again.verification.id, again.verification.sends_left), (id, 3 - send as u8));
        assert_eq!(again.verification.expires_at, first.verification.expires_at);
        assert_eq!(bench.code_in(&again).expose(), code.expose());
        assert!(bench.claim().await.iter().any(|claim| claim.message == claim.record.message()), "{send}");
    }
    bench.clock.turn(seconds(1));
    let FamilyStart::SendsExhausted(left) = bench.begin(Family::Smsapi, TO, None).await else {
        panic!("a sixth message")
    };
    assert_eq!(left, seconds(300 - 221));
    assert_eq!(bench.check_with(Family::Smsapi, TO, &code).await.unwrap().outcome, CheckOutcome::Approved);
    // That verification has ended, so the next start makes another.
    let next = started(bench.begin(Family::Smsapi, TO, None).await);
    assert_ne!(next.verification.id, id);
    assert_eq!(next.limits[0].remaining, 3, "resends were not counted");
}

pub async fn other_words_take_the_place_of_the_first(bench: Bench) {
    let first = started(bench.begin(Family::Smsapi, TO, Some("One")).await);
    let second = started(bench.begin(Family::Smsapi, TO, Some("Two")).await);
    let (old, new) = (first.verification.id, second.verification.id);
    assert_eq!(bench.read(old).await.status, Status::Canceled);
    assert_eq!(bench.history(old).await, ["started", "canceled"]);
    let claims = bench.claim().await;
    assert_eq!(claims.iter().map(|claim| claim.key.id).collect::<Vec<_>>(), [new], "one SMS");
    let (first, second) = (bench.code_in(&first), bench.code_in(&second));
    if first.expose() != second.expose() {
        let checked = bench.check_with(Family::Smsapi, TO, &first).await.unwrap();
        assert_eq!((checked.id, checked.outcome), (new, CheckOutcome::Wrong));
    }
    let checked = bench.check_with(Family::Smsapi, TO, &second).await.unwrap();
    assert_eq!((checked.id, checked.outcome), (new, CheckOutcome::Approved));
    // Older verifications do not become live again when the newest ends.
    let checked = bench.check_with(Family::Smsapi, TO, &second).await.unwrap();
    assert_eq!(checked.outcome, CheckOutcome::AlreadyApproved);
    assert!(matches!(bench.begin(Family::Smsapi, TO, Some("Two")).await, FamilyStart::Started(_)));
}

/// The rule of CAMARA: the same text twice makes two verifications, and only the newer one is valid.
pub async fn where_nothing_is_sent_again_each_start_takes_the_place(bench: Bench) {
    let mut before: Vec<InFamily> = Vec::new();
    for left in [4, 3, 2] {
        let start = started(bench.begin(Family::Camara, TO, None).await);
        assert_eq!(start.limits[0].remaining, left, "each is counted as any start");
        for old in &before {
            assert_eq!(bench.read(old.verification.id).await.status, Status::Canceled);
        }
        before.push(start);
    }
    let [first, .., last] = before.as_slice() else { panic!("three were made") };
    let claims = bench.claim().await;
    assert_eq!(
        claims.iter().map(|claim| claim.key.id).collect::<Vec<_>>(),
        [last.verification.id],
        "one SMS"
    );
    let code = bench.code_in(first);
    let ended = CheckOutcome::Ended(Status::Canceled);
    assert_eq!(bench.check(first.verification.id, &code).await.outcome, ended);
    let code = bench.code_in(last);
    assert_eq!(bench.check(last.verification.id, &code).await.outcome, CheckOutcome::Approved);
    // An ended verification is not replaced: it stays as it is.
    let _ = started(bench.begin(Family::Camara, TO, None).await);
    assert_eq!(bench.read(last.verification.id).await.status, Status::Approved);
}

pub async fn what_is_replaced_stays_when_the_start_is_refused(bench: Bench) {
    for n in 0..5 {
        let _ = started(bench.begin(Family::Smsapi, TO, Some(&n.to_string())).await);
    }
    let refused = bench.begin_as(&bench.caller, Family::Smsapi, TO, Some("six")).await;
    assert!(matches!(refused, Err(FamilyError::Start(StartError::Limited(_)))), "{refused:?}");
    let claims = bench.claim().await;
    assert_eq!(claims.len(), 1);
    assert_eq!(bench.read(claims[0].key.id).await.status, Status::Pending);
    let code = bench.code_of(&claims[0]);
    assert_eq!(bench.check_with(Family::Smsapi, TO, &code).await.unwrap().outcome, CheckOutcome::Approved);
}

pub async fn families_and_plain_starts_never_touch_each_other(bench: Bench) {
    let plain = bench.start(TO).await.unwrap();
    let smsapi = started(bench.begin(Family::Smsapi, TO, None).await);
    let twilio = started(bench.begin(Family::Twilio, TO, None).await);
    let camara = started(bench.begin(Family::Camara, TO, None).await);
    let stranger = new_tenant(&bench.context, &bench.clock, "Other").await;
    let theirs = bench.begin_as(&stranger, Family::Smsapi, TO, None).await.unwrap();
    let tester = Actor { mode: Mode::Test, ..bench.caller.clone() };
    let tested = bench.begin_as(&tester, Family::Smsapi, TO, None).await.unwrap();
    let ids = [plain.id, smsapi.verification.id, twilio.verification.id, camara.verification.id];
    let ids =
        ids.into_iter().chain([started(theirs), started(tested)].map(|started| started.verification.id));
    assert_eq!(ids.collect::<HashSet<_>>().len(), 6);

    let [of_smsapi, of_twilio] = [&smsapi, &twilio].map(|started| bench.code_in(started));
    let claims = bench.claim().await;
    let of_plain = bench.code_of(claims.iter().find(|claim| claim.key.id == plain.id).unwrap());
    // `/v1` and each family find only their own verifications. A start through `/v1` replaces nothing.
    let again = bench.start(TO).await.unwrap();
    bench.cancel(again.id).await.unwrap();
    for (code, id) in [(&of_smsapi, smsapi.verification.id), (&of_twilio, twilio.verification.id)] {
        assert_eq!(bench.read(id).await.status, Status::Pending);
        let checked = bench.check_v1(TO, code).await.unwrap();
        assert_ne!(checked.id, id, "never found by /v1/checks");
    }
    let found = bench.check_with(Family::Smsapi, TO, &of_smsapi).await.unwrap();
    assert_eq!((found.id, found.outcome), (smsapi.verification.id, CheckOutcome::Approved));
    let found = bench.check_with(Family::Twilio, TO, &of_twilio).await.unwrap();
    assert_eq!((found.id, found.outcome), (twilio.verification.id, CheckOutcome::Approved));
    assert_eq!(bench.check_v1(TO, &of_plain).await.unwrap().id, plain.id);
    assert_eq!(bench.read(camara.verification.id).await.status, Status::Pending);
    let nobody = bench.check_with(Family::Twilio, &number(7), &of_twilio).await;
    assert!(matches!(nobody, Err(CheckError::NotFound)));
}

pub async fn what_ended_is_never_sent_again(bench: Bench) {
    let first = started(bench.begin(Family::Twilio, TO, None).await);
    bench.cancel(first.verification.id).await.unwrap();
    let second = started(bench.begin(Family::Twilio, TO, None).await);
    bench.clock.turn(seconds(300));
    let code = bench.code_in(&second);
    let late = bench.check_with(Family::Twilio, TO, &code).await.unwrap();
    assert_eq!(late.outcome, CheckOutcome::Ended(Status::Expired));
    let third = started(bench.begin(Family::Twilio, TO, None).await);
    let bad = wrong(&bench.code_in(&third));
    for _ in 0..5 {
        let _ = bench.check_with(Family::Twilio, TO, &bad).await.unwrap();
    }
    assert_eq!(bench.read(third.verification.id).await.status, Status::Exhausted);
    let fourth = started(bench.begin(Family::Twilio, TO, None).await);
    let ids: HashSet<_> = [first, second, third, fourth].map(|one| one.verification.id).into();
    assert_eq!(ids.len(), 4);
}

pub async fn a_resend_follows_the_policy_and_shows_the_newest_code(bench: Bench) {
    let policy = Policy { resend: ResendPolicy::New, code_length: 10, ..Policy::default() };
    bench.set_policy(policy).await;
    let first = started(bench.begin(Family::Smsapi, TO, Some("Own")).await);
    bench.clock.turn(seconds(30));
    let again = resent(bench.begin(Family::Smsapi, TO, Some("Own")).await);
    let (old, new) = (bench.code_in(&first), bench.code_in(&again));
    assert_ne!(old.expose(), new.expose());
    let claims = bench.claim().await;
    assert_eq!(bench.code_of(&claims[0]).expose(), new.expose());
    assert_eq!(bench.check_with(Family::Smsapi, TO, &new).await.unwrap().outcome, CheckOutcome::Approved);
}

pub async fn sixty_four_starts_at_once_are_one(bench: Bench) {
    let bench = Arc::new(bench);
    for n in 0..8 {
        let to = number(n);
        let starts = (0..64).map(|_| {
            let (bench, to) = (bench.clone(), to.clone());
            tokio::spawn(async move { bench.begin(Family::Smsapi, &to, None).await })
        });
        let outcomes: Vec<_> = join_all(starts).await.into_iter().map(Result::unwrap).collect();
        let made = outcomes.iter().filter(|outcome| matches!(outcome, FamilyStart::Started(_))).count();
        let soon = outcomes.iter().filter(|outcome| matches!(outcome, FamilyStart::TooSoon(_))).count();
        assert_eq!((made, soon), (1, 63), "{outcomes:?}");
        assert_eq!(bench.claim().await.len(), 1, "one SMS");
    }
}

pub async fn of_many_different_starts_at_once_one_is_pending(bench: Bench) {
    one_is_pending_of(bench, Family::Smsapi, |n| Some(n.to_string())).await;
}

pub async fn of_many_starts_that_replace_at_once_one_is_pending(bench: Bench) {
    one_is_pending_of(bench, Family::Camara, |_| None).await;
}

async fn one_is_pending_of(bench: Bench, family: Family, words: fn(u32) -> Option<String>) {
    // No limit applies, so there are more starts than the record of the number remembers.
    bench.set_limit("number", "1000/60").await;
    let bench = Arc::new(bench);
    let starts = (0..64).map(|n| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.begin(family, TO, words(n).as_deref()).await })
    });
    let outcomes: Vec<_> = join_all(starts).await.into_iter().map(Result::unwrap).collect();
    let made: Vec<VerificationId> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            FamilyStart::Started(started) => Some(started.verification.id),
            FamilyStart::TooSoon(_) => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(!made.is_empty());
    let mut pending = 0;
    for id in &made {
        pending += usize::from(bench.read(*id).await.status == Status::Pending);
    }
    assert_eq!(pending, 1, "of {}", made.len());
    assert_eq!(bench.claim().await.len(), 1, "one SMS");
}

/// Of sixty-four starts at once, the number that sent the pending verification's message again.
async fn resent_at_once(bench: &Arc<Bench>) -> usize {
    let starts = (0..64).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.begin(Family::Twilio, TO, None).await })
    });
    let outcomes = join_all(starts).await.into_iter().map(Result::unwrap);
    outcomes.filter(|outcome| matches!(outcome, FamilyStart::Resent(_))).count()
}

pub async fn resends_in_a_family_at_once_send_once(bench: Bench) {
    let bench = Arc::new(bench);
    let first = started(bench.begin(Family::Twilio, TO, None).await);
    bench.clock.turn(seconds(30));
    assert_eq!(resent_at_once(&bench).await, 1);
    assert_eq!(bench.read(first.verification.id).await.sends_left, 3);
}

/// A start that sends a message again counts like any start: the limits of the end user's address and of the
/// tenant apply to all messages.
pub async fn limits_count_what_is_sent_again(bench: Bench) {
    bench.set_limit("tenant", "3/3600").await;
    let (family, other) = (Family::Smsapi, number(2));
    let _ = started(bench.begin(family, TO, None).await);
    // A start within the cooldown takes nothing from a limit.
    for _ in 0..5 {
        assert!(matches!(bench.begin(family, TO, None).await, FamilyStart::TooSoon(_)));
    }
    bench.clock.turn(seconds(30));
    assert!(matches!(bench.begin(family, TO, None).await, FamilyStart::Resent(_)));
    let second = started(bench.begin(family, &other, None).await);
    bench.clock.turn(seconds(40));
    let limited = |outcome| match outcome {
        Err(FamilyError::Start(StartError::Limited(hit))) => hit,
        other => panic!("{other:?}"),
    };
    for to in [TO, &other] {
        let hit = limited(bench.begin_as(&bench.caller, family, to, None).await);
        assert_eq!((hit.name.as_str(), hit.scope), ("tenant_1h", "tenant"));
        assert!(hit.retry_after > seconds(1_000), "{hit:?}");
    }
    // A refused start sent nothing and took nothing.
    assert_eq!(bench.read(second.verification.id).await.sends_left, 4);
    // Three starts use 3,530 s of the hour, so one start of 60 s fits if nothing else was taken.
    bench.set_limit("tenant", "60/3600").await;
    assert!(matches!(bench.begin(family, &other, None).await, FamilyStart::Resent(_)));
}

/// A start takes from all limits or from none: if one refuses, or the start loses a race, the others get back
/// what it took.
pub async fn what_is_not_sent_again_takes_from_no_limit(bench: Bench) {
    let of_tenant = async |bench: &Bench, n| {
        let start = started(bench.begin(Family::Twilio, &number(n), None).await);
        let state = start.limits.iter().find(|state| state.name == "tenant_1h").unwrap();
        state.remaining
    };
    bench.set_limit("tenant", "1000/3600").await;
    bench.set_limit("country", "1/3600").await;
    let _ = started(bench.begin(Family::Twilio, TO, None).await);
    bench.clock.turn(seconds(30));
    for _ in 0..20 {
        let refused = bench.begin_as(&bench.caller, Family::Twilio, TO, None).await;
        assert!(
            matches!(refused, Err(FamilyError::Start(StartError::Limited(hit))) if hit.scope == "country")
        );
    }
    bench.set_limit("country", "1000/1").await;
    assert!(of_tenant(&bench, 2).await >= 998);

    let bench = Arc::new(bench);
    assert_eq!(resent_at_once(&bench).await, 1);
    assert!(of_tenant(&bench, 3).await >= 996);
}

/// A check races with a start that replaces the verification: no code counts twice.
pub async fn a_check_and_a_start_that_replaces_have_one_winner(bench: Bench) {
    let bench = Arc::new(bench);
    for n in 0..50 {
        let to = number(n);
        let first = started(bench.begin(Family::Smsapi, &to, Some("One")).await);
        let code = bench.code_in(&first);
        let (checker, starter, number) = (bench.clone(), bench.clone(), to.clone());
        let id = first.verification.id;
        let check = tokio::spawn(async move { checker.check(id, &code).await.outcome });
        let start = tokio::spawn(async move { starter.begin(Family::Smsapi, &number, Some("Two")).await });
        let (checked, second) = (check.await.unwrap(), started(start.await.unwrap()));
        let approved = checked == CheckOutcome::Approved;
        let expected = if approved { Status::Approved } else { Status::Canceled };
        assert_eq!(bench.read(id).await.status, expected, "{checked:?}");
        assert_eq!(bench.read(second.verification.id).await.status, Status::Pending);
    }
}

/// The record of a phone number lists at most 64 verifications.
pub async fn a_crowd_of_plain_starts_hides_nothing_of_a_family(bench: Bench) {
    // No limit applies, so there are more starts than the record of the number remembers.
    bench.set_limit("number", "1000/60").await;
    bench.start(TO).await.unwrap();
    let ours = started(bench.begin(Family::Smsapi, TO, None).await);
    for _ in 0..70 {
        bench.start(TO).await.unwrap();
    }
    assert!(matches!(bench.begin(Family::Smsapi, TO, None).await, FamilyStart::TooSoon(_)));
    let code = bench.code_in(&ours);
    assert_eq!(bench.check_with(Family::Smsapi, TO, &code).await.unwrap().outcome, CheckOutcome::Approved);
}
