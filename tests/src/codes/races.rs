//! N calls at the same time: exactly as many succeed as the rules allow.

use super::{Bench, number, seconds, wrong};
use countersign_core::{
    acts::{check::Checked, start::request::StartError},
    delivery::places::Places,
    verification::{outcome::CheckOutcome, status::Status},
};
use futures_util::future::join_all;
use std::sync::Arc;

fn count(outcomes: &[Checked], outcome: CheckOutcome) -> usize {
    outcomes.iter().filter(|checked| checked.outcome == outcome).count()
}

pub async fn a_thousand_codes_are_approved_exactly_once_each(bench: Bench) {
    let bench = Arc::new(bench);
    let mut started = Vec::new();
    for n in 0..1_000 {
        started.push(bench.start(&number(n)).await.unwrap().id);
    }
    let claims = bench.claim().await;
    assert_eq!(claims.len(), 1_000);
    let mut approvals = 0;
    for claim in claims {
        let code = bench.code_of(&claim);
        let checks = (0..64).map(|_| {
            let (bench, code, id) = (bench.clone(), code.clone(), claim.key.id);
            tokio::spawn(async move { bench.check(id, &code).await })
        });
        let outcomes: Vec<_> = join_all(checks).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(count(&outcomes, CheckOutcome::Approved), 1);
        assert_eq!(count(&outcomes, CheckOutcome::AlreadyApproved), 63);
        approvals += 1;
    }
    assert_eq!(approvals, 1_000);
}

pub async fn two_hundred_guesses_are_five(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    let (bench, guess) = (Arc::new(bench), wrong(&code));
    let checks = (0..200).map(|_| {
        let (bench, guess) = (bench.clone(), guess.clone());
        tokio::spawn(async move { bench.check(id, &guess).await })
    });
    let outcomes: Vec<_> = join_all(checks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(count(&outcomes, CheckOutcome::Wrong), 4);
    assert_eq!(count(&outcomes, CheckOutcome::Exhausted), 1);
    assert_eq!(count(&outcomes, CheckOutcome::Ended(Status::Exhausted)), 195);
    let evaluated =
        bench.history(id).await.iter().filter(|name| ["check_wrong", "exhausted"].contains(name)).count();
    assert_eq!(evaluated, 5);
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::Ended(Status::Exhausted));
}

pub async fn fifty_starts_for_one_number_are_five(bench: Bench) {
    let bench = Arc::new(bench);
    let starts = (0..50).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.start("+48500500500").await })
    });
    let outcomes: Vec<_> = join_all(starts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5);
    let limited = outcomes.iter().filter(|outcome| matches!(outcome, Err(StartError::Limited(_)))).count();
    assert_eq!(limited, 45);
    assert_eq!(bench.claim().await.len(), 5, "messages");
}

pub async fn a_start_never_touches_anothers_verification(bench: Bench) {
    let (first, first_code) = bench.start_with_code("+48500500500").await;
    let (second, second_code) = bench.start_with_code("+48500500500").await;
    assert_ne!(first, second);
    assert_eq!(bench.check(second, &second_code).await.outcome, CheckOutcome::Approved);
    let before = bench.read(first).await;
    assert_eq!((before.status, before.attempts_left, before.sends_left), (Status::Pending, 5, 4));
    assert_eq!(bench.check(first, &first_code).await.outcome, CheckOutcome::Approved);
}

pub async fn concurrent_claims_hand_out_each_message_once(bench: Bench) {
    let bench = Arc::new(bench);
    for n in 0..200 {
        bench.start(&number(n)).await.unwrap();
    }
    let claims = (0..20).map(|_| {
        let bench = bench.clone();
        tokio::spawn(
            async move { bench.codes().claim(0..64, seconds(30), Places::of_anybody(15)).await.unwrap() },
        )
    });
    let mut messages: Vec<_> =
        join_all(claims).await.into_iter().flat_map(Result::unwrap).map(|claim| claim.message).collect();
    messages.sort();
    let handed_out = messages.len();
    messages.dedup();
    assert_eq!((handed_out, messages.len()), (200, 200));
}

pub async fn concurrent_resends_send_once(bench: Bench) {
    let (id, _) = bench.start_with_code(&number(1)).await;
    bench.clock.turn(seconds(30));
    let bench = Arc::new(bench);
    let resends = (0..50).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.resend(id).await })
    });
    let queued = join_all(resends).await.into_iter().filter(|sent| matches!(sent, Ok(Ok(_)))).count();
    assert_eq!(queued, 1);
    assert_eq!(bench.read(id).await.sends_left, 3);
}

pub async fn a_check_and_a_cancel_have_one_winner(bench: Bench) {
    let bench = Arc::new(bench);
    for n in 0..100 {
        let (id, code) = bench.start_with_code(&number(n)).await;
        let (checker, canceler) = (bench.clone(), bench.clone());
        let check = tokio::spawn(async move { checker.check(id, &code).await.outcome });
        let cancel = tokio::spawn(async move { canceler.cancel(id).await.is_ok() });
        let (approved, canceled) = (check.await.unwrap() == CheckOutcome::Approved, cancel.await.unwrap());
        assert!(approved ^ canceled, "approved {approved}, canceled {canceled}");
    }
}
