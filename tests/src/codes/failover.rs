//! Failover to another provider when one fails, or when its receipt does not come.

use super::{Bench, number, seconds};
use countersign_core::{
    id::{EventId, ProviderId, RecordKey, VerificationId},
    ports::{
        clock::Clock,
        codes::outbox::{Claim, Settled},
    },
    verification::{
        event::EventKind,
        outcome::CheckOutcome,
        receipt::{
            Awaited, FailedAttempt, ParkedReceipt, ProviderMessage, ReceiptReport, Received, rate_take,
        },
        settlement::{Phase, Settlement},
        status::{Delivery, Status},
    },
};
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};

fn awaited(provider: &str, passed: u8) -> Settlement {
    let awaited = Some(Awaited { passed, after: seconds(20) });
    Settlement::Accepted { provider: provider.into(), receipt: None, awaited, id: None }
}

fn retry(after: u64) -> Settlement {
    Settlement::Retry { provider: "b".into(), reason: "down".into(), after: seconds(after) }
}

fn rejected() -> Settlement {
    Settlement::Rejected { provider: "b".into(), reason: "no".into() }
}

fn failed(lease: u64) -> FailedAttempt {
    FailedAttempt { provider: "a".into(), reason: "HTTP 503".into(), lease: seconds(lease) }
}

fn event(bench: &Bench, claim: &Claim) -> EventId {
    EventId::new(bench.clock.now(), claim.key.id.partition(), &mut super::rng())
}

/// A message that the provider `a` accepted and whose receipt has not come yet.
async fn sent(bench: &Bench, n: usize) -> (VerificationId, Claim) {
    let id = bench.start(&number(n)).await.unwrap().id;
    let claim = bench.claim().await.into_iter().find(|claim| claim.key.id == id).unwrap();
    assert_eq!(bench.settle(&claim, awaited("a", 1)).await, Settled::Done);
    (id, claim)
}

async fn receive(bench: &Bench, claim: &Claim, provider: &str, delivery: Delivery) -> Received {
    let receipt = ParkedReceipt { provider: provider.into(), delivery, code: "7".into() };
    let report = ReceiptReport::new((claim.key, claim.message), receipt);
    bench.codes().receive(report).await.unwrap()
}

async fn delivery(bench: &Bench, id: VerificationId) -> Delivery {
    bench.read(id).await.delivery
}

/// A message whose receipt came in time.
pub async fn deliver_while_awaited(bench: &Bench) {
    let (_, claim) = sent(bench, 1).await;
    let lost = bench.codes().note_attempt(&claim, failed(30), event(bench, &claim)).await.unwrap();
    assert_eq!(lost, Settled::Lost);
    assert_eq!(receive(bench, &claim, "a", Delivery::Delivered).await, Received::Noted);
}

pub async fn a_message_without_a_receipt_goes_to_the_next_provider(bench: Bench) {
    let (id, first) = sent(&bench, 1).await;
    assert_eq!(bench.codes().messages_waiting().await.unwrap(), 0, "it is out there");
    bench.clock.turn(seconds(19));
    assert!(bench.claim().await.is_empty());
    bench.clock.turn(seconds(1));
    let claim = bench.claim().await.remove(0);
    assert_eq!((claim.phase, claim.message, claim.attempt), (Phase::Await(1), first.message, 2));
    assert!(bench.claim().await.is_empty(), "held");
    assert_eq!(bench.settle(&first, awaited("a", 1)).await, Settled::Lost);
    assert_eq!(bench.settle(&claim, awaited("b", 2)).await, Settled::Done);
    bench.clock.turn(seconds(20));
    // The worker dies, and another one continues with the same candidate.
    assert_eq!(bench.claim().await.remove(0).phase, Phase::Await(2));
    bench.clock.turn(seconds(30));
    let claim = bench.claim().await.remove(0);
    assert_eq!((claim.phase, claim.attempt), (Phase::Await(2), 4));
    assert_eq!(bench.settle(&claim, Settlement::GaveUp).await, Settled::Done);
    assert_eq!(bench.settle(&claim, Settlement::GaveUp).await, Settled::Lost);
    bench.clock.turn(seconds(100));
    assert!(bench.claim().await.is_empty());
    assert_eq!(bench.history(id).await, ["started", "message_sent", "message_sent"]);
    let read = bench.read(id).await;
    assert_eq!((read.status, read.delivery), (Status::Pending, Delivery::Sent));
}

pub async fn what_was_accepted_is_neither_failed_nor_sent_anew(bench: Bench) {
    let (id, _) = sent(&bench, 1).await;
    bench.clock.turn(seconds(20));
    let claim = bench.claim().await.remove(0);
    assert_eq!(bench.settle(&claim, retry(4)).await, Settled::Done);
    bench.clock.turn(seconds(4));
    let claim = bench.claim().await.remove(0);
    assert_eq!(claim.phase, Phase::Await(1), "the same candidates are behind it");
    assert_eq!(bench.settle(&claim, rejected()).await, Settled::Done);
    let read = bench.read(id).await;
    assert_eq!((read.status, read.delivery), (Status::Pending, Delivery::Sent));
    assert_eq!(bench.history(id).await, ["started", "message_sent", "message_retried", "message_retried"]);
    bench.clock.turn(seconds(100));
    assert!(bench.claim().await.is_empty());
    // A receipt that the provider knows at once is reported like any other.
    let (id, _) = sent(&bench, 2).await;
    bench.clock.turn(seconds(20));
    let claim = bench.claim().await.remove(0);
    let receipt = Some((Delivery::Delivered, seconds(1)));
    let known = Settlement::Accepted { provider: "b".into(), receipt, awaited: None, id: None };
    assert_eq!(bench.settle(&claim, known).await, Settled::Done);
    bench.clock.turn(seconds(1));
    let claim = bench.claim().await.remove(0);
    assert_eq!(claim.phase, Phase::Receipt(Delivery::Delivered));
    assert_eq!(bench.settle(&claim, Settlement::Receipt(Delivery::Delivered)).await, Settled::Done);
    assert_eq!(delivery(&bench, id).await, Delivery::Delivered);
}

pub async fn nobody_else_is_asked_for_what_is_over_replaced_or_delivered(bench: Bench) {
    let (delivered, claim) = sent(&bench, 1).await;
    assert_eq!(receive(&bench, &claim, "a", Delivery::Delivered).await, Received::Noted);
    let (canceled, _) = sent(&bench, 2).await;
    bench.cancel(canceled).await.unwrap();
    let (undelivered, claim) = sent(&bench, 3).await;
    assert_eq!(receive(&bench, &claim, "a", Delivery::Undelivered).await, Received::Noted);
    bench.clock.turn(seconds(20));
    let claims = bench.claim().await;
    assert_eq!(claims.iter().map(|claim| claim.key.id).collect::<Vec<_>>(), [undelivered]);
    assert_eq!(bench.history(delivered).await, ["started", "message_sent", "delivered"]);
    assert_eq!(bench.history(canceled).await, ["started", "message_sent", "canceled"], "without a word");
    assert_eq!(bench.settle(&claims[0], awaited("b", 2)).await, Settled::Done);
    assert_eq!(delivery(&bench, undelivered).await, Delivery::Sent, "another one has it now");
    bench.clock.turn(seconds(10));
    bench.resend(undelivered).await.unwrap();
    bench.clock.turn(seconds(10));
    let claims = bench.claim().await;
    assert_eq!(
        claims.iter().map(|claim| claim.phase).collect::<Vec<_>>(),
        [Phase::Send],
        "the new one alone"
    );
    // The record expires before the wait for the receipt is over.
    let gone = sent(&bench, 4).await.0;
    bench.clock.turn(seconds(1_300));
    assert!(bench.claim().await.is_empty());
    assert_eq!(bench.history(gone).await, ["started", "message_sent"]);
}

pub async fn what_is_over_goes_to_no_further_provider(bench: Bench) {
    let canceled = bench.start(&number(1)).await.unwrap().id;
    let approved = bench.start(&number(2)).await.unwrap().id;
    let claims = bench.claim().await;
    let of = |id| claims.iter().find(|claim| claim.key.id == id).unwrap();
    bench.cancel(canceled).await.unwrap();
    let code = bench.code_of(of(approved));
    assert_eq!(bench.check(approved, &code).await.outcome, CheckOutcome::Approved);
    for id in [canceled, approved] {
        let claim = of(id);
        let noted = bench.codes().note_attempt(claim, failed(30), event(&bench, claim)).await.unwrap();
        assert_eq!(noted, Settled::Lost);
    }
    assert!(bench.claim().await.is_empty(), "dropped at once");
    let happened = bench.history(canceled).await;
    assert_eq!(happened, ["started", "canceled", "message_retried", "message_dropped"]);
}

pub async fn a_failed_attempt_is_noted_and_holds_the_claim(bench: Bench) {
    let id = bench.start(&number(1)).await.unwrap().id;
    let claim = bench.claim().await.remove(0);
    bench.clock.turn(seconds(25));
    let noted = bench.codes().note_attempt(&claim, failed(30), event(&bench, &claim)).await.unwrap();
    assert_eq!(noted, Settled::Done);
    // A shorter lease does not shorten the claim.
    let noted = bench.codes().note_attempt(&claim, failed(1), event(&bench, &claim)).await.unwrap();
    assert_eq!(noted, Settled::Done);
    bench.clock.turn(seconds(29));
    assert!(bench.claim().await.is_empty(), "held for longer than its first lease");
    bench.clock.turn(seconds(1));
    let heir = bench.claim().await.remove(0);
    assert_eq!((heir.attempt, heir.phase), (2, Phase::Send));
    let lost = bench.codes().note_attempt(&claim, failed(30), event(&bench, &claim)).await.unwrap();
    assert_eq!(lost, Settled::Lost);
    assert_eq!(bench.settle(&heir, awaited("b", 2)).await, Settled::Done);
    assert_eq!(bench.history(id).await, ["started", "message_retried", "message_retried", "message_sent"]);
    bench.clock.turn(seconds(20));
    let claim = bench.claim().await.remove(0);
    assert_eq!(claim.phase, Phase::Await(2));
    let noted = bench.codes().note_attempt(&claim, failed(60), event(&bench, &claim)).await.unwrap();
    assert_eq!(noted, Settled::Done);
    bench.clock.turn(seconds(59));
    assert!(bench.claim().await.is_empty());
    assert_eq!(bench.settle(&claim, Settlement::GaveUp).await, Settled::Done);
}

pub async fn receipts_move_the_newest_message_forward_only(bench: Bench) {
    let (id, claim) = sent(&bench, 1).await;
    let mut told = Vec::new();
    for delivery in [
        Delivery::Undelivered,
        Delivery::Undelivered,
        Delivery::Delivered,
        Delivery::Delivered,
        Delivery::Undelivered,
    ] {
        told.push(receive(&bench, &claim, "a", delivery).await);
    }
    use Received::{Known, Noted};
    assert_eq!(told, [Noted, Known, Noted, Known, Known]);
    let read = bench.read(id).await;
    assert_eq!((read.status, read.delivery), (Status::Pending, Delivery::Delivered));
    let events = bench.codes().timeline(claim.key).await.unwrap();
    let receipts: Vec<_> =
        events.iter().filter(|event| matches!(event.kind, EventKind::Receipt { .. })).collect();
    assert_eq!(receipts.len(), 2, "whoever reports without an end adds nothing");
    assert_ne!(receipts[0].id, receipts[1].id);
    let (message, provider, code) = (claim.message, "a".to_owned(), "7".to_owned());
    assert_eq!(
        receipts[1].kind,
        EventKind::Receipt { message, provider, delivery: Delivery::Delivered, code }
    );
    assert_eq!(receipts[1].at, bench.clock.now());
    // A receipt for a message that was replaced, or never existed, has no effect.
    bench.clock.turn(seconds(30));
    bench.resend(id).await.unwrap();
    assert_eq!(receive(&bench, &claim, "a", Delivery::Undelivered).await, Known);
    assert_eq!(delivery(&bench, id).await, Delivery::Queued);
    // A receipt counts after the end of the verification too, but not after the record has expired, nor for
    // another tenant.
    let claim = bench.claim().await.remove(0);
    bench.cancel(id).await.unwrap();
    assert_eq!(receive(&bench, &claim, "b", Delivery::Delivered).await, Noted);
    assert_eq!(bench.read(id).await.status, Status::Canceled);
    let tenant = countersign_core::id::TenantId::from_bytes([9; 16]);
    let stranger = Claim { key: RecordKey { tenant, ..claim.key }, ..claim.clone() };
    assert_eq!(receive(&bench, &stranger, "a", Delivery::Delivered).await, Received::Gone);
    bench.clock.turn(seconds(1_200));
    assert_eq!(receive(&bench, &claim, "a", Delivery::Delivered).await, Received::Gone);
}

pub async fn a_receipt_that_is_faster_than_the_answer_stands(bench: Bench) {
    for (n, said) in [Delivery::Delivered, Delivery::Undelivered].into_iter().enumerate() {
        let id = bench.start(&number(n)).await.unwrap().id;
        let claim = bench.claim().await.remove(0);
        assert_eq!(receive(&bench, &claim, "a", said).await, Received::Noted);
        assert_eq!(bench.settle(&claim, awaited("a", 1)).await, Settled::Done);
        assert_eq!(delivery(&bench, id).await, said);
    }
    bench.clock.turn(seconds(20));
    assert_eq!(bench.claim().await.len(), 1, "only the one that did not arrive");
    // The worker died with the message, or thinks that no provider accepted it.
    for (n, said, left) in [(11, Delivery::Delivered, 0), (12, Delivery::Undelivered, 1)] {
        let id = bench.start(&number(n)).await.unwrap().id;
        let claim = bench.claim().await.remove(0);
        assert_eq!(receive(&bench, &claim, "a", said).await, Received::Noted);
        bench.clock.turn(seconds(30));
        let claims: Vec<_> = bench.claim().await.into_iter().filter(|claim| claim.key.id == id).collect();
        assert_eq!(claims.len(), left, "{said:?}");
        for claim in claims {
            assert_eq!(bench.settle(&claim, rejected()).await, Settled::Done);
        }
        let read = bench.read(id).await;
        assert_eq!((read.status, read.delivery), (Status::Pending, said));
    }
}

pub async fn a_receipt_and_a_claim_at_once_are_in_line(bench: Bench) {
    let bench = Arc::new(bench);
    let mut sent_messages = Vec::new();
    for n in 0..60 {
        sent_messages.push(sent(&bench, n).await);
    }
    bench.clock.turn(seconds(20));
    let receipts = sent_messages.iter().map(|(_, claim)| {
        let (bench, claim) = (bench.clone(), claim.clone());
        tokio::spawn(async move { receive(&bench, &claim, "a", Delivery::Delivered).await })
    });
    let claims = (0..4).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.claim().await })
    });
    let (told, claimed) = tokio::join!(join_all(receipts), join_all(claims));
    assert!(told.into_iter().all(|told| told.unwrap() == Received::Noted));
    let claimed: Vec<Claim> = claimed.into_iter().flat_map(Result::unwrap).collect();
    for claim in &claimed {
        assert!(claim.record.delivery() != Delivery::Delivered, "handed out although it was delivered");
        assert_eq!(bench.settle(claim, awaited("b", 2)).await, Settled::Done);
    }
    for (id, _) in sent_messages {
        assert_eq!(delivery(&bench, id).await, Delivery::Delivered);
    }
    bench.clock.turn(seconds(20));
    assert!(bench.claim().await.is_empty());
}

/// The embedded engine notices that its clock was set back while it was closed.
pub async fn a_clock_set_back_neither_hastens_nor_delays_the_next_provider(bench: Bench) {
    let (_, first) = sent(&bench, 1).await;
    bench.clock.turn(seconds(5));
    let theirs = ProviderMessage::new(ProviderId::from_bytes([1; 16]), "x").unwrap();
    let bound = bench.codes().bind_provider_message(&theirs, (first.key, first.message)).await.unwrap();
    assert_eq!(bound, None);
    bench.start(&number(2)).await.unwrap();
    bench.clock.set_back(seconds(3_600));
    let bench = bench.reopen().await;
    let phases = async || bench.claim().await.iter().map(|claim| claim.phase).collect::<Vec<_>>();
    assert_eq!(phases().await, [Phase::Send], "a second SMS at once");
    bench.clock.turn(seconds(15));
    assert_eq!(phases().await, [Phase::Await(1)]);
    bench.clock.turn(seconds(1_784));
    assert!(bench.codes().find_provider_message(&theirs, None).await.unwrap().is_some());
    bench.clock.turn(seconds(1));
    assert!(bench.codes().find_provider_message(&theirs, None).await.unwrap().is_none());
}

/// A hundred receipts of one message at the same time.
pub async fn equal_receipts_at_once_are_noted_once(bench: Bench) {
    let bench = Arc::new(bench);
    let (id, claim) = sent(&bench, 1).await;
    let receipts = (0..100).map(|n| {
        let (bench, claim) = (bench.clone(), claim.clone());
        let said = if n % 2 == 0 { Delivery::Delivered } else { Delivery::Undelivered };
        tokio::spawn(async move { (said, receive(&bench, &claim, "a", said).await) })
    });
    let told: Vec<_> = join_all(receipts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(told.iter().filter(|told| **told == (Delivery::Delivered, Received::Noted)).count(), 1);
    assert_eq!(delivery(&bench, id).await, Delivery::Delivered);
}

pub async fn all_workers_share_the_rate_of_an_account(bench: Bench) {
    let [one, two] = [1, 2].map(|byte| ProviderId::from_bytes([byte; 16]));
    let bench = Arc::new(bench);
    let takes = (0..50).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move { bench.codes().take(rate_take(one, 10)).await.unwrap() })
    });
    let waits: Vec<_> = join_all(takes).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(waits.iter().filter(|wait| wait.is_zero()).count(), 10);
    assert_eq!(waits.iter().max(), Some(&Duration::from_millis(100)));
    let take = async |account, rate| bench.codes().take(rate_take(account, rate)).await.unwrap();
    assert_eq!(take(two, 1).await, Duration::ZERO, "an account of its own");
    assert_eq!(take(two, 1).await, seconds(1));
    bench.clock.turn(Duration::from_millis(400));
    assert_eq!(take(two, 1).await, Duration::from_millis(600), "a refusal takes nothing");
    for _ in 0..4 {
        assert_eq!(take(one, 10).await, Duration::ZERO);
    }
    assert_eq!(take(one, 10).await, Duration::from_millis(100));
    // A rate of zero would hold messages for ever.
    bench.clock.turn(Duration::from_millis(600));
    assert_eq!(take(two, 0).await, Duration::ZERO);
}
