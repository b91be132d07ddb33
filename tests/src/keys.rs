//! Keys over HTTP.

use crate::{
    app::{Answer, TestApp, answer},
    codes::seconds,
};
use countersign_core::{
    access::scope::{Scope, Scopes},
    mode::Mode,
};
use serde_json::{Value, json};

#[tokio::test]
async fn a_key_is_shown_once_works_and_ends() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let body = json!({ "name": "Backend", "scopes": ["verifications:read", "settings:read"] });
    let created = app.post("/v1/keys", &owner, body).await;
    assert_eq!(created.status, 201, "{created:?}");
    let key = created.json();
    let (id, secret) = (key["id"].as_str().unwrap(), key["secret"].as_str().unwrap());
    assert!(secret.starts_with("cs_live_"));
    insta::assert_json_snapshot!(key, {
        ".id" => "key_...", ".secret" => "cs_live_...", ".created_at" => "time",
    });
    let path = format!("/v1/keys/{id}");
    let read = app.get(&path, &owner).await.json();
    assert_eq!(read["secret"], Value::Null);
    assert_eq!(read["name"], "Backend");
    let own = async || app.send("GET", &path, Some(secret), None).await;
    assert_eq!(own().await.status, 200);

    let patch = async |body: Value| app.send("PATCH", &path, Some(&owner.text), Some(&body)).await;
    assert_eq!(patch(json!({ "disabled": true })).await.json()["disabled"], true);
    assert_eq!(own().await.problem(), (401, "invalid_key".into()));
    assert_eq!(patch(json!({ "disabled": false, "name": "New name" })).await.json()["name"], "New name");
    assert_eq!(own().await.status, 200);

    let soon = countersign_core::ports::clock::Clock::now(&*app.clock) + seconds(60);
    let expiry = jiff::Timestamp::from_microsecond(soon.micros()).unwrap().to_string();
    assert_eq!(patch(json!({ "expires_at": expiry })).await.status, 200);
    assert_eq!(own().await.status, 200);
    app.clock.turn(seconds(60));
    assert_eq!(own().await.problem(), (401, "invalid_key".into()));
    assert_eq!(patch(json!({ "expires_at": null })).await.json()["expires_at"], Value::Null);
    assert_eq!(own().await.status, 200);
    assert_eq!(patch(json!({ "expires_at": "2001-01-01T00:00:00Z" })).await.status, 200);
    assert_eq!(own().await.problem(), (401, "invalid_key".into()), "a time that has passed ends it now");

    assert_eq!(app.send("DELETE", &path, Some(&owner.text), None).await.status, 204);
    assert_eq!(own().await.problem(), (401, "invalid_key".into()));
    assert_eq!(app.get(&path, &owner).await.problem(), (404, "not_found".into()));
}

#[tokio::test]
async fn a_key_grants_and_changes_only_what_it_holds() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let admin = app.key_with(&owner.caller, Scope::KeysWrite).await;
    let body = json!({ "name": "More", "scopes": ["verifications:start"] });
    assert_eq!(app.post("/v1/keys", &admin, body).await.problem(), (403, "insufficient_scope".into()));
    let path = format!("/v1/keys/{}", owner.caller.key().unwrap());
    for (method, body) in [("PATCH", Some(json!({ "disabled": true }))), ("DELETE", None)] {
        let refused = app.send(method, &path, Some(&admin.text), body.as_ref()).await;
        assert_eq!(refused.problem(), (403, "insufficient_scope".into()), "{method}");
        let own = app.send(method, &path, Some(&owner.text), body.as_ref()).await;
        assert_eq!(own.problem(), (409, "conflict".into()), "{method}: nobody locks themselves out");
    }
    let ended = json!({ "expires_at": "2001-01-01T00:00:00Z" });
    let own = app.send("PATCH", &path, Some(&owner.text), Some(&ended)).await;
    assert_eq!(own.problem(), (409, "conflict".into()));
    let tester = app.key_for(&owner.caller, Mode::Test, Scopes::all()).await;
    let live = app.post("/v1/keys", &tester, json!({ "name": "Live", "scopes": ["keys:write"] })).await;
    assert_eq!(live.problem(), (403, "insufficient_scope".into()), "a test key makes no live key");
}

#[tokio::test]
async fn keys_are_listed_in_pages_newest_first() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    for n in 0..5 {
        app.clock.turn(seconds(1));
        let body = json!({ "name": format!("Key {n}"), "scopes": ["verifications:check"] });
        assert_eq!(app.post("/v1/keys", &owner, body).await.status, 201);
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/keys?limit=2{cursor}"), &owner).await.json();
        let data = page["data"].as_array().unwrap();
        assert!((1..=2).contains(&data.len()));
        names.extend(data.iter().map(|key| key["name"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["Key 4", "Key 3", "Key 2", "Key 1", "Key 0", "test"]);
    for query in ["limit=0", "limit=101", "limit=x", "cursor=x", "unknown=1"] {
        let refused = app.get(&format!("/v1/keys?{query}"), &owner).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{query}");
    }
}

#[tokio::test]
async fn a_key_that_ends_makes_nothing_that_outlasts_it() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let body = json!({ "name": "Short", "scopes": ["keys:write"], "expires_at": "2099-01-01T00:00:00Z" });
    let short = app.post("/v1/keys", &owner, body).await.json();
    let (id, secret) = (short["id"].as_str().unwrap(), short["secret"].as_str().unwrap());
    let path = format!("/v1/keys/{id}");
    for expires_at in [json!(null), json!("2099-01-01T00:00:01Z")] {
        let longer = json!({ "expires_at": expires_at });
        let refused = app.send("PATCH", &path, Some(secret), Some(&longer)).await;
        assert_eq!(refused.problem(), (409, "conflict".into()));
        let child = json!({ "name": "Child", "scopes": ["keys:write"], "expires_at": expires_at });
        let refused = app.send("POST", "/v1/keys", Some(secret), Some(&child)).await;
        assert_eq!(refused.problem(), (409, "conflict".into()));
    }
    let shorter = json!({ "expires_at": "2098-01-01T00:00:00Z" });
    assert_eq!(app.send("PATCH", &path, Some(secret), Some(&shorter)).await.status, 200);
}

/// Sends a POST with an Idempotency-Key.
async fn post_once(app: &TestApp, path: &str, key: &str, once: &str, body: Value) -> Answer {
    let request = app.client.post(format!("{}{path}", app.base_url)).bearer_auth(key);
    answer(request.header("idempotency-key", once).json(&body)).await
}

#[tokio::test]
async fn a_rotated_key_works_beside_its_successor_for_a_while() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let body = json!({
        "name": "Backend", "scopes": ["verifications:read", "settings:read"], "mode": "test",
        "expires_at": "2099-01-01T00:00:00Z", "allowlist": [{ "range": "127.0.0.0/8" }],
    });
    let old = app.post("/v1/keys", &owner, body).await.json();
    let path = format!("/v1/keys/{}", old["id"].as_str().unwrap());
    app.clock.turn(seconds(1));
    let rotated = app.post(&format!("{path}/rotate"), &owner, json!({ "overlap": 60 })).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    let new = rotated.json();
    assert_eq!(rotated.header("location"), format!("/v1/keys/{}", new["id"].as_str().unwrap()));
    for field in ["name", "mode", "scopes", "expires_at", "allowlist", "disabled", "replaced_by"] {
        assert_eq!(new[field], old[field], "{field}");
    }
    assert_ne!(new["id"], old["id"]);
    let works =
        async |key: &Value| app.send("GET", "/v1/keys", key["secret"].as_str(), None).await.status == 200;
    let told = app.get(&path, &owner).await.json();
    assert_eq!(told["replaced_by"], new["id"]);
    assert_ne!(told["expires_at"], old["expires_at"]);
    let again = app.post(&format!("{path}/rotate"), &owner, json!({})).await;
    assert_eq!(again.problem(), (409, "conflict".into()));
    assert!(again.json()["detail"].as_str().unwrap().contains(new["id"].as_str().unwrap()), "{again:?}");
    assert!(works(&old).await && works(&new).await);
    app.clock.turn(seconds(60));
    assert!(!works(&old).await && works(&new).await);
    let ended = app.post(&format!("{path}/rotate"), &owner, json!({})).await;
    assert_eq!(ended.problem(), (409, "conflict".into()), "it has ended");
    for overlap in [json!(-1), json!(604_801), json!("1h"), json!(0.5)] {
        let refused = app.post(&format!("{path}/rotate"), &owner, json!({ "overlap": overlap })).await;
        assert_eq!(refused.json()["errors"][0]["field"], "overlap");
    }
    // Without a successor the key can be rotated again. The new key expires when the old one does.
    let patch = json!({ "expires_at": null });
    assert_eq!(app.send("PATCH", &path, Some(&owner.text), Some(&patch)).await.status, 200);
    let successor = format!("/v1/keys/{}", new["id"].as_str().unwrap());
    assert_eq!(app.send("DELETE", &successor, Some(&owner.text), None).await.status, 204);
    let third = app.post(&format!("{path}/rotate"), &owner, json!({ "overlap": 0 })).await.json();
    assert!(!works(&old).await && works(&third).await, "an overlap of 0 ends it at once");
}

#[tokio::test]
async fn a_key_rotates_itself_and_gains_nothing() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let body = json!({ "name": "Self", "scopes": ["keys:write"], "expires_at": "2099-01-01T00:00:00Z" });
    let old = app.post("/v1/keys", &owner, body).await.json();
    let (id, secret) = (old["id"].as_str().unwrap(), old["secret"].as_str().unwrap());
    let rotate = async |key: &str, id: &str, body: Value| {
        app.send("POST", &format!("/v1/keys/{id}/rotate"), Some(key), Some(&body)).await
    };
    let wider = rotate(secret, &owner.caller.key().unwrap().to_string(), json!({})).await;
    assert_eq!(wider.problem(), (403, "insufficient_scope".into()));
    let lasting = app.key_with(&owner.caller, Scope::KeysWrite).await;
    let longer = rotate(secret, &lasting.caller.key().unwrap().to_string(), json!({})).await;
    assert_eq!(longer.problem(), (409, "conflict".into()), "the secret of a key that lasts longer");
    let new = rotate(secret, id, json!({ "overlap": 3_600 })).await.json();
    assert_eq!(new["expires_at"], old["expires_at"]);
    // During the overlap, the earlier expiry of the old key applies.
    let successor = new["id"].as_str().unwrap();
    let refused = rotate(secret, successor, json!({})).await;
    assert_eq!(refused.problem(), (409, "conflict".into()), "who kept the old one does not outlast it");
    let new_secret = new["secret"].as_str().unwrap();
    assert_eq!(rotate(new_secret, successor, json!({ "overlap": 0 })).await.status, 201);
    assert_eq!(rotate(new_secret, successor, json!({})).await.problem(), (401, "invalid_key".into()));
    let disabled = json!({ "disabled": true });
    let path = format!("/v1/keys/{}", lasting.caller.key().unwrap());
    assert_eq!(app.send("PATCH", &path, Some(&owner.text), Some(&disabled)).await.status, 200);
    let refused = rotate(&owner.text, &lasting.caller.key().unwrap().to_string(), json!({})).await;
    assert_eq!(refused.problem(), (409, "conflict".into()), "a disabled key does not come back by rotation");
}

#[tokio::test]
async fn a_repeated_request_makes_no_second_key_and_shows_no_secret() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let create = json!({ "name": "Once", "scopes": ["keys:write"] });
    let tasks = (0..20).map(|_| post_once(&app, "/v1/keys", &owner.text, "race", create.clone()));
    let answers = futures_util::future::join_all(tasks).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.problem(), (409, "secret_already_shown".into()));
    }
    let key = made[0].json();
    let rotate = format!("/v1/keys/{}/rotate", key["id"].as_str().unwrap());
    let other = json!({ "name": "Other", "scopes": ["keys:write"] });
    for (path, body) in [("/v1/keys", other.clone()), (rotate.as_str(), json!({}))] {
        let refused = post_once(&app, path, &owner.text, "race", body).await;
        assert_eq!(refused.problem(), (422, "idempotency_mismatch".into()), "{path}");
    }
    assert_eq!(post_once(&app, &rotate, &owner.text, "turn", json!({})).await.status, 201);
    let again = post_once(&app, &rotate, &owner.text, "turn", json!({})).await;
    assert_eq!(again.problem(), (409, "secret_already_shown".into()));
    assert_eq!(app.get("/v1/keys", &owner).await.json()["data"].as_array().unwrap().len(), 3);
    // Another key has other slots, and a refused request is carried out when it is repeated.
    let secret = key["secret"].as_str().unwrap();
    let refused = json!({ "name": "Wide", "scopes": ["settings:write"] });
    assert_eq!(post_once(&app, "/v1/keys", secret, "race", refused).await.status, 403);
    let child = json!({ "name": "Child", "scopes": ["keys:write"], "expires_at": "2026-01-01T00:00:00Z" });
    assert_eq!(post_once(&app, "/v1/keys", secret, "race", child).await.status, 201);
    app.clock.turn(seconds(24 * 3_600 + 1));
    assert_eq!(post_once(&app, "/v1/keys", &owner.text, "race", other).await.status, 201, "a day later");
}
