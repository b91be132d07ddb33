//! The outbox: no message is lost or sent too late, and one worker at a time has each.

use super::{Bench, number, seconds};
use countersign_core::{
    delivery::places::Places,
    id::EventId,
    ports::{clock::Clock, codes::outbox::Settled},
    verification::{
        outcome::CheckOutcome,
        settlement::{Phase, Settlement},
        status::{Delivery, Status},
    },
};

fn accepted() -> Settlement {
    Settlement::Accepted { provider: "console".into(), receipt: None, awaited: None, id: None }
}

fn retry(after: u64) -> Settlement {
    Settlement::Retry { provider: "console".into(), reason: "down".into(), after: seconds(after) }
}

pub async fn a_message_is_held_for_its_lease_and_then_taken_over(bench: Bench) {
    bench.start(&number(1)).await.unwrap();
    let slow = bench.claim().await.remove(0);
    bench.clock.turn(seconds(29));
    assert!(bench.claim().await.is_empty(), "held");
    bench.clock.turn(seconds(1));
    let heir = bench.claim().await.remove(0);
    assert_eq!((heir.message, heir.attempt), (slow.message, 2));
    assert_eq!(bench.settle(&slow, accepted()).await, Settled::Lost);
    assert_eq!(bench.settle(&heir, accepted()).await, Settled::Done);
    assert_eq!(bench.settle(&heir, accepted()).await, Settled::Lost, "settled once");
    assert_eq!(bench.codes().messages_waiting().await.unwrap(), 0);
    assert_eq!(bench.read(heir.key.id).await.delivery, Delivery::Sent);
}

pub async fn a_message_of_an_ended_verification_is_dropped(bench: Bench) {
    let canceled = bench.start(&number(1)).await.unwrap().id;
    bench.cancel(canceled).await.unwrap();
    let expired = bench.start(&number(2)).await.unwrap().id;
    bench.clock.turn(seconds(300));
    assert!(bench.claim().await.is_empty());
    assert_eq!(bench.history(canceled).await, ["started", "canceled", "message_dropped"]);
    assert_eq!(bench.history(expired).await, ["started", "message_dropped"]);
    assert_eq!(bench.codes().messages_waiting().await.unwrap(), 0);
}

pub async fn a_resend_takes_the_place_of_a_message_that_waits(bench: Bench) {
    let id = bench.start(&number(1)).await.unwrap().id;
    bench.clock.turn(seconds(30));
    bench.resend(id).await.unwrap();
    let claims = bench.claim().await;
    assert_eq!(claims.len(), 1, "one SMS, not two with the same code");
    assert_eq!(bench.history(id).await, ["started", "resent", "message_dropped"]);
}

pub async fn retries_come_back_when_their_wait_is_over(bench: Bench) {
    let id = bench.start(&number(1)).await.unwrap().id;
    let first = bench.claim().await.remove(0);
    assert_eq!(bench.settle(&first, retry(4)).await, Settled::Done);
    bench.clock.turn(seconds(3));
    assert!(bench.claim().await.is_empty());
    bench.clock.turn(seconds(1));
    let second = bench.claim().await.remove(0);
    assert_eq!((second.attempt, second.phase), (2, Phase::Send));
    assert_eq!(bench.settle(&second, accepted()).await, Settled::Done);
    assert_eq!(bench.history(id).await, ["started", "message_retried", "message_sent"]);
}

pub async fn receipts_that_the_provider_knows_already_are_reported_later(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    bench.clock.turn(seconds(30));
    let claim = bench.claim().await.remove(0);
    let known = Settlement::Accepted {
        provider: "console".into(),
        receipt: Some((Delivery::Undelivered, seconds(10))),
        awaited: None,
        id: None,
    };
    assert_eq!(bench.settle(&claim, known).await, Settled::Done);
    assert_eq!(bench.read(id).await.delivery, Delivery::Sent);
    // An approval in the meantime does not lose the receipt.
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::Approved);
    bench.clock.turn(seconds(10));
    let claim = bench.claim().await.remove(0);
    assert_eq!(claim.phase, Phase::Receipt(Delivery::Undelivered));
    assert_eq!(bench.settle(&claim, Settlement::Receipt(Delivery::Undelivered)).await, Settled::Done);
    let verification = bench.read(id).await;
    assert_eq!((verification.status, verification.delivery), (Status::Approved, Delivery::Undelivered));
}

pub async fn a_rejected_only_message_fails_the_verification(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    bench.clock.turn(seconds(30));
    let claim = bench.claim().await.remove(0);
    let rejected = Settlement::Rejected { provider: "relay".into(), reason: "HTTP 400".into() };
    assert_eq!(bench.settle(&claim, rejected).await, Settled::Done);
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::Ended(Status::Failed));
    assert_eq!(bench.history(id).await, ["started", "message_rejected"]);
}

pub async fn a_worker_sees_only_its_partitions(bench: Bench) {
    for n in 0..50 {
        bench.start(&number(n)).await.unwrap();
    }
    let low = bench.codes().claim(0..32, seconds(30), Places::of_anybody(100)).await.unwrap();
    let high = bench.codes().claim(32..64, seconds(30), Places::of_anybody(100)).await.unwrap();
    assert!(low.iter().all(|claim| claim.key.id.partition() < 32));
    assert!(high.iter().all(|claim| claim.key.id.partition() >= 32));
    assert_eq!(low.len() + high.len(), 50);
    assert!(!low.is_empty() && !high.is_empty());
}

pub async fn a_settlement_that_is_repeated_counts_once(bench: Bench) {
    let id = bench.start(&number(1)).await.unwrap().id;
    let claim = bench.claim().await.remove(0);
    let event = EventId::new(bench.clock.now(), id.partition(), &mut super::rng());
    for _ in 0..3 {
        let settled = bench.codes().settle(&claim, accepted(), event).await.unwrap();
        assert_eq!(settled, Settled::Done);
    }
    assert_eq!(bench.history(id).await, ["started", "message_sent"]);
}

pub async fn a_message_that_cannot_be_read_holds_up_no_other(bench: Bench) {
    let damaged = bench.start(&number(1)).await.unwrap().id;
    bench.set_format(damaged, 0xff).await;
    let id = bench.start(&number(2)).await.unwrap().id;
    let claims = bench.claim().await;
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].key.id, id);
    bench.set_format(damaged, 3).await;
    bench.clock.turn(seconds(30));
    assert_eq!(bench.claim().await.len(), 2, "it waited, and the other lease ended too");
}
