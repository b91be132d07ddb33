//! The addresses from which keys may be used, over HTTP.

use crate::app::{Answer, TestApp, TestKey, answer};
use countersign_core::{
    access::{
        address::{TrustedProxies, parse_proxy},
        scope::{Scope, Scopes},
    },
    mode::Mode,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const LIST: &str = "/v1/allowlists/api";

/// A server that trusts this machine as its proxy.
async fn behind_a_proxy() -> TestApp {
    TestApp::spawn_with(|settings| {
        settings.server.trusted_proxies =
            TrustedProxies::new(vec![parse_proxy("127.0.0.1").unwrap()]).unwrap();
    })
    .await
}

/// Sends requests as if from this address.
struct From<'a>(&'a TestApp, &'a str);

impl From<'_> {
    async fn send(&self, method: Method, path: &str, key: &str, body: Option<Value>) -> Answer {
        let request = self.0.client.request(method, format!("{}{path}", self.0.base_url));
        let request = request.bearer_auth(key).header("x-forwarded-for", self.1);
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    async fn get(&self, path: &str, key: &str) -> Answer {
        self.send(Method::GET, path, key, None).await
    }

    async fn put(&self, key: &TestKey, entries: Value, confirm: Value) -> Answer {
        let body = json!({ "entries": entries, "confirm": confirm });
        self.send(Method::PUT, LIST, &key.text, Some(body)).await
    }
}

fn only(range: &str) -> Value {
    json!([{ "range": range }])
}

#[tokio::test]
async fn a_list_is_replaced_and_holds_for_every_operation() {
    let app = behind_a_proxy().await;
    let owner = app.tenant("Acme").await;
    let (office, cafe) = (From(&app, "203.0.113.7"), From(&app, "198.51.100.1"));
    assert_eq!(office.get(LIST, &owner.text).await.json(), json!({ "entries": [] }));
    let entries = json!([
        { "range": "::ffff:203.0.113.9/120", "description": "Office" },
        { "range": "2001:db8::1/64", "description": null },
    ]);
    let expected = json!({ "entries": [
        { "range": "203.0.113.0/24", "description": "Office" },
        { "range": "2001:db8::/64", "description": "" },
    ] });
    assert_eq!(office.put(&owner, entries, json!(null)).await.json(), expected);
    assert_eq!(office.get(LIST, &owner.text).await.json(), expected);
    for inside in ["203.0.113.255", "::ffff:203.0.113.1", "[2001:db8::99]:4711"] {
        assert_eq!(From(&app, inside).get("/v1/keys", &owner.text).await.status, 200, "{inside}");
    }
    let start = Some(json!({ "to": "+48500500500" }));
    let weak = app.key_for(&owner.caller, Mode::Test, Scopes::default()).await;
    for (key, method, path, body) in [
        (&owner, Method::GET, "/v1/keys", None),
        (&owner, Method::POST, "/v1/verifications", start),
        (&weak, Method::GET, "/v1/keys", None),
    ] {
        let refused = cafe.send(method, path, &key.text, body).await;
        assert_eq!(refused.problem(), (403, "ip_not_allowed".into()), "{path}: whatever the scope");
        assert!(refused.json()["detail"].as_str().unwrap().contains("198.51.100.1"), "{refused:?}");
    }
    let v6 = From(&app, "2001:db8:0:1::1").get("/v1/keys", &owner.text).await;
    assert_eq!(v6.problem(), (403, "ip_not_allowed".into()));
    let unknown = cafe.get("/v1/keys", "cs_live_x").await;
    assert_eq!(unknown.problem(), (401, "invalid_key".into()), "who has no key learns of no list");
    let stranger = app.tenant("Other").await;
    assert_eq!(cafe.get("/v1/keys", &stranger.text).await.status, 200);
}

#[tokio::test]
async fn nobody_is_locked_out_unasked() {
    let app = behind_a_proxy().await;
    let owner = app.tenant("Acme").await;
    let office = From(&app, "::ffff:203.0.113.7");
    for confirm in [json!(null), json!(false)] {
        let refused = office.put(&owner, only("198.51.100.0/24"), confirm).await;
        assert_eq!(refused.problem(), (409, "conflict".into()));
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("203.0.113.7") && detail.contains("confirm: true"), "{detail}");
    }
    assert_eq!(office.get(LIST, &owner.text).await.json()["entries"], json!([]), "nothing changed");
    assert_eq!(office.put(&owner, only("198.51.100.0/24"), json!(true)).await.status, 200);
    assert_eq!(office.get(LIST, &owner.text).await.problem(), (403, "ip_not_allowed".into()));
    let tester = app.key_for(&owner.caller, Mode::Test, Scopes::all()).await;
    let refused = From(&app, "198.51.100.1").put(&tester, json!([]), json!(null)).await;
    assert_eq!(
        refused.problem(),
        (403, "insufficient_scope".into()),
        "a test key opens nothing to live ones"
    );
    assert_eq!(From(&app, "198.51.100.1").put(&owner, json!([]), json!(null)).await.status, 200);
    assert_eq!(office.get(LIST, &owner.text).await.status, 200);
}

#[tokio::test]
async fn everything_wrong_with_a_list_is_told_at_once() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let put = async |entries: Value| {
        let body = json!({ "entries": entries });
        app.send("PUT", LIST, Some(&owner.text), Some(&body)).await
    };
    let entries = json!([
        { "range": "10.0.0.1" },
        { "range": "10.0.0.0/33", "description": "a\nb" },
        { "range": "::ffff:10.0.0.1" },
        "10.0.0.2",
        { "description": "x".repeat(101), "colour": "red" },
    ]);
    let refused = put(entries).await.json();
    let errors = refused["errors"].as_array().unwrap().iter();
    let mut told: Vec<_> =
        errors.map(|e| format!("{}:{}", e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
    told.sort();
    let expected = [
        "entries[1].description:invalid_format",
        "entries[1].range:invalid_format",
        "entries[2].range:duplicate",
        "entries[3]:wrong_type",
        "entries[4].colour:unknown_field",
        "entries[4].description:invalid_format",
        "entries[4].range:required",
    ];
    assert_eq!(told, expected);
    let many = (0..101).map(|n| json!({ "range": format!("127.0.0.{n}") }));
    let refused = put(many.clone().collect()).await;
    assert_eq!(refused.json()["errors"][0]["field"], "entries");
    assert_eq!(put(many.take(100).collect()).await.status, 200);
}

#[tokio::test]
async fn a_key_s_own_list_holds_besides_the_tenant_s() {
    let app = behind_a_proxy().await;
    let owner = app.tenant("Acme").await;
    let office = From(&app, "203.0.113.7");
    let body = json!({ "name": "Backend", "scopes": ["settings:read"], "allowlist": [
        { "range": "203.0.113.7", "description": "one machine" }, { "range": "198.51.100.1" },
    ] });
    let made = office.send(Method::POST, "/v1/keys", &owner.text, Some(body)).await.json();
    let expected = json!([
        { "range": "203.0.113.7/32", "description": "one machine" },
        { "range": "198.51.100.1/32", "description": "" },
    ]);
    assert_eq!(made["allowlist"], expected);
    let (path, secret) =
        (format!("/v1/keys/{}", made["id"].as_str().unwrap()), made["secret"].as_str().unwrap());
    assert_eq!(office.get(&path, secret).await.json()["allowlist"], expected);
    assert_eq!(From(&app, "198.51.100.1").get(&path, secret).await.status, 200);
    let refused = From(&app, "203.0.113.8").get(&path, secret).await;
    assert_eq!(refused.problem(), (403, "ip_not_allowed".into()));
    assert_eq!(office.put(&owner, only("203.0.113.0/24"), json!(null)).await.status, 200);
    let refused = From(&app, "198.51.100.1").get(&path, secret).await;
    assert_eq!(refused.problem(), (403, "ip_not_allowed".into()), "both lists must admit it");
    for body in [json!({ "allowlist": null }), json!({ "allowlist": [] })] {
        let changed = office.send(Method::PATCH, &path, &owner.text, Some(body)).await;
        assert_eq!(changed.json()["allowlist"], json!([]));
    }
    assert_eq!(From(&app, "203.0.113.8").get(&path, secret).await.status, 200);
}

#[tokio::test]
async fn a_key_cannot_leave_its_list_by_another_key() {
    let app = behind_a_proxy().await;
    let owner = app.tenant("Acme").await;
    let office = From(&app, "203.0.113.7");
    let ask =
        async |method, path: &str, key: &str, body: Value| office.send(method, path, key, Some(body)).await;
    let body = json!({ "name": "Narrow", "scopes": ["keys:write"], "allowlist": only("203.0.113.0/24") });
    let narrow = ask(Method::POST, "/v1/keys", &owner.text, body).await.json();
    let (id, secret) = (narrow["id"].as_str().unwrap(), narrow["secret"].as_str().unwrap());
    let conflict = (409, "conflict".to_owned());
    for list in
        [json!(null), json!([]), only("203.0.112.0/23"), json!([{"range": "203.0.113.1"}, {"range": "::1"}])]
    {
        let child = json!({ "name": "Child", "scopes": ["keys:write"], "allowlist": list });
        assert_eq!(ask(Method::POST, "/v1/keys", secret, child).await.problem(), conflict, "{list}");
        let own = json!({ "allowlist": list, "confirm": true });
        let refused = ask(Method::PATCH, &format!("/v1/keys/{id}"), secret, own).await;
        assert_eq!(refused.problem(), conflict, "{list}");
    }
    let wide = app.key_with(&owner.caller, Scope::KeysWrite).await;
    let path = format!("/v1/keys/{}/rotate", wide.caller.key().unwrap());
    let refused = ask(Method::POST, &path, secret, json!({})).await;
    assert_eq!(refused.problem(), conflict, "the secret of a wider key is not shown to it");
    let child = json!({ "name": "Child", "scopes": ["keys:write"], "allowlist": only("203.0.113.128/25") });
    assert_eq!(ask(Method::POST, "/v1/keys", secret, child).await.status, 201);

    // A key may narrow its own list, but a list that would lock it out is refused.
    let own = format!("/v1/keys/{id}");
    let out = json!({ "allowlist": only("203.0.113.9") });
    let refused = ask(Method::PATCH, &own, secret, out).await;
    assert_eq!(refused.problem(), conflict);
    assert!(refused.json()["detail"].as_str().unwrap().contains("confirm: true"));
    assert_eq!(
        ask(Method::PATCH, &own, secret, json!({ "allowlist": only("203.0.113.7") })).await.status,
        200
    );
    let out = json!({ "allowlist": only("203.0.113.7"), "confirm": false });
    assert_eq!(ask(Method::PATCH, &own, secret, out).await.status, 200, "confirm alone changes nothing");
    // A list of another key may lock that key out.
    let out = json!({ "allowlist": only("198.51.100.1") });
    assert_eq!(ask(Method::PATCH, &own, &owner.text, out).await.status, 200);
    assert_eq!(
        ask(Method::POST, "/v1/keys", secret, json!({})).await.problem(),
        (403, "ip_not_allowed".into())
    );
}

#[tokio::test]
async fn uses_are_counted_by_key_and_address() {
    let app = behind_a_proxy().await;
    let owner = app.tenant("Acme").await;
    let reader = app.key_with(&owner.caller, Scope::SettingsRead).await;
    let (office, cafe) = (From(&app, "203.0.113.7"), From(&app, "2001:db8::7"));
    for _ in 0..3 {
        assert_eq!(office.get("/v1/keys", &reader.text).await.status, 200);
    }
    assert_eq!(cafe.get("/v1/keys", &reader.text).await.status, 200);
    assert_eq!(office.put(&owner, only("203.0.113.0/24"), json!(null)).await.status, 200);
    for _ in 0..2 {
        assert_eq!(cafe.get("/v1/keys", &reader.text).await.status, 403);
    }
    let usage = async |query: &str| office.get(&format!("{LIST}/usage{query}"), &owner.text).await;
    let of_reader = format!("?key={}", reader.caller.key().unwrap());
    let mut page = Value::Null;
    // The server writes the uses down every five seconds.
    for _ in 0..80 {
        page = usage(&of_reader).await.json();
        if page["data"].as_array().unwrap().iter().map(|one| one["uses"].as_u64().unwrap()).sum::<u64>() == 4
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut told: Vec<_> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert_eq!(one["key"], reader.caller.key().unwrap().to_string());
            (
                one["address"].as_str().unwrap(),
                one["uses"].clone(),
                one["refused"].clone(),
                one["allowed"].clone(),
            )
        })
        .collect();
    told.sort_by_key(|one| one.0);
    let expected =
        [("2001:db8::7", json!(1), json!(2), json!(false)), ("203.0.113.7", json!(3), json!(0), json!(true))];
    assert_eq!(told, expected, "{page}");
    let first = usage(&format!("{of_reader}&limit=1")).await.json();
    let next =
        usage(&format!("{of_reader}&limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await.json();
    assert_eq!([&first["data"][0], &next["data"][0]], [&page["data"][0], &page["data"][1]]);
    assert_eq!(next["next_cursor"], Value::Null);
    for query in ["?key=x", "?limit=0", "?limit=101", "?cursor=x", "?cursor=1.key_0.::1", "?unknown=1"] {
        assert_eq!(usage(query).await.problem(), (400, "invalid_request".into()), "{query}");
    }
    let stranger = app.tenant("Other").await;
    let foreign = office.get(&format!("{LIST}/usage{of_reader}"), &stranger.text).await.json();
    assert_eq!(foreign, json!({ "data": [], "next_cursor": null }));
}
