//! Matching a provider's id to a message of ours, before and after its receipt comes.

use super::{Bench, seconds};
use countersign_core::{
    id::{MessageId, ProviderId, RecordKey, TenantId, VerificationId},
    mode::Mode,
    ports::clock::Clock,
    verification::{
        receipt::{ParkedReceipt, ProviderMessage},
        status::Delivery,
    },
};
use std::sync::Arc;

fn theirs(id: &str) -> ProviderMessage {
    ProviderMessage::new(ProviderId::from_bytes([1; 16]), id).unwrap()
}

fn ours(byte: u8) -> (RecordKey, MessageId) {
    let (tenant, id) = (TenantId::from_bytes([7; 16]), VerificationId::from_bytes([byte; 16]));
    (RecordKey { tenant, mode: Mode::Live, id }, MessageId::from_bytes([byte; 16]))
}

fn receipt(delivery: Delivery) -> ParkedReceipt {
    ParkedReceipt { provider: "a".into(), delivery, code: "000".into() }
}

async fn bind(bench: &Bench, id: &str, byte: u8) -> Option<ParkedReceipt> {
    bench.codes().bind_provider_message(&theirs(id), ours(byte)).await.unwrap()
}

async fn find(bench: &Bench, id: &str, park: Option<Delivery>) -> Option<(RecordKey, MessageId)> {
    bench.codes().find_provider_message(&theirs(id), park.map(receipt)).await.unwrap()
}

pub async fn a_provider_message_is_known_for_half_an_hour(bench: Bench) {
    assert_eq!(bind(&bench, "x", 1).await, None);
    assert_eq!(find(&bench, "x", Some(Delivery::Delivered)).await, Some(ours(1)));
    assert_eq!(find(&bench, "y", None).await, None);
    let other = ProviderMessage::new(ProviderId::from_bytes([2; 16]), "x").unwrap();
    assert_eq!(bench.codes().find_provider_message(&other, None).await.unwrap(), None, "another account");
    // The provider uses its id for another message.
    assert_eq!(bind(&bench, "x", 2).await, None);
    bench.clock.turn(seconds(1_799));
    assert_eq!(find(&bench, "x", None).await, Some(ours(2)));
    bench.clock.turn(seconds(1));
    bench.claim().await;
    assert_eq!(find(&bench, "x", None).await, None);
}

pub async fn a_receipt_that_comes_first_waits_for_its_message(bench: Bench) {
    for (id, said, kept) in [
        ("one", vec![Delivery::Undelivered], Delivery::Undelivered),
        ("two", vec![Delivery::Undelivered, Delivery::Delivered], Delivery::Delivered),
        ("three", vec![Delivery::Delivered, Delivery::Undelivered], Delivery::Delivered),
    ] {
        for delivery in said {
            assert_eq!(find(&bench, id, Some(delivery)).await, None);
        }
        assert_eq!(find(&bench, id, None).await, None, "a look leaves nothing and takes nothing");
        // A repeated call gets the first answer.
        for _ in 0..2 {
            assert_eq!(bind(&bench, id, 1).await, Some(receipt(kept)), "{id}");
        }
        assert_eq!(find(&bench, id, Some(Delivery::Delivered)).await, Some(ours(1)));
        assert_eq!(bind(&bench, id, 2).await, None, "not the receipt of another message");
    }
    assert_eq!(find(&bench, "late", Some(Delivery::Delivered)).await, None);
    bench.clock.turn(seconds(599));
    assert_eq!(find(&bench, "late", None).await, None);
    bench.clock.turn(seconds(1));
    bench.claim().await;
    assert_eq!(bind(&bench, "late", 1).await, None);
    // The longest receipt that a provider may send.
    let id = "ż".repeat(ProviderMessage::MOST);
    let long =
        ParkedReceipt {
            provider: "p".repeat(500), delivery: Delivery::Delivered, code: "ć".repeat(100_000)
        };
    assert_eq!(bench.codes().find_provider_message(&theirs(&id), Some(long)).await.unwrap(), None);
    let parked = bind(&bench, &id, 3).await.unwrap();
    assert_eq!((parked.provider.len(), parked.code.chars().count()), (64, 64));
}

pub async fn a_receipt_and_its_message_at_once_always_meet(bench: Bench) {
    let bench = Arc::new(bench);
    let mut met = [0, 0];
    // One of the test servers is never emptied, so each run uses other ids.
    let run = MessageId::new(bench.clock.now(), 0, &mut super::rng());
    for n in 0..200 {
        let id = format!("{run}-{n}");
        let (binder, finder, same) = (bench.clone(), bench.clone(), id.clone());
        let bind = tokio::spawn(async move { bind(&binder, &id, 5).await });
        let find = tokio::spawn(async move { find(&finder, &same, Some(Delivery::Delivered)).await });
        match (bind.await.unwrap(), find.await.unwrap()) {
            (Some(parked), None) => {
                assert_eq!(parked, receipt(Delivery::Delivered));
                met[0] += 1;
            }
            (None, Some(target)) => {
                assert_eq!(target, ours(5));
                met[1] += 1;
            }
            both => panic!("lost, or told twice: {both:?}"),
        }
    }
    assert_eq!(met[0] + met[1], 200);
}
