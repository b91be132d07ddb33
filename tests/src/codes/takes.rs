//! Refused operations take nothing from the limits that they meet.

use super::{
    Bench, HandClock,
    engine::{server, try_command},
    number, rng, seconds,
};
use countersign_core::{
    acts::{
        families::{Family, FamilyError, FamilyStart, start_in_family},
        resend::ResendError,
        start::{
            request::{Made, StartError, StartRequest},
            start_verification,
        },
    },
    code::Alphabet,
    context::Context,
    id::VerificationId,
    message::caller_text::CallerText,
    ports::clock::Clock,
    tenant::{
        limits::{Bucket, LimitHit, LimitName, LimitState},
        profile::Policy,
    },
    time::Timestamp,
    verification::idempotency::IdempotencyError,
};
use countersign_stores::redis::{RedisCodes, RedisOptions, RedisUrl};
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    cell::Cell,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc;

/// An end user's address without a start left, and one with starts left.
const SPENT: &str = "192.0.2.1";
const VISITOR: &str = "192.0.2.2";

/// Phone numbers with a special part in the test.
const FULL: usize = 100;
const REPEATED: usize = 101;
const SENT_OUT: usize = 102;
const REPLACED: usize = 103;

impl Bench {
    fn from(&self, to: usize, ip: Option<&str>, form: Option<&str>) -> StartRequest {
        let limits = form.map(|form| (LimitName::parse("form").unwrap(), form.to_owned()));
        StartRequest { limits: limits.into_iter().collect(), ..self.request(&number(to), ip) }
    }

    async fn make(&self, request: StartRequest, once: Option<(&str, &str)>) -> Result<Made, StartError> {
        let once = once.and_then(|(key, body)| self.once(key, body));
        start_verification(&self.context, &self.caller, request, once, self.clock.now(), &mut rng()).await
    }

    async fn make_in_family(&self, to: usize, words: &str) -> Result<FamilyStart, FamilyError> {
        let text = Some(CallerText::parse(&format!("{words} {{}}"), "{}", 160).unwrap());
        let request = StartRequest { text, ..self.from(to, None, None) };
        start_in_family(&self.context, &self.caller, Family::Twilio, request, self.clock.now(), &mut rng())
            .await
    }
}

fn hit<T: std::fmt::Debug>(outcome: Result<T, StartError>) -> LimitHit {
    match outcome {
        Err(StartError::Limited(hit)) => hit,
        other => panic!("no limit refused: {other:?}"),
    }
}

/// A bucket that counts only admitted operations, for comparison.
struct Twin {
    name: &'static str,
    bucket: Bucket,
    full_at: Timestamp,
}

impl Twin {
    fn new(name: &'static str, max: u32, seconds: u32) -> Self {
        Self { name, bucket: Bucket::new(max, seconds), full_at: Timestamp::default() }
    }

    fn take(&mut self, times: u32, now: Timestamp) {
        for _ in 0..times {
            self.full_at = self.bucket.take(self.full_at, now).unwrap();
        }
    }

    /// Fails if the store's bucket differs from this one by more than one interval.
    fn compare(&self, states: &[LimitState], now: Timestamp) {
        let found = states.iter().find(|state| state.name == self.name).unwrap();
        let mine = self.full_at.since(now);
        let apart = mine.max(found.reset) - mine.min(found.reset);
        assert!(apart <= self.bucket.interval(), "{}: {:?}, its twin {mine:?}", self.name, found.reset);
    }
}

/// Everything that is refused or repeated, so that it counts no start.
async fn refuse(bench: &Bench, kind: usize, sent: VerificationId) {
    match kind {
        0 => assert_eq!(
            hit(bench.make(bench.from(FULL, Some(VISITOR), Some("x")), None).await).scope,
            "number"
        ),
        1 => {
            let refused = hit(bench.make(bench.from(104, Some(SPENT), Some("x")), None).await);
            assert_eq!(refused.scope, "end_user_ip");
        }
        2 => {
            let repeat = bench.make(bench.from(REPEATED, Some(VISITOR), None), Some(("a", "body"))).await;
            assert!(repeat.unwrap().replayed);
        }
        3 => {
            let other = bench.make(bench.from(105, Some(VISITOR), None), Some(("a", "other"))).await;
            assert!(matches!(other, Err(StartError::Idempotency(IdempotencyError::Mismatch))), "{other:?}");
        }
        4 => {
            let again = bench.make_in_family(SENT_OUT, "same").await;
            assert!(matches!(again, Ok(FamilyStart::SendsExhausted(_))), "{again:?}");
        }
        5 => {
            let other = bench.make_in_family(REPLACED, "other").await;
            assert!(matches!(other, Err(FamilyError::Start(StartError::Limited(_)))), "{other:?}");
        }
        6 => assert_eq!(
            hit(bench.make(bench.from(FULL, Some(VISITOR), None), Some(("b", "x"))).await).scope,
            "number"
        ),
        _ => assert!(matches!(bench.resend(sent).await, Err(ResendError::SendsExhausted))),
    }
}

pub async fn ten_thousand_refused_acts_leave_each_bucket_as_its_twin(bench: Bench) {
    let mut twins = [
        Twin::new("tenant_1h", 200, 3_600),
        Twin::new("end_user_ip_24h", 20, 86_400),
        Twin::new("form_10m", 50, 600),
    ];
    for (name, buckets) in
        [("tenant", "200/3600"), ("end_user_ip", "20/86400"), ("form", "50/600"), ("number", "5/86400")]
    {
        bench.set_limit(name, buckets).await;
    }
    bench
        .set_policy(Policy { expires_in: seconds(600), alphabet: Alphabet::Digits, ..Policy::default() })
        .await;
    // Admitted operations, which the comparison buckets count.
    let sent = match bench.make_in_family(SENT_OUT, "same").await.unwrap() {
        FamilyStart::Started(started) => started.verification.id,
        other => panic!("{other:?}"),
    };
    twins[0].take(1, bench.clock.now());
    for wait in [30, 40, 60, 90] {
        bench.clock.turn(seconds(wait));
        assert!(matches!(bench.make_in_family(SENT_OUT, "same").await, Ok(FamilyStart::Resent(_))));
        twins[0].take(1, bench.clock.now());
    }
    for n in 0..5 {
        let _ = bench.make_in_family(REPLACED, &n.to_string()).await.unwrap();
        bench.make(bench.from(FULL, Some(VISITOR), Some("x")), None).await.unwrap();
    }
    bench.make(bench.from(REPEATED, Some(VISITOR), None), Some(("a", "body"))).await.unwrap();
    for n in 0..20 {
        bench.make(bench.from(n, Some(SPENT), None), None).await.unwrap();
    }
    for (twin, times) in twins.iter_mut().zip([31, 6, 5]) {
        twin.take(times, bench.clock.now());
    }

    let (bench, mut random) = (Arc::new(bench), StdRng::seed_from_u64(14));
    for batch in 0..625 {
        let acts = (0..16).map(|_| {
            let (bench, kind) = (bench.clone(), random.random_range(0..8));
            // The clock does not move in the first half. Then it moves in the middle of operations.
            let turn = Duration::from_millis(if batch < 312 { 0 } else { random.random_range(0..90) });
            tokio::spawn(async move {
                refuse(&bench, kind, sent).await;
                bench.clock.turn(turn);
            })
        });
        join_all(acts).await.into_iter().for_each(|act| act.unwrap());
    }
    let Ok(mut bench) = Arc::try_unwrap(bench) else { panic!("an act goes on") };
    // The backlog of the history is full, so every start is refused.
    bench = bench.reopen_with(200).await;
    for n in 0..200 {
        let refused = bench.make(bench.from(200 + n, Some(VISITOR), Some("x")), None).await;
        assert!(matches!(refused, Err(StartError::HistoryBacklog)), "{refused:?}");
    }
    bench = bench.reopen().await;

    let made = bench.make(bench.from(106, Some(VISITOR), Some("x")), None).await.unwrap();
    for twin in &mut twins {
        twin.take(1, bench.clock.now());
        twin.compare(&made.limits, bench.clock.now());
    }
}

pub async fn a_good_start_beside_a_flood_is_not_refused(bench: Bench) {
    for (name, buckets) in
        [("tenant", "40/86400"), ("end_user_ip", "3/86400"), ("form", "50/600"), ("number", "5/86400")]
    {
        bench.set_limit(name, buckets).await;
    }
    for _ in 0..5 {
        bench.make(bench.from(FULL, None, None), None).await.unwrap();
    }
    for n in 0..2 {
        bench.make(bench.from(n, Some(SPENT), None), None).await.unwrap();
    }
    bench.make(bench.from(REPEATED, Some(SPENT), None), Some(("a", "body"))).await.unwrap();
    let bench = Arc::new(bench);
    let flood: Vec<_> = (0..64)
        .map(|n| {
            let bench = bench.clone();
            tokio::spawn(async move {
                for _ in 0..40 {
                    match n % 4 {
                        0 | 1 => drop(hit(bench.make(bench.from(FULL, None, None), None).await)),
                        2 => drop(hit(bench.make(bench.from(104, Some(SPENT), None), None).await)),
                        _ => {
                            let repeat = bench
                                .make(bench.from(REPEATED, Some(SPENT), None), Some(("a", "body")))
                                .await;
                            assert!(repeat.unwrap().replayed);
                        }
                    }
                }
            })
        })
        .collect();
    for n in 0..31 {
        let made = bench.make(bench.from(10 + n, None, None), None).await;
        assert!(made.is_ok(), "good start {n} was refused: {made:?}");
    }
    for outcome in join_all(flood).await {
        outcome.unwrap();
    }
    let last = bench.make(bench.from(50, None, None), None).await.unwrap();
    let remaining = last.limits.iter().find(|state| state.name == "tenant_24h").unwrap().remaining;
    assert_eq!(remaining, 0, "5 + 3 + 31 + this one of 40");
}

pub async fn outer_limits_refuse_first_then_the_backlog_then_the_number(bench: Bench) {
    bench.set_limit("tenant", "5/86400").await;
    for _ in 0..5 {
        bench.make(bench.from(FULL, None, None), None).await.unwrap();
    }
    let names = |hit: LimitHit| hit.states.into_iter().map(|state| state.name).collect::<Vec<_>>();
    let bench = bench.reopen_with(200).await;
    let refused = hit(bench.make(bench.from(FULL, Some(VISITOR), None), None).await);
    assert_eq!(refused.name, "tenant_24h");
    assert_eq!(
        names(refused),
        ["end_user_ip_10m", "tenant_24h"],
        "the first group that refused, and no other"
    );
    bench.set_limit("tenant", "100/3600").await;
    let refused = bench.make(bench.from(FULL, Some(VISITOR), None), None).await;
    assert!(matches!(refused, Err(StartError::HistoryBacklog)), "{refused:?}");
    let bench = bench.reopen().await;
    for _ in 0..2 {
        let refused = hit(bench.make(bench.from(FULL, Some(VISITOR), None), None).await);
        assert_eq!(refused.name, "number_10m");
        assert_eq!(names(refused), ["number_10m", "number_24h"]);
    }
    let made = bench.make(bench.from(1, Some(VISITOR), None), None).await.unwrap();
    assert!(made.limits.iter().any(|state| state.name == "end_user_ip_10m" && state.remaining == 19));
    // A raised limit does not stay refused.
    bench.set_limit("number", "6/86400").await;
    bench.make(bench.from(FULL, Some(VISITOR), None), None).await.unwrap();
}

tokio::task_local! {
    /// The number of store calls that the stopped operation has made.
    static CALLS: Cell<usize>;
}

/// A clock that stops an operation before its second call until the test lets it continue.
struct Stopping {
    clock: Arc<HandClock>,
    stopped: mpsc::UnboundedSender<()>,
    go_on: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl Clock for Stopping {
    fn now(&self) -> Timestamp {
        let call = CALLS.try_with(|calls| calls.replace(calls.get() + 1));
        if call == Ok(1) {
            self.stopped.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
        self.clock.now()
    }

    fn steady(&self) -> Duration {
        self.clock.steady()
    }
}

/// A bucket recovers from a start while that start is still running, and another start takes from the bucket.
/// If the first start is then refused, it must not give back what the other took.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_another_start_took_is_not_given_back() {
    let url = format!("{}/997", server("COUNTERSIGN_TEST_REDIS"));
    try_command(&url, &redis::cmd("FLUSHDB")).await.unwrap();
    let open = async |clock: Arc<dyn Clock>| {
        let options = RedisOptions {
            partitions: 64,
            event_budget: 1 << 30,
            confirm_replicas: 0,
            identity: Vec::new(),
            clock: Some(clock),
        };
        Arc::new(RedisCodes::open(&RedisUrl::parse(&url, None).unwrap(), options).await.unwrap())
    };
    let clock = HandClock::new();
    let bench = Bench::of(open(clock.clone()).await, clock.clone()).await;
    bench.set_limit("tenant", "1/1").await;
    bench.set_limit("number", "1/86400").await;
    bench.make(bench.from(1, None, None), None).await.unwrap();
    clock.turn(seconds(2));
    // Another node takes from the bucket, and is stopped before it learns that the number's limit refuses.
    let (stopped, mut is_stopped) = mpsc::unbounded_channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let stopping = Stopping { clock: clock.clone(), stopped, go_on: Mutex::new(may_go_on) };
    let context = Context { codes: open(Arc::new(stopping)).await, ..bench.context.clone() };
    let (caller, request, now) = (bench.caller.clone(), bench.from(1, None, None), clock.now());
    let refused = tokio::spawn(CALLS.scope(Cell::new(0), async move {
        start_verification(&context, &caller, request, None, now, &mut rng()).await
    }));
    is_stopped.recv().await.unwrap();
    // The time is not a whole number of intervals: see ADR 32.
    clock.turn(Duration::from_millis(2_300));
    bench.make(bench.from(2, None, None), None).await.unwrap();
    go_on.send(()).unwrap();
    assert_eq!(hit(refused.await.unwrap()).scope, "number");
    assert_eq!(hit(bench.make(bench.from(3, None, None), None).await).scope, "tenant");
    clock.turn(seconds(1));
    bench.make(bench.from(3, None, None), None).await.unwrap();
}
