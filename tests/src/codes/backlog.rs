//! Events on their way to the history.

use super::{Bench, number, seconds, wrong};
use countersign_core::{
    acts::start::request::StartError,
    ports::codes::events::{Position, Unrecorded},
    verification::{event::EventKind, outcome::CheckOutcome},
};

async fn unrecorded(bench: &Bench, limit: usize) -> Unrecorded {
    bench.codes().unrecorded(0..64, limit).await.unwrap()
}

fn names(found: &Unrecorded) -> Vec<&'static str> {
    found.events.iter().map(|event| EventKind::unpack(&event.body).unwrap().name()).collect()
}

fn positions(found: &Unrecorded) -> Vec<Position> {
    found.events.iter().map(|event| event.position).collect()
}

pub async fn events_wait_in_their_order_until_they_are_trimmed(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    assert_eq!(bench.check(id, &wrong(&code)).await.outcome, CheckOutcome::Wrong);
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::Approved);
    let two = unrecorded(&bench, 2).await;
    assert_eq!((names(&two), two.drained), (vec!["started", "check_wrong"], false));
    let all = unrecorded(&bench, 10).await;
    assert_eq!((names(&all), all.drained), (vec!["started", "check_wrong", "approved"], true));
    bench.codes().trim(&positions(&two)).await.unwrap();
    let left = unrecorded(&bench, 10).await;
    assert_eq!(names(&left), ["approved"]);
    assert_eq!(left.backlog.events, 1);
    bench.codes().trim(&positions(&all)).await.unwrap();
    let none = unrecorded(&bench, 10).await;
    assert!(none.events.is_empty() && none.backlog.bytes == 0, "{none:?}");
    // Recorded events are only in the history.
    assert!(bench.history(id).await.is_empty());
    // The lease of the claim in `start_with_code` is over.
    bench.clock.turn(seconds(61));
    bench.claim().await;
    assert_eq!(bench.history(id).await, ["message_dropped"]);
    assert_eq!(names(&unrecorded(&bench, 10).await), ["message_dropped"]);
    bench.start(&number(2)).await.unwrap();
    assert!(unrecorded(&bench, 10).await.backlog.events >= 1, "counted anew where all had gone");
}

pub async fn a_record_that_is_swept_loses_no_event(bench: Bench) {
    bench.start(&number(1)).await.unwrap();
    bench.clock.turn(seconds(300 + 15 * 60 + 3_600));
    bench.claim().await;
    bench.claim().await;
    assert!(names(&unrecorded(&bench, 10).await).contains(&"started"));
    let bench = bench.reopen().await;
    let found = unrecorded(&bench, 10).await;
    assert!(found.backlog.events >= 1, "counted when it opens");
}

pub async fn a_full_backlog_stops_starts_and_nothing_else(bench: Bench) {
    let (id, code) = bench.start_with_code(&number(1)).await;
    let bench = bench.reopen_with(200).await;
    let refused = bench.start(&number(2)).await;
    assert!(matches!(refused, Err(StartError::HistoryBacklog)), "{refused:?}");
    bench.clock.turn(seconds(30));
    bench.resend(id).await.unwrap();
    assert_eq!(bench.check(id, &code).await.outcome, CheckOutcome::Approved);
    let all = unrecorded(&bench, 10).await;
    assert_eq!(names(&all), ["started", "resent", "approved"], "the refused start made nothing");
    bench.codes().trim(&positions(&all)).await.unwrap();
    bench.start(&number(2)).await.unwrap();
}

pub async fn a_recorder_sees_only_its_partitions(bench: Bench) {
    for n in 0..20 {
        bench.start(&number(n)).await.unwrap();
    }
    let low = bench.codes().unrecorded(0..32, 100).await.unwrap();
    let high = bench.codes().unrecorded(32..64, 100).await.unwrap();
    assert_eq!(low.events.len() + high.events.len(), 20);
    assert!(low.events.iter().all(|event| event.key.id.partition() < 32));
    assert!(high.events.iter().all(|event| event.key.id.partition() >= 32));
    assert!(bench.codes().unrecorded(0..0, 100).await.unwrap().events.is_empty());
}
