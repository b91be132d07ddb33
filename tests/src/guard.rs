//! Limits, countries, profiles, wrong codes and repeats over HTTP, and how soon the server follows a change
//! that another process makes.

use crate::{
    app::{Answer, TestApp, TestKey, answer},
    codes::{number, seconds},
};
use countersign_core::{
    access::{
        change::Change,
        scope::{Scope, Scopes},
    },
    mode::Mode,
    ports::{clock::Clock, directory::keys::KeyChange},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const TO: &str = "+48500500500";

impl TestApp {
    async fn put(&self, path: &str, key: &TestKey, body: Value) -> Answer {
        self.send("PUT", path, Some(&key.text), Some(&body)).await
    }

    async fn post_once(&self, path: &str, key: &TestKey, once: &str, body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base_url)).bearer_auth(&key.text);
        answer(request.header("Idempotency-Key", once).json(body)).await
    }
}

#[tokio::test]
async fn answers_say_how_far_each_limit_is_used() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let body = json!({ "to": TO, "end_user_ip": "2001:db8::7" });
    let started = app.post("/v1/verifications", &key, body.clone()).await;
    assert_eq!(
        started.header("ratelimit-policy"),
        r#""number_10m";q=5;w=600, "number_24h";q=20;w=86400, "end_user_ip_10m";q=20;w=600"#
    );
    assert_eq!(
        started.header("ratelimit"),
        r#""number_10m";r=4;t=600, "number_24h";r=19;t=86400, "end_user_ip_10m";r=19;t=30"#
    );
    for _ in 0..4 {
        app.start(&key, TO).await;
    }
    let refused = app.post("/v1/verifications", &key, body).await;
    assert_eq!(refused.problem(), (429, "rate_limited".into()));
    assert!(refused.header("ratelimit").starts_with(r#""number_10m";r=0;t=600"#), "{refused:?}");
    assert_eq!(refused.json()["limit"], json!({ "name": "number_10m", "scope": "number" }));
    for bad in ["nonsense", "192.0.2.1:80", ""] {
        let refused = app.post("/v1/verifications", &key, json!({ "to": TO, "end_user_ip": bad })).await;
        assert_eq!(refused.json()["errors"][0]["field"], "end_user_ip", "{bad}");
    }
}

#[tokio::test]
async fn limits_are_listed_set_and_put_back() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let list = async || app.get("/v1/limits", &key).await.json()["data"].clone();
    let names: Vec<_> = list().await.as_array().unwrap().iter().map(|l| l["name"].clone()).collect();
    assert_eq!(names, ["number", "end_user_ip", "key", "tenant", "country", "prefix"]);
    let one = json!({ "buckets": [{ "max": 1, "window": 600 }] });
    let set = app.put("/v1/limits/number", &key, one.clone()).await;
    assert_eq!(
        set.json(),
        json!({ "name": "number", "scope": "number", "buckets": one["buckets"], "default": false })
    );
    app.start(&key, TO).await;
    let refused = app.post("/v1/verifications", &key, json!({ "to": TO })).await;
    assert_eq!(refused.json()["limit"]["name"], "number_10m");
    for path in ["/v1/limits/number", "/v1/limits/number"] {
        assert_eq!(app.send("DELETE", path, Some(&key.text), None).await.status, 204);
    }
    app.start(&key, TO).await;
    assert_eq!(list().await[0]["default"], true);

    assert_eq!(app.put("/v1/limits/signup", &key, one.clone()).await.status, 200);
    let named = |value: &str| json!({ "to": number(value.len()), "limits": { "signup": value } });
    assert_eq!(app.post("/v1/verifications", &key, named("a")).await.status, 201);
    let refused = app.post("/v1/verifications", &key, named("a")).await;
    assert_eq!(refused.json()["limit"], json!({ "name": "signup_10m", "scope": "caller" }));
    assert_eq!(app.post("/v1/verifications", &key, named("bb")).await.status, 201);
    for (limits, field) in [
        (json!({ "nothing": "x" }), "limits.nothing"),
        (json!({ "number": "x" }), "limits.number"),
        (json!({ "signup": "" }), "limits.signup"),
        (json!({ "signup": 7 }), "limits.signup"),
        (json!("signup"), "limits"),
    ] {
        let refused = app.post("/v1/verifications", &key, json!({ "to": TO, "limits": limits })).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()));
        assert_eq!(refused.json()["errors"][0]["field"], field);
    }
    assert_eq!(app.send("DELETE", "/v1/limits/signup", Some(&key.text), None).await.status, 204);
    let gone = app.send("DELETE", "/v1/limits/signup", Some(&key.text), None).await;
    assert_eq!(gone.problem(), (404, "not_found".into()));
    for bad in [json!([]), json!([{ "max": 0, "window": 60 }]), json!([{ "max": 1 }]), json!("5/60")] {
        let refused = app.put("/v1/limits/tenant", &key, json!({ "buckets": bad })).await;
        assert_eq!(refused.json()["errors"][0]["field"], "buckets");
    }
    let beyond = json!({ "buckets": [{ "max": 21, "window": 86_400 }] });
    assert_eq!(app.put("/v1/limits/number", &key, beyond.clone()).await.status, 400);
    assert_eq!(app.put("/v1/limits/tenant", &key, beyond).await.status, 200);
    assert_eq!(app.put("/v1/limits/UPPER", &key, one.clone()).await.problem(), (404, "not_found".into()));
    for n in 0..20 {
        assert_eq!(app.put(&format!("/v1/limits/own-{n}"), &key, one.clone()).await.status, 200);
    }
    assert_eq!(app.put("/v1/limits/own-20", &key, one).await.problem(), (409, "conflict".into()));
}

#[tokio::test]
async fn the_country_list_decides_before_anything_is_counted() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let open = app.get("/v1/countries", &key).await.json();
    assert_eq!(open, json!({ "default": "allow", "countries": {} }));
    let only = json!({ "default": "block", "countries": { "PL": "allow" } });
    assert_eq!(app.put("/v1/countries", &key, only.clone()).await.json(), only);
    let refused = app.post("/v1/verifications", &key, json!({ "to": "+447400123456" })).await;
    assert_eq!(refused.problem(), (403, "country_not_allowed".into()));
    assert!(
        refused.json()["detail"].as_str().unwrap().contains("GB") && !refused.text.contains("7400123456")
    );
    assert_eq!(refused.header("ratelimit"), "");
    app.start(&key, TO).await;
    let bad =
        json!({ "default": "maybe", "countries": { "XX": "allow", "pl": "block", "DE": 1 }, "more": 1 });
    let refused = app.put("/v1/countries", &key, bad).await.json();
    let mut fields: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    fields.sort_by_key(ToString::to_string);
    assert_eq!(fields, ["countries.DE", "countries.XX", "countries.pl", "default", "more"]);
}

#[tokio::test]
async fn profiles_are_made_changed_and_deleted() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let made = app.put("/v1/profiles/shop", &key, json!({ "code_length": 8, "alphabet": "letters" })).await;
    assert_eq!((made.status, &made.json()["expires_in"]), (201, &json!(300)));
    let body = json!({ "to": TO, "profile": "shop" });
    let started = app.post("/v1/verifications", &key, body.clone()).await.json();
    let code = app.message(started["id"].as_str().unwrap()).await.code;
    assert_eq!(code.len(), 8);
    let checked = app.post("/v1/checks", &key, json!({ "to": TO, "code": code, "profile": "shop" })).await;
    assert_eq!(checked.json()["status"], "approved");
    let patch = json!({ "expires_in": 60, "limits": { "cart": [{ "max": 1, "window": 60 }] } });
    let changed = app.send("PATCH", "/v1/profiles/shop", Some(&key.text), Some(&patch)).await.json();
    assert_eq!((&changed["code_length"], &changed["expires_in"]), (&json!(8), &json!(60)));
    let counted = json!({ "to": TO, "profile": "shop", "limits": { "cart": "7" } });
    assert_eq!(app.post("/v1/verifications", &key, counted.clone()).await.status, 201);
    assert_eq!(app.post("/v1/verifications", &key, counted).await.json()["limit"]["name"], "cart_1m");
    let replaced = app.put("/v1/profiles/shop", &key, json!({})).await;
    assert_eq!((replaced.status, &replaced.json()["code_length"]), (200, &json!(6)));
    let names: Vec<_> = app.get("/v1/profiles", &key).await.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|profile| profile["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["default", "shop"]);
    let delete =
        async |name: &str| app.send("DELETE", &format!("/v1/profiles/{name}"), Some(&key.text), None).await;
    assert_eq!(delete("shop").await.status, 204);
    assert_eq!(delete("shop").await.problem(), (404, "not_found".into()));
    assert_eq!(delete("default").await.problem(), (409, "conflict".into()));
    let gone = app.post("/v1/verifications", &key, body).await;
    assert_eq!(gone.json()["errors"][0]["field"], "profile");
    let bad = json!({ "code_length": 3, "alphabet": "emoji", "expires_in": 601, "max_checks": 6, "max_sends": 0, "resend": "never", "limits": { "key": [] } });
    let refused = app.put("/v1/profiles/shop", &key, bad).await.json();
    assert_eq!(refused["errors"].as_array().unwrap().len(), 7, "{refused}");
}

#[tokio::test]
async fn too_many_wrong_codes_wait_and_the_tenant_can_end_it() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let wrong = |code: &str| code.chars().map(|c| if c == '7' { '9' } else { '7' }).collect::<String>();
    let start = async || {
        let body = json!({ "to": TO, "end_user_ip": "192.0.2.66" });
        app.post("/v1/verifications", &key, body).await.json()["id"].as_str().unwrap().to_owned()
    };
    let first = start().await;
    let code = app.message(&first).await.code;
    let check = async |id: &str, code: &str| {
        app.post(&format!("/v1/verifications/{id}/check"), &key, json!({ "code": code })).await
    };
    for _ in 0..5 {
        assert_eq!(check(&first, &wrong(&code)).await.status, 200);
    }
    assert_eq!(
        check(&first, &code).await.json()["status"],
        "exhausted",
        "an ended one says so before any wait"
    );
    let second = start().await;
    let code = app.message(&second).await.code;
    let waits = check(&second, &code).await;
    assert_eq!(waits.problem(), (429, "guess_limit".into()));
    assert_eq!(waits.header("retry-after"), "15");
    assert_eq!(waits.json()["limit"], json!({ "name": "guesses_end_user_ip", "scope": "end_user_ip" }));
    assert_eq!(app.get(&format!("/v1/verifications/{second}"), &key).await.json()["attempts_left"], 5);
    let test = app.key_for(&key.caller, Mode::Test, Scopes::all()).await;
    let other_mode = app.post("/v1/numbers/clear", &test, json!({ "to": TO })).await;
    assert_eq!(other_mode.json()["wrong_codes"], 0, "test mode counts apart");
    let cleared = app.post("/v1/numbers/clear", &key, json!({ "to": TO })).await;
    assert_eq!((cleared.status, &cleared.json()["wrong_codes"]), (200, &json!(5)));
    assert_eq!(check(&second, &code).await.json()["status"], "approved");
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_was() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let body = json!({ "to": TO, "metadata": { "order": "7" } });
    let first = app.post_once("/v1/verifications", &key, "k-1", &body).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, ""));
    let again = app.post_once("/v1/verifications", &key, "\"k-1\"", &body).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("location"), first.header("location"));
    let other = app.post_once("/v1/verifications", &key, "k-1", &json!({ "to": number(1) })).await;
    assert_eq!(other.problem(), (422, "idempotency_mismatch".into()));
    let neighbour = app.key_for(&key.caller, Mode::Live, Scopes::all()).await;
    let own = app.post_once("/v1/verifications", &neighbour, "k-1", &body).await;
    assert_ne!(own.json()["id"], first.json()["id"], "each API key has its own");

    let id = first.json()["id"].as_str().unwrap().to_owned();
    let code = app.message(&id).await.code;
    let path = format!("/v1/verifications/{id}/check");
    for n in 0..3 {
        let checked = app.post_once(&path, &key, "k-2", &json!({ "code": code })).await;
        assert_eq!((checked.status, &checked.json()["status"]), (200, &json!("approved")), "{n}");
        assert_eq!(checked.header("idempotent-replayed"), if n == 0 { "" } else { "true" });
    }
    let plain = app.post(&path, &key, json!({ "code": code })).await;
    assert_eq!(plain.problem(), (409, "already_approved".into()));
    for bad in ["", "a\"b", &"k".repeat(256)] {
        let refused = app.post_once("/v1/verifications", &key, bad, &body).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{bad}");
    }
}

#[tokio::test]
async fn what_another_process_changes_is_obeyed_within_two_seconds() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let key = app.key_with(&owner.caller, Scope::SettingsRead).await;
    assert_eq!(app.get("/v1/limits", &key).await.status, 200);
    // The command line does this: it writes the same tables while the server runs.
    let (tenant, id, now) = (key.caller.tenant, key.caller.key().unwrap(), app.clock.now());
    let change = KeyChange { disabled: Some(true), ..KeyChange::default() };
    app.context.directory.update_key(tenant, id, change, None, &Change::by_system(now)).await.unwrap();
    let since = Instant::now();
    while app.get("/v1/limits", &key).await.status == 200 {
        assert!(since.elapsed() < Duration::from_secs(6), "three times the promise");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(app.get("/v1/limits", &key).await.problem(), (401, "invalid_key".into()));
}

#[tokio::test]
async fn a_server_that_cannot_read_the_directory_refuses_within_two_seconds() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let file = rusqlite::Connection::open(app.folder.path().join("directory.sqlite")).unwrap();
    let rename = |from: &str, to: &str| {
        file.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
    };
    rename("change_head", "hidden");
    let since = Instant::now();
    while app.get("/v1/limits", &key).await.status == 200 {
        assert!(since.elapsed() < Duration::from_secs(9), "three times the promise and a look");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let refused = app.get("/v1/limits", &key).await;
    assert_eq!(refused.problem(), (503, "directory_unavailable".into()));
    assert_eq!(refused.header("retry-after"), "1");
    rename("hidden", "change_head");
    let since = Instant::now();
    while app.get("/v1/limits", &key).await.status != 200 {
        assert!(since.elapsed() < Duration::from_secs(6));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.clock.turn(seconds(1));
}

#[tokio::test]
async fn a_review_number_gets_nothing_and_takes_its_one_code() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let body = json!({ "to": TO });
    let made = app.post_once("/v1/review-numbers", &key, "one", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let repeated = app.post_once("/v1/review-numbers", &key, "one", &body).await;
    assert_eq!(repeated.problem(), (409, "secret_already_shown".into()));
    let other = app.post_once("/v1/review-numbers", &key, "one", &json!({ "to": "+48500500501" })).await;
    assert_eq!(other.problem(), (422, "idempotency_mismatch".into()));
    let (made, code) = (made.json(), made.json()["code"].as_str().unwrap().to_owned());
    assert_eq!(code.len(), 6);
    let again = app.post("/v1/review-numbers", &key, json!({ "to": TO })).await;
    assert_eq!(again.problem(), (409, "conflict".into()));
    let only = json!({ "default": "block", "countries": {} });
    assert_eq!(app.put("/v1/countries", &key, only).await.status, 200);
    for n in 0..10 {
        let id = app.start(&key, TO).await;
        let verification = app.get(&format!("/v1/verifications/{id}"), &key).await.json();
        assert_eq!(verification["delivery"], "delivered", "{n}");
        let resend = format!("/v1/verifications/{id}/resend");
        app.clock.turn(seconds(30));
        assert_eq!(app.act(&resend, &key).await.status, 200);
        let checked = app.post(&format!("/v1/verifications/{id}/check"), &key, json!({ "code": code })).await;
        assert_eq!(checked.json()["status"], "approved");
    }
    assert!(app.inbox.list(None, 10).await.unwrap().is_empty(), "nothing is sent");
    let list = app.get("/v1/review-numbers", &key).await.json();
    assert_eq!((&list["data"][0]["to"], &list["data"][0]["code"]), (&json!(TO), &Value::Null));
    let test = app.key_for(&key.caller, Mode::Test, Scopes::all()).await;
    let in_test = app.post("/v1/verifications", &test, json!({ "to": TO })).await;
    assert_eq!(in_test.problem(), (403, "country_not_allowed".into()), "an ordinary number in test mode");
    app.clock.turn(seconds(30 * 86_400));
    let ended = app.post("/v1/verifications", &key, json!({ "to": TO })).await;
    assert_eq!(ended.problem(), (403, "country_not_allowed".into()), "it ended by itself");
    let renewed =
        app.post("/v1/review-numbers", &key, json!({ "to": TO, "ends_at": "2099-01-01T00:00:00Z" })).await;
    assert_eq!(renewed.status, 201);
    assert_ne!(renewed.json()["id"], made["id"]);
    let bound = countersign_core::ports::clock::Clock::now(&*app.clock) + seconds(30 * 86_400);
    assert_eq!(renewed.json()["ends_at"], bound.to_string(), "30 days at most");
    let path = format!("/v1/review-numbers/{}", renewed.json()["id"].as_str().unwrap());
    assert_eq!(app.send("DELETE", &path, Some(&key.text), None).await.status, 204);
    assert_eq!(app.send("DELETE", &path, Some(&key.text), None).await.problem(), (404, "not_found".into()));
}

#[tokio::test]
async fn a_test_key_changes_nothing_that_live_keys_feel() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let test = app.key_for(&key.caller, Mode::Test, Scopes::all()).await;
    let buckets = json!({ "buckets": [{ "max": 1, "window": 60 }] });
    let review = app.post("/v1/review-numbers", &key, json!({ "to": TO })).await.json();
    let review = format!("/v1/review-numbers/{}", review["id"].as_str().unwrap());
    for (method, path, body) in [
        ("PUT", "/v1/limits/tenant", buckets.clone()),
        ("DELETE", "/v1/limits/tenant", Value::Null),
        ("PUT", "/v1/countries", json!({ "default": "allow", "countries": {} })),
        ("PUT", "/v1/profiles/shop", json!({})),
        ("PATCH", "/v1/profiles/default", json!({ "code_length": 4 })),
        ("DELETE", "/v1/profiles/default", Value::Null),
        ("PUT", "/v1/allowlists/api", json!({ "entries": [], "confirm": true })),
        ("POST", "/v1/review-numbers", json!({ "to": "+48500500501" })),
        ("DELETE", review.as_str(), Value::Null),
    ] {
        let body = (!body.is_null()).then_some(&body);
        let refused = app.send(method, path, Some(&test.text), body).await;
        assert_eq!(refused.problem(), (403, "insufficient_scope".into()), "{method} {path}");
    }
    assert_eq!(app.get("/v1/limits", &test).await.status, 200, "it reads them");
    assert_eq!(app.put("/v1/limits/tenant", &key, buckets.clone()).await.status, 200);
    // Every spelling of a path leads to the same operation.
    assert_eq!(app.put("/%76%31/limits/%63ountry", &key, buckets).await.status, 200);
    let entries = app.get("/v1/audit?action=limit&limit=2", &key).await.json()["data"].clone();
    for (entry, changed) in entries.as_array().unwrap().iter().zip(["limit:country", "limit:tenant"]) {
        assert_eq!(entry["object"], changed, "{entries}");
        assert_eq!(entry["actor"], key.caller.key().unwrap().to_string());
    }
}

#[tokio::test]
async fn an_erasure_reaches_what_is_live_whatever_became_of_its_profile() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    assert_eq!(app.put("/v1/profiles/shop", &key, json!({})).await.status, 201);
    let body = json!({ "to": TO, "profile": "shop", "metadata": { "order": "7" } });
    let live = app.post("/v1/verifications", &key, body).await.json()["id"].as_str().unwrap().to_owned();
    let done = app.start(&key, TO).await;
    let code = app.message(&done).await.code;
    let check = app.post(&format!("/v1/verifications/{done}/check"), &key, json!({ "code": code })).await;
    assert_eq!(check.json()["status"], "approved");
    assert_eq!(app.send("DELETE", "/v1/profiles/shop", Some(&key.text), None).await.status, 204);
    let erased = app.post("/v1/numbers/erase", &key, json!({ "to": TO })).await;
    assert_eq!((erased.status, &erased.json()["canceled"]), (200, &json!(1)), "{erased:?}");
    for (id, status) in [(&live, "canceled"), (&done, "approved")] {
        let shown = app.get(&format!("/v1/verifications/{id}"), &key).await.json();
        assert_eq!((&shown["to"], &shown["status"]), (&Value::Null, &json!(status)), "{shown}");
        assert_eq!(shown["metadata"], json!({}));
        let resend = app.act(&format!("/v1/verifications/{id}/resend"), &key).await;
        assert_eq!(resend.problem(), (409, "verification_ended".into()));
    }
    app.start(&key, TO).await;
}
