//! A tenant with a slow provider must not delay others.

use crate::{
    app::{TestApp, TestKey},
    codes::{number, seconds},
};
use countersign_core::{delivery::account::BreakerState, management::routes::RouteChange};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// The longest time from the answer to a start until the code is at the provider.
const WITHIN: Duration = Duration::from_secs(2);

/// A provider that accepts every message after a delay, and remembers when each arrived.
#[derive(Clone)]
struct Slow {
    takes: Duration,
    came: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Respond for Slow {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let id = body["to"].as_str().unwrap().to_owned();
        self.came.lock().unwrap().insert(id, Instant::now());
        ResponseTemplate::new(200).set_delay(self.takes)
    }
}

impl Slow {
    fn count(&self) -> usize {
        self.came.lock().unwrap().len()
    }

    fn came(&self, to: &str) -> Option<Instant> {
        self.came.lock().unwrap().get(to).copied()
    }
}

/// A tenant with one account, and the provider of this account.
async fn tenant(app: &TestApp, name: &str, takes: Duration) -> (TestKey, Slow, MockServer) {
    let (key, slow) = (app.tenant(name).await, Slow { takes, came: Arc::default() });
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(slow.clone()).mount(&server).await;
    let settings = json!({
        "url": server.uri(), "content_type": "json", "timeout_seconds": 30, "body": {"to": "{to}", "text": "{text}"},
    });
    let account = app.verified_account(&key, ("one", "http"), settings).await.id;
    app.route(&key, "all", account, RouteChange::default()).await;
    (key, slow, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_provider_of_one_tenant_keeps_no_other_waiting() {
    let app = TestApp::spawn_with_gateways().await;
    let (slow, slow_provider, _one) = tenant(&app, "Slow", seconds(9)).await;
    let (other, provider, _two) = tenant(&app, "Other", Duration::ZERO).await;
    let numbers: Vec<_> = (0..500).map(number).collect();
    for some in numbers.chunks(25) {
        join_all(some.iter().map(|to| app.start(&slow, to))).await;
    }
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    // This lasts as long as the slow messages are in progress, and until their slots are free again.
    for n in 0.. {
        if begun.elapsed() > seconds(12) {
            break;
        }
        let to = number(1_000 + n);
        app.start(&other, &to).await;
        let answered = Instant::now();
        while provider.came(&to).is_none() {
            assert!(answered.elapsed() < 4 * WITHIN, "it waits behind another's");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        slowest = slowest.max(provider.came(&to).unwrap().saturating_duration_since(answered));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The promised bound, with a margin for a busy machine.
    assert!(slowest < 2 * WITHIN, "{slowest:?}");
    // At first the tenant was alone and not known as slow, so it had all slots; later it had fewer. No
    // message was lost.
    let sent = slow_provider.count();
    assert!((32..=96).contains(&sent), "{sent}");
    let waits = app.context.codes.messages_waiting().await.unwrap();
    assert!(waits >= 400, "{waits}");
}

/// A provider that fails for phone numbers that end in 0, as some answer 500 to numbers that they cannot
/// read.
struct Picky(Slow);

impl Respond for Picky {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let to = body["to"].as_str().unwrap();
        if to.ends_with('0') { ResponseTemplate::new(500) } else { self.0.respond(request) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_numbers_of_one_tenant_shut_no_shared_account() {
    let app = TestApp::spawn_with_gateways().await;
    let provider = Slow { takes: Duration::ZERO, came: Arc::default() };
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Picky(provider.clone())).mount(&server).await;
    let settings =
        json!({"url": server.uri(), "content_type": "json", "body": {"to": "{to}", "text": "{text}"}});
    let account = app.shared_account("shared", settings).await;
    let (one, other) = (app.tenant("One").await, app.tenant("Other").await);
    for key in [&one, &other] {
        app.route(key, "all", account.id, RouteChange::default()).await;
    }
    for n in 0..10 {
        app.start(&one, &number(n * 10)).await;
    }
    let health = |key: &TestKey| {
        let health = app.context.gateways.health(&account, key.caller.tenant);
        health.map(|health| health.state)
    };
    for _ in 0..500 {
        if health(&one) == Some(BreakerState::Open) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(health(&one), Some(BreakerState::Open), "its own messages are left out");
    assert_eq!(health(&other), Some(BreakerState::Closed));
    for n in 0..5 {
        let (to, begun) = (number(1_001 + 10 * n), Instant::now());
        app.start(&other, &to).await;
        while provider.came(&to).is_none() {
            assert!(begun.elapsed() < 2 * WITHIN, "it is left out too");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
