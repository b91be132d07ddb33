//! Keys over HTTP.

use crate::{app::TestApp, codes::seconds};
use countersign_core::{
    key::Mode,
    scope::{Scope, Scopes},
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

    let soon = countersign_core::ports::Clock::now(&*app.clock) + seconds(60);
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
    let path = format!("/v1/keys/{}", owner.caller.key);
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
