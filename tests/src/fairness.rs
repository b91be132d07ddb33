//! A tenant whose provider is slow, beside others.

use crate::{
    app::{TestApp, TestKey},
    codes::{number, seconds},
};
use countersign_core::resources::routes::RouteChange;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// From the answer to a start to the code at the provider.
const WITHIN: Duration = Duration::from_secs(2);

/// A provider that takes everything, after a while, and remembers when each message came.
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

/// A tenant with one account, and the provider behind it.
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
    // For as long as its messages are under way, and while it gets its places back.
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
    // The promised bound, with room for a busy machine.
    assert!(slowest < 2 * WITHIN, "{slowest:?}");
    // Alone and not known to be slow it had all places; since then it has fewer. None was lost.
    let sent = slow_provider.count();
    assert!((32..=96).contains(&sent), "{sent}");
    let waits = app.context.codes.messages_waiting().await.unwrap();
    assert!(waits >= 400, "{waits}");
}
