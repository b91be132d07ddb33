//! The allowlist of the portal and the security settings over HTTP: keys read them, and the operator's key changes
//! them.

use crate::{
    app::{Answer, TestApp, TestKey},
    codes::new_tenant,
};
use countersign_core::{
    access::{
        address::{TrustedProxies, parse_proxy},
        scope::{Scope, Scopes},
    },
    mode::Mode,
};
use reqwest::Method;
use serde_json::{Value, json};

const LIST: &str = "/v1/allowlists/portal";

fn defaults() -> Value {
    json!({ "require_2fa": null, "password_age": "remind", "password_days": 30,
        "session_idle": 3_600, "session_total": 43_200 })
}

fn forbidden() -> (u16, String) {
    (403, "insufficient_scope".into())
}

/// The fields of the errors, with their codes.
fn errors(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.problem(), (400, "invalid_request".into()), "{answer:?}");
    let body = answer.json();
    let errors = body["errors"].as_array().unwrap().iter();
    let mut told: Vec<_> =
        errors.map(|e| format!("{}:{}", e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
    told.sort();
    told
}

impl TestApp {
    async fn patch_security(&self, path: &str, key: &TestKey, body: Value) -> Answer {
        self.send("PATCH", path, Some(&key.text), Some(&body)).await
    }
}

#[tokio::test]
async fn the_operator_changes_the_security_settings_and_keys_read_them() {
    let app = TestApp::spawn().await;
    let (owner, ops) = (app.tenant("Acme").await, app.operator_key().await);
    let test = app.key_for(&owner.caller, Mode::Test, Scopes::all()).await;
    let path = format!("/v1/tenants/{}/security", owner.caller.tenant);
    let own = async |key: &TestKey| app.get("/v1/tenant", key).await.json()["security"].clone();
    assert_eq!(own(&owner).await, defaults());
    assert_eq!(app.get(&path, &ops).await.json(), defaults());

    let week = json!({ "password_age": "force", "password_days": 90, "session_total": 604_800 });
    let changed = app.patch_security(&path, &ops, week).await;
    let expected = json!({ "require_2fa": null, "password_age": "force", "password_days": 90,
        "session_idle": 3_600, "session_total": 604_800 });
    assert_eq!((changed.status, changed.json()), (200, expected.clone()), "{changed:?}");
    assert_eq!([own(&owner).await, own(&test).await], [expected.clone(), expected.clone()], "at once");
    assert_eq!(app.get(&path, &ops).await.json(), expected);
    assert_eq!(app.patch_security(&path, &ops, json!({})).await.json(), expected, "absent fields stay");
    let neighbour = app.tenant("Other").await;
    assert_eq!(own(&neighbour).await, defaults());

    // A key of the tenant only reads, whatever it holds and whatever it asks.
    for (key, body) in [
        (&owner, json!({ "security": { "password_days": 1 } })),
        (&owner, json!({ "security": {}, "locale": "pl" })),
        (&test, json!({ "security": { "session_idle": 900 } })),
    ] {
        let refused = app.patch_security("/v1/tenant", key, body).await;
        assert_eq!(refused.problem(), forbidden());
        assert!(refused.json()["detail"].as_str().unwrap().contains("Only an owner"), "{refused:?}");
    }
    assert_eq!(app.patch_security(&path, &owner, json!({ "password_days": 1 })).await.problem(), forbidden());
    let tenant = app.get("/v1/tenant", &owner).await.json();
    assert_eq!((&tenant["security"], &tenant["locale"]), (&expected, &Value::Null), "nothing changed");

    let reset = json!({ "password_age": null, "password_days": null, "session_total": null });
    assert_eq!(app.patch_security(&path, &ops, reset).await.json(), defaults());
    let unknown =
        app.patch_security("/v1/tenants/ten_01jz0w8e9c4t6yv2k5n3m7p8qr/security", &ops, json!({})).await;
    assert_eq!(unknown.problem(), (404, "not_found".into()));
}

#[tokio::test]
async fn wrong_security_settings_are_named_and_change_nothing() {
    let app = TestApp::spawn().await;
    let (tenant, ops) = (new_tenant(&app.context, &app.clock, "Acme").await.tenant, app.operator_key().await);
    let path = format!("/v1/tenants/{tenant}/security");
    let patch = async |body: Value| app.patch_security(&path, &ops, body).await;
    let all = json!({ "require_2fa": "soon", "password_age": "never", "password_days": 366,
        "session_idle": 3_601, "session_total": 3_600, "colour": "red" });
    let expected = [
        "colour:unknown_field",
        "password_age:invalid_format",
        "password_days:out_of_range",
        "require_2fa:invalid_format",
        "session_idle:out_of_range",
        "session_total:out_of_range",
    ];
    assert_eq!(errors(&patch(all).await), expected);
    for (body, error) in [
        (json!({ "password_days": 0 }), "password_days:out_of_range"),
        (json!({ "password_days": "30" }), "password_days:wrong_type"),
        (json!({ "session_idle": "1h" }), "session_idle:wrong_type"),
        (json!({ "session_idle": 86_400 }), "session_idle:out_of_range"),
    ] {
        assert_eq!(errors(&patch(body.clone()).await), [error], "{body}");
    }
    // The virtual phone of `dev` gets the codes.
    let set = patch(json!({ "require_2fa": "2027-01-01T00:00:00Z" })).await;
    assert_eq!(set.json()["require_2fa"], "2027-01-01T00:00:00.000Z", "{set:?}");
    assert_eq!(patch(json!({ "require_2fa": null })).await.json(), defaults());
    let owner = app.tenant("Other").await;
    let own = json!({ "security": { "session_idle": 1, "colour": "red" } });
    let refused = app.patch_security("/v1/tenant", &owner, own).await;
    assert_eq!(errors(&refused), ["security.colour:unknown_field", "security.session_idle:out_of_range"]);
    let refused = app.patch_security("/v1/tenant", &owner, json!({ "security": null })).await;
    assert_eq!(errors(&refused), ["security:wrong_type"]);
}

#[tokio::test]
async fn the_operator_changes_the_list_of_the_portal_and_keys_read_it() {
    let app = TestApp::spawn_with(|settings| {
        settings.server.trusted_proxies =
            TrustedProxies::new(vec![parse_proxy("127.0.0.1").unwrap()]).unwrap();
    })
    .await;
    let (owner, ops) = (app.tenant("Acme").await, app.operator_key().await);
    let reader = app.key_with(&owner.caller, Scope::SettingsRead).await;
    let path = format!("/v1/tenants/{}/allowlists/portal", owner.caller.tenant);
    let put = async |path: &str, key: &TestKey, body: Value| {
        let request = app.client.request(Method::PUT, format!("{}{path}", app.base_url));
        let request = request.bearer_auth(&key.text).header("x-forwarded-for", "203.0.113.7");
        crate::app::answer(request.json(&body)).await
    };
    assert_eq!(app.get(LIST, &reader).await.json(), json!({ "entries": [] }));
    let entries = json!([{ "range": "203.0.113.9/24", "description": "Office" }, { "range": "2001:db8::1" }]);
    let expected = json!({ "entries": [
        { "range": "203.0.113.0/24", "description": "Office" },
        { "range": "2001:db8::1/128", "description": "" },
    ] });
    let changed = put(&path, &ops, json!({ "entries": entries })).await;
    assert_eq!((changed.status, changed.json()), (200, expected.clone()));
    for (path, key) in [(LIST, &reader), (LIST, &owner), (path.as_str(), &ops)] {
        assert_eq!(app.get(path, key).await.json(), expected);
    }
    assert_eq!(app.get("/v1/allowlists/api", &reader).await.json(), json!({ "entries": [] }), "another list");
    let neighbour = app.tenant("Other").await;
    assert_eq!(app.get(LIST, &neighbour).await.json(), json!({ "entries": [] }));
    // The list is for people: it refuses no key.
    assert_eq!(app.get("/v1/keys", &owner).await.status, 200);

    let elsewhere = json!([{ "range": "198.51.100.1" }]);
    let refused = put(&path, &ops, json!({ "entries": elsewhere })).await;
    assert_eq!(refused.problem(), (409, "conflict".into()));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("203.0.113.7") && detail.contains("confirm: true"), "{detail}");
    assert_eq!(app.get(LIST, &reader).await.json(), expected, "nothing changed");
    assert_eq!(put(&path, &ops, json!({ "entries": elsewhere, "confirm": true })).await.status, 200);
    assert_eq!(app.get(LIST, &reader).await.json()["entries"][0]["range"], "198.51.100.1/32");

    assert_eq!(put(&path, &owner, json!({ "entries": [] })).await.problem(), forbidden());
    let other = put(LIST, &owner, json!({ "entries": [] })).await;
    assert_eq!((other.status, other.header("allow").contains("GET")), (405, true), "{other:?}");
    let many: Vec<_> = (0..101).map(|n| json!({ "range": format!("10.0.0.{n}") })).collect();
    assert_eq!(errors(&put(&path, &ops, json!({ "entries": many })).await), ["entries:too_long"]);
    let bad =
        json!({ "entries": [{ "range": "10.0.0.1" }, { "range": "10.0.0.1/32" }, { "range": "office" }] });
    let told = ["entries[1].range:duplicate", "entries[2].range:invalid_format"];
    assert_eq!(errors(&put(&path, &ops, bad).await), told);
    let unknown =
        put("/v1/tenants/ten_01jz0w8e9c4t6yv2k5n3m7p8qr/allowlists/portal", &ops, json!({ "entries": [] }));
    assert_eq!(unknown.await.problem(), (404, "not_found".into()));
}
