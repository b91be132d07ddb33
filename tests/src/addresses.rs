//! The caller's address over HTTP: behind a proxy, in the log, and in the limit of failures.

use crate::app::{Answer, TestApp, TestKey, answer};
use countersign_core::access::address::{TrustedProxies, parse_proxy};
use std::num::NonZeroU32;

/// A server that trusts this machine as its proxy, and allows five wrong keys.
async fn behind_a_proxy() -> TestApp {
    TestApp::spawn_with(|settings| {
        let proxies = ["127.0.0.1", "10.0.0.0/8"].map(|text| parse_proxy(text).unwrap());
        settings.server.trusted_proxies = TrustedProxies::new(proxies.into()).unwrap();
        settings.server.auth_failures = NonZeroU32::new(5).unwrap();
    })
    .await
}

async fn ask(app: &TestApp, key: &str, lines: &[&str]) -> Answer {
    let mut request = app.client.get(format!("{}/v1/keys", app.base_url)).bearer_auth(key);
    for line in lines {
        request = request.header("x-forwarded-for", *line);
    }
    answer(request).await
}

fn slip(key: &TestKey) -> String {
    format!("{}{}", &key.text[..key.text.len() - 1], if key.text.ends_with('x') { "y" } else { "x" })
}

#[tokio::test]
async fn wrong_keys_are_limited_by_caller_and_valid_ones_never() {
    let app = behind_a_proxy().await;
    let owner = app.tenant("Acme").await;
    let wrong = slip(&owner);
    for n in 0..5 {
        // The client may invent the entries to the left of its own address; they change nothing.
        let invented = format!("203.0.113.{n}, 198.51.100.7");
        let refused = ask(&app, &wrong, &[&invented, "10.1.1.1"]).await;
        assert_eq!(refused.problem(), (401, "invalid_key".into()));
    }
    let limited = ask(&app, &wrong, &["198.51.100.7"]).await;
    assert_eq!(limited.problem(), (429, "rate_limited".into()));
    assert_eq!(limited.json()["limit"]["name"], "auth_failures");
    assert_eq!(limited.json()["limit"]["scope"], "caller_address");
    assert_eq!(limited.header("retry-after"), "12", "the next of five a minute");
    assert_eq!(ask(&app, &wrong, &["::ffff:198.51.100.7"]).await.status, 429, "the same address");
    assert_eq!(ask(&app, &owner.text, &["198.51.100.7"]).await.status, 200, "a valid key is not slowed");
    assert_eq!(ask(&app, &wrong, &["198.51.100.8"]).await.status, 401, "another address");
    app.clock.turn(crate::codes::seconds(12));
    assert_eq!(ask(&app, &wrong, &["198.51.100.7"]).await.status, 401);
    assert_eq!(ask(&app, &wrong, &["198.51.100.7"]).await.status, 429);
}

#[tokio::test]
async fn a_hop_that_is_no_address_is_refused_only_from_a_proxy() {
    let app = behind_a_proxy().await;
    let owner = app.tenant("Acme").await;
    for line in ["unknown", "198.51.100.7,", "198.51.100.7, _hidden"] {
        let refused = ask(&app, &owner.text, &[line]).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{line}");
    }
    assert_eq!(
        ask(&app, &owner.text, &["unknown, 198.51.100.7:4711, [::ffff:10.0.0.1]:80"]).await.status,
        200
    );
    let bare = TestApp::spawn().await;
    let owner = bare.tenant("Acme").await;
    assert_eq!(ask(&bare, &owner.text, &["unknown"]).await.status, 200);
}

#[tokio::test]
async fn each_line_of_the_log_says_where_the_request_came_from() {
    let log = crate::secrets::capture();
    let app = behind_a_proxy().await;
    let owner = app.tenant("Acme").await;
    let id = ask(&app, &owner.text, &["2001:db8::4711, 10.0.0.1"]).await.header("x-request-id").to_owned();
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains(&id)).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["fields"]["client.address"], "2001:db8::4711");
}
