//! Tests the worker with an outbox in memory and a clock that the test sets.

mod fake;

use super::*;
use crate::provider::{Accepted, Outgoing, SendError};
use countersign_core::{
    id::MessageId,
    mode::Mode,
    ports::nodes::Share,
    verification::{settlement::Settlement, status::Delivery},
};
use fake::{Fixed, MemoryCodes, SECOND, accounts, context, start};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A provider that takes the time `slow` for phone numbers that end in 1, and none for others. It remembers
/// the messages.
#[derive(Default)]
struct Line {
    slow: Duration,
    seen: Mutex<Vec<(MessageId, String, String)>>,
    busy: AtomicUsize,
    busiest: AtomicUsize,
}

impl Line {
    fn slow(slow: Duration) -> Arc<Self> {
        Arc::new(Self { slow, ..Self::default() })
    }

    fn seen(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

#[async_trait::async_trait]
impl Provider for Line {
    fn name(&self) -> &str {
        "line"
    }

    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let busy = self.busy.fetch_add(1, Ordering::SeqCst) + 1;
        self.busiest.fetch_max(busy, Ordering::SeqCst);
        let entry = (message.message, message.from.clone(), message.text.to_string());
        self.seen.lock().unwrap().push(entry);
        if message.to.e164().ends_with('1') {
            sleep(self.slow).await;
        }
        self.busy.fetch_sub(1, Ordering::SeqCst);
        Ok(Accepted::default())
    }
}

/// The share of a worker that is alone: all partitions.
fn whole() -> Share {
    let share = Share::default();
    share.set(0..64);
    share
}

fn worker(codes: &Arc<MemoryCodes>, line: &Arc<Line>, parallel: usize) -> Worker {
    let settings = WorkerSettings { parallel, ..WorkerSettings::default() };
    Worker::new(
        context(codes).management,
        (codes.clone(), 4),
        (Some(line.clone()), accounts()),
        Arc::new(Fixed),
        whole(),
        None,
        settings,
    )
}

fn accepted() -> Settlement {
    Settlement::Accepted { provider: "line".into(), receipt: None, awaited: None, id: None }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_and_settled() {
    let (codes, line) = (Arc::new(MemoryCodes::default()), Line::slow(Duration::ZERO));
    for number in ["+48500500501", "+48500500502", "+48500500503"] {
        start(&codes, Mode::Live, number).await;
    }
    let worker = worker(&codes, &line, 2);
    assert_eq!(worker.run_once().await.unwrap(), 2, "one batch is as large as there are places");
    assert_eq!(worker.run_once().await.unwrap(), 1);
    assert_eq!(worker.run_once().await.unwrap(), 0);
    assert_eq!(codes.settlements(), vec![accepted(); 3]);
    for (_, from, text) in line.seen.lock().unwrap().iter() {
        assert_eq!(from, "Acme");
        assert!(text.ends_with(" is your Acme code. Don't share it."), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn test_mode_sends_nothing_and_reports_its_receipt() {
    let (codes, line) = (Arc::new(MemoryCodes::default()), Line::slow(Duration::ZERO));
    start(&codes, Mode::Test, "+15005550002").await;
    let worker = worker(&codes, &line, 4);
    assert_eq!(worker.run_once().await.unwrap(), 1);
    assert_eq!(worker.run_once().await.unwrap(), 1);
    let receipt = (Delivery::Undelivered, Duration::ZERO);
    assert_eq!(
        codes.settlements(),
        [
            Settlement::Accepted {
                provider: "simulator".into(),
                receipt: Some(receipt),
                awaited: None,
                id: None
            },
            Settlement::Receipt(Delivery::Undelivered),
        ]
    );
    assert_eq!(line.seen(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_route_live_messages_wait() {
    let codes = Arc::new(MemoryCodes::default());
    start(&codes, Mode::Live, "+48500500502").await;
    let worker = Worker::new(
        context(&codes).management,
        (codes.clone(), 4),
        (None, accounts()),
        Arc::new(Fixed),
        whole(),
        None,
        WorkerSettings::default(),
    );
    assert_eq!(worker.run_once().await.unwrap(), 1);
    let (provider, reason) = ("none".to_owned(), "no route".to_owned());
    assert_eq!(codes.settlements(), [Settlement::Retry { provider, reason, after: SECOND }]);
}

#[tokio::test(start_paused = true)]
async fn silence_is_tried_again() {
    let (codes, line) = (Arc::new(MemoryCodes::default()), Line::slow(Duration::from_secs(3_600)));
    start(&codes, Mode::Live, "+48500500501").await;
    assert_eq!(worker(&codes, &line, 4).run_once().await.unwrap(), 1);
    let (provider, reason) = ("line".to_owned(), "no answer in 10 s".to_owned());
    assert_eq!(codes.settlements(), [Settlement::Retry { provider, reason, after: SECOND }]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_opened_or_never_ends_is_rejected_unsent() {
    for (spoil, expected) in [
        (fake::spoil_code as fn(&mut Claim), "unreadable"),
        (fake::spoil_contact, "unreadable"),
        (|claim| claim.attempt = crate::backoff::MAX_ATTEMPTS, "gave up"),
    ] {
        let (codes, line) = (Arc::new(MemoryCodes::default()), Line::slow(Duration::ZERO));
        start(&codes, Mode::Live, "+48500500502").await;
        codes.change(spoil);
        assert_eq!(worker(&codes, &line, 4).run_once().await.unwrap(), 1);
        let (provider, reason) = ("none".to_owned(), expected.to_owned());
        assert_eq!(codes.settlements(), [Settlement::Rejected { provider, reason }]);
        assert_eq!(line.seen(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_failed_does_not_send_twice() {
    let (codes, line) = (Arc::new(MemoryCodes::default()), Line::slow(Duration::ZERO));
    start(&codes, Mode::Live, "+48500500502").await;
    codes.fail_settlements(2);
    assert_eq!(worker(&codes, &line, 4).run_once().await.unwrap(), 1);
    assert_eq!((codes.settlements(), line.seen()), (vec![accepted()], 1));

    start(&codes, Mode::Live, "+48500500502").await;
    codes.fail_settlements(3);
    let outcome = worker(&codes, &line, 4).run_once().await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_message_holds_one_place_only() {
    let (codes, line) = (Arc::new(MemoryCodes::default()), Line::slow(Duration::from_secs(9)));
    start(&codes, Mode::Live, "+48500500501").await;
    let stop = CancellationToken::new();
    let worker = worker(&codes, &line, 3);
    let run = {
        let stop = stop.clone();
        tokio::spawn(async move { worker.run(stop).await })
    };
    sleep(SECOND / 2).await;
    for _ in 0..20 {
        start(&codes, Mode::Live, "+48500500502").await;
    }
    sleep(SECOND * 2).await;
    assert_eq!(codes.settlements(), vec![accepted(); 20], "all but the slow one");
    assert!(line.busiest.load(Ordering::SeqCst) <= 3);
    stop.cancel();
    run.await.unwrap();
    assert_eq!(codes.settlements().len(), 21, "the slow one is settled before the worker ends");
}

#[tokio::test(start_paused = true)]
async fn one_tenant_alone_uses_all_places_all_the_time() {
    let (codes, line) = (Arc::new(MemoryCodes::default()), Line::slow(Duration::from_millis(100)));
    for _ in 0..320 {
        start(&codes, Mode::Live, "+48500500501").await;
    }
    let (worker, stop) = (worker(&codes, &line, 32), CancellationToken::new());
    let wait = async {
        sleep(Duration::from_millis(1_050)).await;
        assert_eq!(codes.settlements(), vec![accepted(); 320], "32 in each 100 ms");
        stop.cancel();
    };
    tokio::join!(worker.run(stop.clone()), wait);
    assert_eq!(line.busiest.load(Ordering::SeqCst), 32);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_worker_claims_no_more() {
    let (codes, line) = (Arc::new(MemoryCodes::default()), Line::slow(Duration::from_secs(3)));
    for _ in 0..2 {
        start(&codes, Mode::Live, "+48500500501").await;
    }
    let stop = CancellationToken::new();
    let worker = worker(&codes, &line, 1);
    let begun = tokio::time::Instant::now();
    let cancel = async {
        sleep(SECOND).await;
        stop.cancel();
    };
    tokio::join!(worker.run(stop.clone()), cancel);
    assert_eq!((codes.settlements(), line.seen()), (vec![accepted()], 1));
    assert_eq!(begun.elapsed().as_secs(), 3, "it waits for what is in flight and no longer");
    assert_eq!(codes.messages_waiting().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_store_is_outlived() {
    let (codes, line) = (Arc::new(MemoryCodes::default()), Line::slow(Duration::ZERO));
    codes.set_down(true);
    let stop = CancellationToken::new();
    let worker = worker(&codes, &line, 4);
    let turn = async {
        sleep(SECOND * 5).await;
        let asked = codes.claims();
        assert!((3..=6).contains(&asked), "asked {asked} times in 5 s");
        codes.set_down(false);
        start(&codes, Mode::Live, "+48500500502").await;
        sleep(SECOND * 3).await;
        assert_eq!(codes.settlements(), [accepted()]);
        stop.cancel();
    };
    tokio::join!(worker.run(stop.clone()), turn);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_breaks_its_task_breaks_no_other() {
    struct Breaking;

    #[async_trait::async_trait]
    impl Provider for Breaking {
        fn name(&self) -> &str {
            "breaking"
        }

        async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
            assert!(!message.to.e164().ends_with('1'), "a defect");
            Ok(Accepted::default())
        }
    }

    let codes = Arc::new(MemoryCodes::default());
    start(&codes, Mode::Live, "+48500500501").await;
    start(&codes, Mode::Live, "+48500500502").await;
    let live: Arc<dyn Provider> = Arc::new(Breaking);
    let worker = Worker::new(
        context(&codes).management,
        (codes.clone(), 4),
        (Some(live), accounts()),
        Arc::new(Fixed),
        whole(),
        None,
        WorkerSettings::default(),
    );
    assert_eq!(worker.run_once().await.unwrap(), 2);
    assert_eq!(codes.settlements().len(), 1);
    assert_eq!(codes.messages_waiting().await.unwrap(), 1, "the other waits for its lease to end");
}

#[test]
fn settings_stay_within_bounds() {
    let lease = Duration::from_secs(8);
    let zero = Duration::ZERO;
    let settings = WorkerSettings { parallel: 0, lease, poll: zero, send_timeout: lease }.within_bounds();
    assert_eq!((settings.parallel, settings.send_timeout), (1, lease / 2));
    assert!(settings.poll > zero);
    assert_eq!(WorkerSettings::default().within_bounds().send_timeout, Duration::from_secs(10));
}
