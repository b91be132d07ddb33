//! Webhooks as a whole: over the API, through a server, to an endpoint.

use super::{
    sending::endpoint,
    verify::{received, verify},
};
use crate::{
    app::{TestApp, TestKey},
    codes::seconds,
};
use countersign_core::{access::scope::Scopes, mode::Mode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wiremock::{MockServer, Request, ResponseTemplate};

/// The endpoints of these tests are on this machine, which tenants' endpoints usually must not be.
async fn app() -> TestApp {
    TestApp::spawn_with(|settings| {
        settings.delivery.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

async fn made(app: &TestApp, key: &TestKey, body: Value) -> Value {
    let made = app.post("/v1/webhooks", key, body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let location = made.header("location").to_owned();
    let made = made.json();
    assert_eq!(location, format!("/v1/webhooks/{}", made["id"].as_str().unwrap()));
    made
}

/// The requests that arrived, once there is one of each of these types. Moves the server's clock, which does
/// not move by itself.
async fn arrived(app: &TestApp, server: &MockServer, kinds: &[&str]) -> Vec<Request> {
    let began = Instant::now();
    loop {
        let requests = server.received_requests().await.unwrap();
        let bodies: Vec<Value> =
            requests.iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect();
        if kinds.iter().all(|kind| bodies.iter().any(|body| body["type"] == *kind)) {
            return requests;
        }
        let found: Vec<_> = bodies.iter().map(|body| body["type"].clone()).collect();
        assert!(began.elapsed() < seconds(15), "{kinds:?} of {found:?}");
        app.clock.turn(Duration::from_millis(1));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn id(webhook: &Value) -> String {
    webhook["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_approval_reaches_the_endpoint_signed_and_without_the_person() {
    let log = crate::secrets::capture();
    let (app, server) = (app().await, endpoint(ResponseTemplate::new(204)).await);
    let key = app.tenant("Acme").await;
    let path_secret = "hook-path-is-nobodys-business";
    let url = format!("{}/{path_secret}", server.uri());
    let webhook = made(&app, &key, json!({ "name": "orders", "url": url })).await;
    let (to, metadata) = ("+48501502503", json!({ "order": "order-is-private" }));
    let started = app.post("/v1/verifications", &key, json!({ "to": to, "metadata": metadata })).await;
    let verification = id(&started.json());
    let code = app.message(&verification).await.code.clone();
    let checked =
        app.post(&format!("/v1/verifications/{verification}/check"), &key, json!({ "code": code })).await;
    assert_eq!(checked.json()["status"], "approved", "{checked:?}");
    let kinds = ["verification.started", "verification.sent", "verification.approved"];
    let requests = arrived(&app, &server, &kinds).await;
    let secret = webhook["secret"].as_str().unwrap();
    assert!(verify(secret, &requests).iter().all(|answer| answer == "ok"));
    for request in &requests {
        let text = received(request).to_string();
        assert_eq!(request.headers["content-type"], "application/json");
        for private in [&code, "501502503", "order-is-private", secret] {
            assert!(!text.contains(private), "{text}");
        }
    }
    let body: Value = requests
        .iter()
        .map(|one| serde_json::from_slice::<Value>(&one.body).unwrap())
        .find(|body| body["type"] == "verification.approved")
        .unwrap();
    assert_eq!(body["data"]["verification_id"], verification);
    assert_eq!(body["data"]["status"], "approved");
    let answers = [
        app.get("/v1/webhooks", &key).await.text,
        app.get(&format!("/v1/webhooks/{}", id(&webhook)), &key).await.text,
        app.get(&format!("/v1/webhooks/{}/attempts", id(&webhook)), &key).await.text,
    ];
    assert!(answers.iter().all(|answer| !answer.contains("whsec_") && !answer.contains("sealed")));
    let log = String::from_utf8_lossy(&log.lock().unwrap()).into_owned();
    assert!(log.contains("webhook message sent"), "the try is in the log");
    let ours: Vec<_> = log.lines().filter(|line| line.contains("\"target\":\"countersign")).collect();
    for private in [secret, path_secret] {
        assert!(ours.iter().all(|line| !line.contains(private)), "{private} stands in the log");
    }
}

#[tokio::test]
async fn a_webhook_is_made_changed_tried_and_deleted() {
    let (app, server) =
        (app().await, endpoint(ResponseTemplate::new(200).set_body_string("their words")).await);
    let key = app.tenant("Acme").await;
    let body = json!({ "name": "orders", "url": server.uri(), "events": ["verification.approved"] });
    let webhook = made(&app, &key, body.clone()).await;
    assert_eq!((&webhook["mode"], &webhook["enabled"]), (&json!("live"), &json!(true)));
    assert_eq!(app.post("/v1/webhooks", &key, body).await.problem(), (409, "conflict".into()));
    let path = format!("/v1/webhooks/{}", id(&webhook));

    let pinged = app.act(&format!("{path}/ping"), &key).await;
    assert_eq!(pinged.status, 202, "{pinged:?}");
    arrived(&app, &server, &["webhook.ping"]).await;
    let attempts = attempts(&app, &key, &path, 1).await;
    assert_eq!(attempts["data"][0]["message_id"], pinged.json()["message_id"]);
    assert_eq!(
        (&attempts["data"][0]["status_code"], &attempts["data"][0]["delivered"]),
        (&json!(200), &json!(true))
    );
    assert!(!attempts.to_string().contains("their words"));

    let again = app.post(&format!("{path}/redeliver"), &key, pinged.json()).await;
    assert_eq!((again.status, again.json()), (202, pinged.json()));
    let all = self::attempts(&app, &key, &path, 2).await;
    assert!(
        all["data"].as_array().unwrap().iter().all(|one| one["message_id"] == pinged.json()["message_id"])
    );
    let page = app.get(&format!("{path}/attempts?limit=1"), &key).await.json();
    let next = page["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("{path}/attempts?limit=1&cursor={next}"), &key).await.json();
    assert_eq!((&rest["data"][0], &rest["next_cursor"]), (&all["data"][1], &Value::Null));

    let changed =
        app.send("PATCH", &path, Some(&key.text), Some(&json!({ "enabled": false, "events": null }))).await;
    let changed = changed.json();
    assert_eq!(
        (&changed["enabled"], &changed["events"], &changed["disabled_reason"]),
        (&json!(false), &json!([]), &Value::Null)
    );
    for act in ["ping", "redeliver"] {
        let refused = match act {
            "ping" => app.act(&format!("{path}/ping"), &key).await,
            _ => app.post(&format!("{path}/redeliver"), &key, pinged.json()).await,
        };
        assert_eq!(refused.problem(), (409, "conflict".into()), "{act}");
    }
    let rotated = app.post(&format!("{path}/rotate"), &key, json!({ "overlap": 60 })).await.json();
    assert!(
        rotated["secret"].as_str().unwrap().starts_with("whsec_") && rotated["secret"] != webhook["secret"]
    );

    let deleted = app.send("DELETE", &path, Some(&key.text), None).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    assert_eq!(app.get(&path, &key).await.problem(), (404, "not_found".into()));
    assert_eq!(app.get("/v1/webhooks", &key).await.json(), json!({ "data": [] }));
}

async fn attempts(app: &TestApp, key: &TestKey, path: &str, count: usize) -> Value {
    let began = Instant::now();
    loop {
        let page = app.get(&format!("{path}/attempts"), key).await.json();
        if page["data"].as_array().unwrap().len() >= count {
            return page;
        }
        assert!(began.elapsed() < seconds(10), "{page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_test_key_sees_and_makes_webhooks_of_test_mode_only() {
    let (app, server) = (app().await, endpoint(ResponseTemplate::new(204)).await);
    let live = app.tenant("Acme").await;
    let test = app.key_for(&live.caller, Mode::Test, Scopes::all()).await;
    let of_live = made(&app, &live, json!({ "name": "orders", "url": server.uri() })).await;
    let asked = json!({ "name": "x", "url": server.uri(), "mode": "live" });
    assert_eq!(app.post("/v1/webhooks", &test, asked).await.problem(), (403, "insufficient_scope".into()));
    // A test webhook may have the name of a live webhook.
    let of_test = made(&app, &test, json!({ "name": "orders", "url": server.uri() })).await;
    assert_eq!(of_test["mode"], "test");
    let listed = app.get("/v1/webhooks", &test).await.json();
    assert_eq!(listed["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>(), [id(&of_test)]);
    assert_eq!(app.get("/v1/webhooks", &live).await.json()["data"].as_array().unwrap().len(), 2);
    let path = format!("/v1/webhooks/{}", id(&of_live));
    let change = json!({ "enabled": false });
    let refused = app.send("PATCH", &path, Some(&test.text), Some(&change)).await;
    assert_eq!(refused.problem(), (404, "not_found".into()));
    for n in 1..4 {
        made(&app, &test, json!({ "name": format!("n{n}"), "url": server.uri() })).await;
    }
    let fifth = app.post("/v1/webhooks", &test, json!({ "name": "n5", "url": server.uri() })).await;
    assert_eq!(fifth.problem(), (409, "conflict".into()));
    made(&app, &live, json!({ "name": "others", "url": server.uri() })).await;
    let started = app.start(&test, "+15005550006").await;
    let secret = of_test["secret"].as_str().unwrap();
    let (mut all, began) = (Vec::new(), Instant::now());
    // Each of the four test webhooks gets the message, in any order.
    while all.len() < 4 {
        assert!(began.elapsed() < seconds(15), "{} of 4 were told", all.len());
        all = arrived(&app, &server, &["verification.started"]).await;
        let of_start = |one: &Request| {
            let body = String::from_utf8_lossy(&one.body);
            body.contains(&started) && body.contains("verification.started")
        };
        all.retain(of_start);
        app.clock.turn(Duration::from_millis(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(verify(secret, &all).contains(&"ok".to_owned()));
    assert!(verify(of_live["secret"].as_str().unwrap(), &all).iter().all(|answer| answer != "ok"));
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_when_it_is_set() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    for url in [
        "http://example.com/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "https://user:password@example.com/",
        "https://example.com/#part",
        "ftp://example.com/",
        "example.com",
        "",
    ] {
        let refused = app.post("/v1/webhooks", &key, json!({ "name": "one", "url": url })).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{url}");
        assert_eq!(refused.json()["errors"][0]["field"], "url", "{url}");
    }
    for (field, value) in [("events", json!(["no.such"])), ("name", json!("A b")), ("mode", json!("both"))] {
        let mut body = json!({ "name": "one", "url": "https://example.com/" });
        body[field] = value;
        let refused = app.post("/v1/webhooks", &key, body).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{field}");
    }
}

#[tokio::test]
async fn a_key_that_is_disabled_is_told() {
    let (app, server) = (app().await, endpoint(ResponseTemplate::new(204)).await);
    let key = app.tenant("Acme").await;
    made(
        &app,
        &key,
        json!({ "name": "keys", "url": server.uri(), "events": ["key.created", "key.disabled"] }),
    )
    .await;
    let other =
        app.post("/v1/keys", &key, json!({ "name": "other", "scopes": ["reports:read"] })).await.json();
    let path = format!("/v1/keys/{}", id(&other));
    app.send("PATCH", &path, Some(&key.text), Some(&json!({ "disabled": true }))).await;
    let requests = arrived(&app, &server, &["key.created", "key.disabled"]).await;
    assert_eq!(requests.len(), 2, "nothing else was asked for");
    let secret = other["secret"].as_str().unwrap();
    assert!(requests.iter().all(|one| !String::from_utf8_lossy(&one.body).contains(&secret[40..])));
}
