//! A code that confirms a payment is valid only for that payment.

use super::{Bench, engine::Engine, number, rng, seconds, wrong};
use countersign_core::{
    acts::{
        check::{Checked, Submitted, check_code},
        start::{request::StartRequest, start_verification},
    },
    code::{Code, payment::Transaction},
    id::{EventId, RecordKey, VerificationId},
    ports::clock::Clock,
    tenant::profile::{Policy, ResendPolicy},
    verification::{
        event::{ActEvent, EventKind},
        idempotency::Answer,
        outcome::CheckOutcome,
        request::SubmittedCode,
        status::{CancelReason, Status},
    },
};
use futures_util::future::join_all;
use std::sync::Arc;

pub fn payment(amount: &str) -> Transaction {
    Transaction::parse(amount, "EUR", "Example Shop").unwrap()
}

/// Starts for a payment, and returns the code in its message.
pub async fn start(bench: &Bench, to: &str, transaction: Option<Transaction>) -> (VerificationId, Code) {
    let request = StartRequest { transaction, ..bench.request(to, None) };
    let now = bench.clock.now();
    let made = start_verification(&bench.context, &bench.caller, request, None, now, &mut rng()).await;
    let id = made.unwrap().verification.id;
    (id, newest_code(bench, id).await)
}

async fn newest_code(bench: &Bench, id: VerificationId) -> Code {
    let claims = bench.claim().await;
    bench.code_of(claims.iter().find(|claim| claim.key.id == id).unwrap())
}

pub async fn check(
    bench: &Bench,
    id: VerificationId,
    code: &Code,
    paid: Option<&Transaction>,
) -> CheckOutcome {
    let submitted = Submitted { transaction: paid, ..Submitted::plain(code) };
    submit(bench, id, submitted).await.outcome
}

async fn submit(bench: &Bench, id: VerificationId, submitted: Submitted<'_>) -> Checked {
    let now = bench.clock.now();
    check_code(&bench.context, &bench.caller, id, submitted, now, &mut rng()).await.unwrap()
}

pub async fn a_code_holds_for_its_payment_alone(bench: Bench) {
    let (made_for, written, other) = (payment("49.90"), payment("49.9"), payment("49.91"));
    let (id, code) = start(&bench, &number(0), Some(made_for.clone())).await;
    for _ in 0..4 {
        assert_eq!(check(&bench, id, &wrong(&code), Some(&made_for)).await, CheckOutcome::Wrong);
    }
    assert_eq!(check(&bench, id, &code, Some(&written)).await, CheckOutcome::Approved);
    assert_eq!(check(&bench, id, &code, None).await, CheckOutcome::AlreadyApproved);

    let cases =
        [(Some(made_for.clone()), None), (Some(made_for.clone()), Some(&other)), (None, Some(&made_for))];
    for (n, (started, given)) in cases.into_iter().enumerate() {
        let (id, code) = start(&bench, &number(n + 1), started.clone()).await;
        let submitted = Submitted { transaction: given, ..Submitted::plain(&code) };
        let ended = submit(&bench, id, submitted).await;
        assert_eq!((ended.outcome, ended.attempts_left), (CheckOutcome::TransactionMismatch, 5), "{n}");
        let again = check(&bench, id, &code, started.as_ref()).await;
        assert_eq!(again, CheckOutcome::Ended(Status::Canceled), "the code is void");
        assert_eq!(bench.read(id).await.status, Status::Canceled);
        let key = RecordKey { tenant: bench.caller.tenant, mode: bench.caller.mode, id };
        let last = bench.codes().timeline(key).await.unwrap().pop().unwrap();
        assert_eq!(last.kind, EventKind::Canceled(CancelReason::TransactionMismatch));
    }
}

pub async fn a_resend_keeps_the_payment(bench: Bench) {
    let (made_for, other) = (payment("49.90"), payment("0.01"));
    for (n, resend) in
        [ResendPolicy::Same, ResendPolicy::New, ResendPolicy::NewKeepPrevious].into_iter().enumerate()
    {
        bench.set_policy(Policy { resend, code_length: 10, ..Policy::default() }).await;
        let mut started = Vec::new();
        for place in 0..2 {
            let (id, first) = start(&bench, &number(2 * n + place), Some(made_for.clone())).await;
            assert_eq!(check(&bench, id, &wrong(&first), Some(&made_for)).await, CheckOutcome::Wrong);
            started.push((id, first));
        }
        bench.clock.turn(seconds(30));
        for (id, _) in &started {
            bench.resend(*id).await.unwrap();
        }
        let claims = bench.claim().await;
        let code = |id| bench.code_of(claims.iter().rev().find(|claim| claim.key.id == id).unwrap());
        let [(good, first), (bad, _)] = started.as_slice() else { panic!("two were started") };
        let approved = if resend == ResendPolicy::NewKeepPrevious { first.clone() } else { code(*good) };
        assert_eq!(
            check(&bench, *good, &approved, Some(&made_for)).await,
            CheckOutcome::Approved,
            "{resend:?}"
        );
        let mismatch = check(&bench, *bad, &code(*bad), Some(&other)).await;
        assert_eq!(mismatch, CheckOutcome::TransactionMismatch, "{resend:?}");
    }
}

pub async fn another_payment_is_refused_during_a_wait_for_wrong_codes(bench: Bench) {
    let to = number(1);
    for _ in 0..2 {
        let (id, code) = start(&bench, &to, None).await;
        for _ in 0..5 {
            let _ = check(&bench, id, &wrong(&code), None).await;
        }
    }
    let made_for = payment("5");
    let (id, code) = start(&bench, &to, Some(made_for.clone())).await;
    let waits = check(&bench, id, &code, Some(&made_for)).await;
    assert!(matches!(waits, CheckOutcome::GuessLimit(_)), "{waits:?}");
    let malformed = Code::parse("12345").unwrap();
    assert_eq!(check(&bench, id, &malformed, None).await, CheckOutcome::InvalidCode);
    assert_eq!(check(&bench, id, &code, None).await, CheckOutcome::TransactionMismatch);
}

pub async fn a_repeated_mismatch_is_answered_as_the_first(bench: Bench) {
    let (id, code) = start(&bench, &number(1), Some(payment("5"))).await;
    for n in 0..3 {
        let submitted = Submitted { once: bench.once("a", "none"), ..Submitted::plain(&code) };
        let checked = submit(&bench, id, submitted).await;
        assert_eq!((checked.outcome, checked.replayed), (CheckOutcome::TransactionMismatch, n > 0));
    }
    let submitted = Submitted { once: bench.once("b", "none"), ..Submitted::plain(&code) };
    assert_eq!(submit(&bench, id, submitted).await.outcome, CheckOutcome::Ended(Status::Canceled));
    assert_eq!(bench.history(id).await, ["started", "canceled"]);
}

/// A client of a store may send a call twice when its connection breaks. The embedded engine has no client.
pub async fn a_mismatch_that_is_sent_twice_is_one(bench: Bench) {
    let (id, code) = start(&bench, &number(1), Some(payment("5"))).await;
    let key = RecordKey { tenant: bench.caller.tenant, mode: bench.caller.mode, id };
    let macs = bench.context.keyring.code_macs(key, None, &code);
    let id_of_event = EventId::new(bench.clock.now(), id.partition(), &mut rng());
    let event = ActEvent { id: id_of_event, who: bench.caller.who };
    let embedded = matches!(bench.engine, Engine::Embedded(_));
    let second =
        if embedded { CheckOutcome::Ended(Status::Canceled) } else { CheckOutcome::TransactionMismatch };
    for outcome in [CheckOutcome::TransactionMismatch, second] {
        let answer = bench.codes().check(key, SubmittedCode::new(&code, macs.clone()), event, None).await;
        let Answer::Fresh(Some(found)) = answer.unwrap() else { panic!("it stands") };
        assert_eq!((found.outcome, found.attempts_left), (outcome, 5));
    }
    assert_eq!(bench.history(id).await, ["started", "canceled"]);
}

pub async fn a_payment_and_a_changed_one_have_one_winner(bench: Bench) {
    let bench = Arc::new(bench);
    for n in 0..20 {
        let (made_for, other) = (payment("49.90"), payment("4990"));
        let (id, code) = start(&bench, &number(n), Some(made_for.clone())).await;
        let checks = (0..16).map(|n| {
            let (bench, code) = (Arc::clone(&bench), code.clone());
            let paid = if n % 2 == 0 { made_for.clone() } else { other.clone() };
            tokio::spawn(async move { check(&bench, id, &code, Some(&paid)).await })
        });
        let outcomes: Vec<_> = join_all(checks).await.into_iter().map(Result::unwrap).collect();
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        let (approved, void) = (count(CheckOutcome::Approved), count(CheckOutcome::TransactionMismatch));
        assert_eq!(approved + void, 1, "{outcomes:?}");
        let over = count(CheckOutcome::AlreadyApproved) + count(CheckOutcome::Ended(Status::Canceled));
        assert_eq!(over, 15, "{outcomes:?}");
    }
}
