//! The rules of one verification, tested through the operations.

use super::{Bench, new_tenant, number, seconds, wrong};
use countersign_core::{
    access::actor::Actor,
    acts::{
        check::{CheckError, Submitted, check_code, check_code_by_number},
        resend::ResendError,
        start::request::StartError,
    },
    code::Code,
    mode::Mode,
    phone::PhoneNumber,
    ports::{clock::Clock, error::StoreError},
    tenant::profile::{Policy, ProfileName, ResendPolicy},
    verification::{outcome::CheckOutcome, status::Status},
};

pub async fn a_code_is_approved_once_and_bound_to_its_tenant_and_mode(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    let stranger = new_tenant(&bench.context, &bench.clock, "Other").await;
    let test_mode = Actor { mode: Mode::Test, ..bench.caller.clone() };
    for caller in [&stranger, &test_mode] {
        let (now, mut rng) = (bench.clock.now(), super::rng());
        let checked = check_code(&bench.context, caller, id, Submitted::plain(&code), now, &mut rng).await;
        assert!(matches!(checked, Err(CheckError::NotFound)));
    }
    assert_eq!(bench.check(id, &wrong(&code)).await.outcome, CheckOutcome::Wrong);
    let approved = bench.check(id, &code).await;
    assert_eq!((approved.outcome, approved.attempts_left), (CheckOutcome::Approved, 4));
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::AlreadyApproved);
}

async fn check_number(bench: &Bench, to: &str, code: &Code) -> Result<CheckOutcome, CheckError> {
    let (to, now) = (PhoneNumber::parse(to).unwrap(), bench.clock.now());
    let (profile, mut rng) = (ProfileName::default(), super::rng());
    let checked = check_code_by_number(
        &bench.context,
        &bench.caller,
        &to,
        &profile,
        Submitted::plain(code),
        now,
        &mut rng,
    )
    .await;
    checked.map(|checked| checked.outcome)
}

pub async fn a_check_by_number_finds_the_newest_pending_one_of_the_profile(bench: Bench) {
    let to = number(1);
    let (first, first_code) = bench.start_with_code(&to).await;
    let (_, second_code) = bench.start_with_code(&to).await;
    let nobody = check_number(&bench, &number(2), &first_code).await;
    assert!(matches!(nobody, Err(CheckError::NotFound)));
    assert_eq!(check_number(&bench, &to, &second_code).await.unwrap(), CheckOutcome::Approved);
    assert_eq!(check_number(&bench, &to, &first_code).await.unwrap(), CheckOutcome::Approved);
    assert_eq!(bench.read(first).await.status, Status::Approved);
    // No verification is pending any more, so the newest answers.
    assert_eq!(check_number(&bench, &to, &first_code).await.unwrap(), CheckOutcome::AlreadyApproved);
}

pub async fn five_starts_in_ten_minutes_and_the_clock_lets_more_in(bench: Bench) {
    let to = number(1);
    for _ in 0..5 {
        bench.start(&to).await.unwrap();
    }
    bench.clock.turn(seconds(10));
    let Err(StartError::Limited(hit)) = bench.start(&to).await else { panic!("the sixth start passed") };
    assert_eq!((hit.name.as_str(), hit.scope, hit.retry_after), ("number_10m", "number", seconds(590)));
    let stranger = new_tenant(&bench.context, &bench.clock, "Other").await;
    bench.start_as(&stranger, &to).await.unwrap();
    bench.start(&number(2)).await.unwrap();
    bench.clock.turn(seconds(590));
    bench.start(&to).await.unwrap();
}

pub async fn policies_of_resend_decide_which_codes_count(bench: Bench) {
    let cases = [
        (ResendPolicy::Same, CheckOutcome::Approved),
        (ResendPolicy::New, CheckOutcome::Wrong),
        (ResendPolicy::NewKeepPrevious, CheckOutcome::Approved),
    ];
    for (n, (resend, old_code)) in cases.into_iter().enumerate() {
        bench.set_policy(Policy { resend, code_length: 10, ..Policy::default() }).await;
        let (id, first) = bench.start_with_code(&number(n)).await;
        let expires_at = bench.read(id).await.expires_at;
        assert!(matches!(bench.resend(id).await, Err(ResendError::TooSoon(wait)) if wait == seconds(30)));
        bench.clock.turn(seconds(30));
        let resent = bench.resend(id).await.unwrap();
        assert_eq!((resent.sends_left, resent.expires_at), (3, expires_at));
        let claims = bench.claim().await;
        let message = claims.iter().find(|claim| claim.key.id == id && claim.attempt == 1).unwrap();
        let second = bench.code_of(message);
        assert_eq!(second.expose() == first.expose(), resend == ResendPolicy::Same);
        assert_eq!(bench.check(id, &first).await.outcome, old_code, "{resend:?}");
        if old_code == CheckOutcome::Wrong {
            assert_eq!(bench.check(id, &second).await.outcome, CheckOutcome::Approved);
        }
        assert!(matches!(bench.resend(id).await, Err(ResendError::Ended(Status::Approved))));
    }
}

pub async fn an_expired_one_says_so_for_fifteen_minutes_and_then_is_gone(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    bench.clock.turn(seconds(300));
    let late = bench.check(id, &code).await;
    assert_eq!((late.outcome, late.attempts_left), (CheckOutcome::Ended(Status::Expired), 5));
    bench.clock.turn(seconds(899));
    assert_eq!(bench.read(id).await.status, Status::Expired);
    bench.clock.turn(seconds(1));
    assert!(matches!(bench.try_check(id, &code).await, Err(CheckError::NotFound)));
}

pub async fn a_clock_that_steps_back_opens_nothing_and_locks_nobody_out(bench: Bench) {
    let (old, code) = bench.start_with_code(&number(1)).await;
    bench.clock.turn(seconds(300));
    assert_eq!(bench.check(old, &code).await.outcome, CheckOutcome::Ended(Status::Expired));
    bench.clock.set_back(seconds(3_600));
    assert_eq!(bench.check(old, &code).await.outcome, CheckOutcome::Ended(Status::Expired));
    let (id, code) = bench.start_with_code(&number(2)).await;
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::Approved);
    // The store's clock continues meanwhile: cooldowns and codes end on time.
    let (id, code) = bench.start_with_code(&number(3)).await;
    bench.clock.turn(seconds(30));
    bench.resend(id).await.unwrap();
    bench.clock.turn(seconds(270));
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::Ended(Status::Expired));
}

pub async fn a_clock_set_back_between_two_runs_cuts_every_time_to_its_rule(bench: Bench) {
    for _ in 0..5 {
        bench.start(&number(1)).await.unwrap();
    }
    let (id, code) = bench.start_with_code(&number(2)).await;
    bench.clock.set_back(seconds(3_600));
    let bench = bench.reopen().await;
    // An engine that cannot see the clock being set notices it at its next operation.
    assert_eq!(bench.read(id).await.status, Status::Pending);
    assert!(bench.start(&number(1)).await.is_err());
    bench.clock.turn(seconds(29));
    assert!(matches!(bench.resend(id).await, Err(ResendError::TooSoon(wait)) if wait == seconds(1)));
    bench.clock.turn(seconds(270));
    assert_eq!(bench.check(id, &wrong(&code)).await.outcome, CheckOutcome::Wrong, "299 s: still alive");
    bench.clock.turn(seconds(1));
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::Ended(Status::Expired));
    let Err(StartError::Limited(hit)) = bench.start(&number(1)).await else { panic!("the limit was lost") };
    assert_eq!(hit.retry_after, seconds(300), "it counts down");
    bench.clock.turn(seconds(300));
    bench.start(&number(1)).await.unwrap();
}

/// During an upgrade, a newer node may write records in a new format. An older node that cannot read one must
/// refuse the check, and must not count a wrong code.
pub async fn a_record_from_a_newer_release_is_no_wrong_code(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    bench.set_format(id, 0xff).await;
    let refused = bench.try_check(id, &code).await;
    assert!(matches!(refused, Err(CheckError::Codes(StoreError::Corrupt { .. }))));
}

pub async fn the_timeline_tells_everything_in_order(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    let _ = bench.check(id, &wrong(&code)).await;
    bench.clock.turn(seconds(30));
    bench.resend(id).await.unwrap();
    let _ = bench.check(id, &code).await;
    assert_eq!(bench.history(id).await, ["started", "check_wrong", "resent", "approved"]);
}

/// The erasure of a tenant relies on this: it does not touch the codes store, whose data expires.
pub async fn nothing_outlasts_thirty_days(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    for _ in 0..3 {
        let _ = bench.check(id, &wrong(&code)).await;
    }
    bench.start(&number(2)).await.unwrap();
    let longest = bench.longest_kept().await;
    assert!(longest > seconds(29 * 86_400), "wrong codes are kept for long: {longest:?}");
    assert!(longest <= seconds(30 * 86_400), "{longest:?}");
}
