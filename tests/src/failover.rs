//! A route with two providers, of which the first fails, under load.

use crate::{
    app::{TestApp, TestKey},
    codes::{number, seconds},
};
use countersign_core::{delivery::account::BreakerState, id::ProviderId, management::routes::RouteChange};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    net::TcpListener,
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// The time between two starts.
const PACE: Duration = Duration::from_millis(20);
/// The longest time from the answer to the start until the code is on the phone, with a failing first
/// provider.
const WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Working,
    Failing(u16),
    Silent,
}

/// A gateway that remembers the text and the time of each message that it accepted.
struct Gateway {
    manner: Mutex<Manner>,
    asked: Mutex<usize>,
    took: Mutex<HashMap<String, Vec<(String, Instant)>>>,
    server: MockServer,
}

struct Hook(Weak<Gateway>);

impl Respond for Hook {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let gateway = self.0.upgrade().expect("the gateway");
        *gateway.asked.lock().unwrap() += 1;
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let manner = *gateway.manner.lock().unwrap();
        if let Manner::Failing(status) = manner {
            return ResponseTemplate::new(status);
        }
        // A gateway that does not answer still has received the message.
        let mut took = gateway.took.lock().unwrap();
        took.entry(text("id")).or_default().push((text("text"), Instant::now()));
        let answer = ResponseTemplate::new(200);
        if manner == Manner::Silent { answer.set_delay(Duration::from_secs(60)) } else { answer }
    }
}

impl Gateway {
    async fn start(manner: Manner) -> Arc<Self> {
        let server = MockServer::start().await;
        let (asked, took) = (Mutex::default(), Mutex::default());
        let gateway = Arc::new(Self { manner: Mutex::new(manner), asked, took, server });
        Mock::given(any()).respond_with(Hook(Arc::downgrade(&gateway))).mount(&gateway.server).await;
        gateway
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    fn took(&self) -> HashMap<String, Vec<(String, Instant)>> {
        self.took.lock().unwrap().clone()
    }
}

/// A server that may call this machine, and a tenant.
async fn app() -> (TestApp, TestKey) {
    let app = TestApp::spawn_with(|settings| {
        settings.delivery.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        settings.server.public_url = Some("https://sms.example.com".to_owned());
    })
    .await;
    let key = app.tenant("Acme").await;
    (app, key)
}

/// A tested account.
async fn account(app: &TestApp, key: &TestKey, name: &str, url: &str) -> ProviderId {
    let settings = json!({
        "url": url, "content_type": "json", "timeout_seconds": 2,
        "body": {"id": "{id}", "to": "{to}", "text": "{text}", "ref": "{reference}"},
        "receipts": {"reference": "ref", "status": "status", "delivered": ["DELIVRD"]},
    });
    app.verified_account(key, (name, "http"), settings).await.id
}

async fn two_ways(
    app: &TestApp,
    key: &TestKey,
    first: &str,
    second: &str,
    timeout: Option<Duration>,
) -> ProviderId {
    let (one, two) = (account(app, key, "one", first).await, account(app, key, "two", second).await);
    let order =
        |order| RouteChange { order: Some(order), receipt_timeout: Some(timeout), ..RouteChange::default() };
    app.route(key, "first", one, order(1)).await;
    app.route(key, "second", two, order(2)).await;
    one
}

/// Starts 50 verifications a second. Returns when each was answered.
async fn start_many(app: &TestApp, key: &TestKey, count: usize) -> Vec<Instant> {
    let mut answered = Vec::new();
    for n in 0..count {
        let begun = Instant::now();
        app.start(key, &number(n)).await;
        answered.push(Instant::now());
        tokio::time::sleep(PACE.saturating_sub(begun.elapsed())).await;
    }
    answered
}

async fn wait_for(what: &str, done: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not within 20 s");
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Checks that each code arrived through the second provider, in time and once.
fn assert_arrived(second: &Gateway, answered: &[Instant]) {
    let took = second.took();
    assert_eq!(took.len(), answered.len());
    let mut arrivals: Vec<_> = took.values().map(|times| times[0].1).collect();
    assert!(took.values().all(|times| times.len() == 1), "none twice");
    arrivals.sort_unstable();
    let slowest =
        arrivals.iter().zip(answered).map(|(came, asked)| came.saturating_duration_since(*asked)).max();
    // The promised bound, with a margin for a busy machine.
    assert!(slowest.unwrap() < 3 * WITHIN, "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_provider_takes_over_at_once_from_one_that_refuses() {
    let (app, key) = app().await;
    let second = Gateway::start(Manner::Working).await;
    let refused = format!("http://127.0.0.1:{}", closed_port());
    let one = two_ways(&app, &key, &refused, &second.server.uri(), None).await;
    let answered = start_many(&app, &key, 100).await;
    wait_for("all arrive", || second.took().len() == 100).await;
    assert_arrived(&second, &answered);
    let view = app.context.snapshot.tenant(key.caller.tenant).unwrap();
    let account = view.providers.iter().find(|account| account.id == one).unwrap();
    let health = app.context.gateways.health(account, key.caller.tenant).unwrap();
    assert_eq!(health.state, BreakerState::Open, "it is left out");
    assert_eq!(health.reason.as_deref(), Some("connection failed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_from_one_that_answers_with_errors_until_it_works_again() {
    let (app, key) = app().await;
    let (first, second) = (Gateway::start(Manner::Failing(503)).await, Gateway::start(Manner::Working).await);
    two_ways(&app, &key, &first.server.uri(), &second.server.uri(), None).await;
    let answered = start_many(&app, &key, 100).await;
    wait_for("all arrive", || second.took().len() == 100).await;
    assert_arrived(&second, &answered);
    // The breaker opened after a few failures; the others were in progress by then, and one was a probe.
    assert!((5..=60).contains(&first.asked()), "{}", first.asked());
    *first.manner.lock().unwrap() = Manner::Working;
    // A probe that failed in between has doubled the wait.
    let mut started = 100;
    while first.took().len() < 5 {
        assert!(started < 220, "it is not let back in");
        app.start(&key, &number(started)).await;
        started += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    wait_for("all arrive", || first.took().len() + second.took().len() == started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_one_costs_its_time_and_doubles_carry_the_same_code() {
    let (app, key) = app().await;
    let (first, second) = (Gateway::start(Manner::Silent).await, Gateway::start(Manner::Working).await);
    two_ways(&app, &key, &first.server.uri(), &second.server.uri(), None).await;
    start_many(&app, &key, 100).await;
    wait_for("all arrive", || second.took().len() == 100).await;
    let (before, after) = (first.took(), second.took());
    // Each message that the silent gateway had may arrive twice, but with the same code.
    for (id, times) in &before {
        let texts: BTreeSet<_> = times.iter().chain(&after[id]).map(|(text, _)| text).collect();
        assert_eq!(texts.len(), 1, "{id}");
    }
    assert!((5..=64).contains(&before.len()), "the breaker keeps it out: {} doubles", before.len());
    assert!(after.values().all(|times| times.len() == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_receipt_in_time_the_next_one_sends_the_same_code() {
    let (app, key) = app().await;
    let (first, second) = (Gateway::start(Manner::Working).await, Gateway::start(Manner::Working).await);
    two_ways(&app, &key, &first.server.uri(), &second.server.uri(), Some(seconds(20))).await;
    let id = app.start(&key, &number(1)).await;
    wait_for("the first has it", || first.took().len() == 1).await;
    app.wait_for(&key, &id, "delivery", "sent").await;
    assert!(second.took().is_empty());
    app.clock.turn(seconds(21));
    wait_for("the second has it too", || second.took().len() == 1).await;
    assert_eq!(first.took().values().next().unwrap()[0].0, second.took().values().next().unwrap()[0].0);
    // There is no other provider left.
    app.clock.turn(seconds(60));
    tokio::time::sleep(seconds(2)).await;
    assert_eq!((first.asked(), second.asked()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_receipt_is_awaited_of_one_that_reports_nothing() {
    let (app, key) = app().await;
    let (first, second) = (Gateway::start(Manner::Working).await, Gateway::start(Manner::Working).await);
    let one = two_ways(&app, &key, &first.server.uri(), &second.server.uri(), Some(seconds(20))).await;
    let path = format!("/v1/providers/{one}");
    // One account without rules for receipts, and one whose messages contain nothing to match receipts by.
    let rules = json!({"reference": "ref", "status": "status", "delivered": ["DELIVRD"]});
    let silent = [json!({"receipts": null}), json!({"receipts": rules, "body": {"ref": null}})];
    for (n, settings) in silent.into_iter().enumerate() {
        let change = json!({ "settings": settings });
        let changed = app.send("PATCH", &path, Some(&key.text), Some(&change)).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let id = app.start(&key, &number(n + 1)).await;
        wait_for("the first has it", || first.took().len() == n + 1).await;
        app.wait_for(&key, &id, "delivery", "sent").await;
        app.clock.turn(seconds(60));
        tokio::time::sleep(seconds(2)).await;
        assert_eq!((first.asked(), second.asked()), (n + 1, 0));
    }
}
