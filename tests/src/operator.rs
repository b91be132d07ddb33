//! Keys of the operator over HTTP: what they do for tenants, and that nothing else opens to them
//! and they to nobody else.

use crate::{
    app::{Answer, TestApp, TestKey, answer},
    codes::{number, seconds},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::{
    access::{
        actor::Actor,
        scope::{Scope, Scopes},
    },
    mode::Mode,
    tenant::OPERATOR,
};
use serde_json::{Value, json};

impl TestApp {
    /// A key of the operator, as `countersign key create --operator` makes it.
    pub async fn operator_key(&self) -> TestKey {
        self.key_with(&Actor::operator(OPERATOR), Scope::Operator).await
    }

    async fn once(&self, path: &str, key: &str, idempotency: &str, body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base_url)).bearer_auth(key);
        answer(request.header("Idempotency-Key", idempotency).json(body)).await
    }
}

fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn make(name: &str) -> Value {
    json!({ "name": name, "countries": ["all"] })
}

#[tokio::test]
async fn a_tenant_begins_changes_and_ends() {
    let app = TestApp::spawn().await;
    let ops = app.operator_key().await;
    let body = json!({ "name": "Acme", "countries": ["PL", "DE"] });
    let made = app.once("/v1/tenants", &ops.text, "first", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (tenant, path) = (id(&made), made.header("location").to_owned());
    assert_eq!(path, format!("/v1/tenants/{tenant}"));
    assert_eq!(app.get(&path, &ops).await.json(), made.json());
    let times = ["disabled_at", "deleted_at", "erased_from"];
    assert!(times.iter().all(|time| made.json()[time].is_null()), "{made:?}");
    app.clock.turn(seconds(2));
    let again = app.once("/v1/tenants", &ops.text, "first", &body).await;
    assert_eq!((again.status, again.header("idempotent-replayed"), again.json()), (201, "true", made.json()));
    let other = app.once("/v1/tenants", &ops.text, "first", &make("Other")).await;
    assert_eq!(other.problem(), (422, "idempotency_mismatch".into()));

    // Its first key, and what that key does.
    let body =
        json!({ "name": "first", "scopes": Scopes::all().iter().map(Scope::as_str).collect::<Vec<_>>() });
    let keys = format!("{path}/keys");
    let created = app.once(&keys, &ops.text, "key", &body).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.header("location"), format!("/v1/keys/{}", id(&created)));
    let repeat = app.once(&keys, &ops.text, "key", &body).await;
    assert_eq!(repeat.problem(), (409, "secret_already_shown".into()));
    let secret = created.json()["secret"].as_str().unwrap().to_owned();
    let own = async || app.send("GET", "/v1/tenant", Some(&secret), None).await;
    assert_eq!(own().await.json()["id"], json!(tenant));
    let countries = app.send("GET", "/v1/countries", Some(&secret), None).await.json();
    assert_eq!(countries, json!({ "default": "block", "countries": { "PL": "allow", "DE": "allow" } }));
    let test = json!({ "name": "test", "mode": "test", "scopes": ["verifications:start"],
        "allowlist": [{ "range": "203.0.113.0/24" }], "expires_at": "2099-01-01T00:00:00Z" });
    let test = app.post(&keys, &ops, test).await.json();
    assert_eq!((&test["mode"], &test["allowlist"][0]["range"]), (&json!("test"), &json!("203.0.113.0/24")));

    let patch = async |body: Value| app.send("PATCH", &path, Some(&ops.text), Some(&body)).await;
    let version = async || {
        let stored = app.context.directory.tenant(tenant.parse().unwrap()).await;
        stored.unwrap().unwrap().version
    };
    let before = version().await;
    let changed = patch(json!({ "name": "Acme & Sons", "disabled": true })).await.json();
    assert_eq!(version().await, before + 1, "one change");
    assert_eq!((&changed["name"], &changed["disabled"]), (&json!("Acme & Sons"), &json!(true)));
    assert_eq!(own().await.problem(), (401, "invalid_key".into()), "this node knows at once");
    assert_eq!(patch(json!({})).await.json(), changed);
    let enabled = patch(json!({ "disabled": false })).await.json();
    assert_eq!((&enabled["disabled"], &enabled["disabled_at"]), (&json!(false), &Value::Null));
    assert_eq!(own().await.json()["name"], "Acme & Sons");

    let deleted = app.send("DELETE", &path, Some(&ops.text), None).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    let deleted = deleted.json();
    assert!(times.iter().all(|time| deleted[time].is_string()), "{deleted}");
    assert_eq!(own().await.status, 401);
    assert_eq!(app.send("DELETE", &path, Some(&ops.text), None).await.json(), deleted, "deleted once");
    let back = patch(json!({ "disabled": false })).await.json();
    assert!(times.iter().all(|time| back[time].is_null()), "{back}");
    assert_eq!(own().await.status, 200);
}

#[tokio::test]
async fn tenants_are_listed_in_pages_oldest_first_and_the_operator_s_own_is_none() {
    let app = TestApp::spawn().await;
    let ops = app.operator_key().await;
    for n in 0..5 {
        app.clock.turn(seconds(1));
        assert_eq!(app.post("/v1/tenants", &ops, make(&format!("Tenant {n}"))).await.status, 201);
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/tenants?limit=2{cursor}"), &ops).await.json();
        let data = page["data"].as_array().unwrap();
        assert!((1..=2).contains(&data.len()));
        names.extend(data.iter().map(|tenant| tenant["name"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    // The demo tenant of `dev` has its place by its id.
    names.retain(|name| name.starts_with("Tenant"));
    assert_eq!(names, ["Tenant 0", "Tenant 1", "Tenant 2", "Tenant 3", "Tenant 4"]);
    for query in ["limit=0", "limit=101", "cursor=x", "unknown=1"] {
        let refused = app.get(&format!("/v1/tenants?{query}"), &ops).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{query}");
    }
    let key = json!({ "name": "more", "scopes": ["settings:read"] });
    for nobody in [OPERATOR.to_string(), format!("ten_0{}", "1".repeat(25)), "acme".to_owned()] {
        let path = format!("/v1/tenants/{nobody}");
        for (method, path, body) in [
            ("GET", path.clone(), None),
            ("PATCH", path.clone(), Some(json!({ "disabled": true }))),
            ("PATCH", path.clone(), Some(json!({}))),
            ("DELETE", path.clone(), None),
            ("POST", format!("{path}/keys"), Some(key.clone())),
        ] {
            let refused = app.send(method, &path, Some(&ops.text), body.as_ref()).await;
            assert_eq!(refused.problem(), (404, "not_found".into()), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_a_tenant_cannot_have_is_named() {
    let app = TestApp::spawn().await;
    let ops = app.operator_key().await;
    let before = app.get("/v1/tenants", &ops).await.json();
    let long = vec!["PL"; 301];
    for (body, field) in [
        (json!({ "countries": ["PL"] }), "name"),
        (json!({ "name": "", "countries": ["PL"] }), "name"),
        (json!({ "name": "a\nb", "countries": ["PL"] }), "name"),
        (json!({ "name": "Acme" }), "countries"),
        (json!({ "name": "Acme", "countries": [] }), "countries"),
        (json!({ "name": "Acme", "countries": "all" }), "countries"),
        (json!({ "name": "Acme", "countries": long }), "countries"),
        (json!({ "name": "Acme", "countries": ["PL", "all"] }), "countries[1]"),
        (json!({ "name": "Acme", "countries": ["pl"] }), "countries[0]"),
        (json!({ "name": "Acme", "countries": ["PL"], "id": "ten_x" }), "id"),
    ] {
        let refused = app.post("/v1/tenants", &ops, body.clone()).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{body}");
        assert_eq!(refused.json()["errors"][0]["field"], field, "{body}");
    }
    assert_eq!(app.get("/v1/tenants", &ops).await.json(), before, "none was made");
    let path = app.post("/v1/tenants", &ops, make("Acme")).await.header("location").to_owned();
    for body in [json!({ "disabled": null }), json!({ "name": null }), json!({ "countries": ["PL"] })] {
        let refused = app.send("PATCH", &path, Some(&ops.text), Some(&body)).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{body}");
    }
    let body = json!({ "name": "ops", "scopes": ["settings:read", "operator"] });
    let refused = app.post(&format!("{path}/keys"), &ops, body).await;
    assert_eq!(refused.problem(), (400, "invalid_request".into()));
    assert_eq!(refused.json()["errors"][0]["field"], "scopes");
}

#[tokio::test]
async fn no_key_of_a_tenant_comes_to_manage_tenants() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let refused = app.get("/v1/tenants", &owner).await;
    assert_eq!(refused.problem(), (403, "insufficient_scope".into()), "with every scope of a tenant");
    // It makes none that may, under whatever Idempotency-Key.
    for scopes in [json!(["operator"]), json!(["operator", "keys:write"])] {
        for mode in ["live", "test"] {
            let body = json!({ "name": "raised", "mode": mode, "scopes": scopes });
            let refused = app.once("/v1/keys", &owner.text, "raise", &body).await;
            assert_eq!(refused.problem(), (400, "invalid_request".into()), "{body}");
            assert_eq!(refused.json()["errors"][0]["field"], "scopes");
        }
    }
    let key =
        app.once("/v1/keys", &owner.text, "raise", &json!({ "name": "low", "scopes": ["keys:write"] })).await;
    assert_eq!(key.status, 201, "{key:?}");
    let raised = json!({ "name": "low", "scopes": ["operator"] });
    let replay = app.once("/v1/keys", &owner.text, "raise", &raised).await;
    assert!([400, 422].contains(&replay.status), "{replay:?}");
    // Scopes never change.
    let path = format!("/v1/keys/{}", id(&key));
    for (method, path) in [("PATCH", path.clone()), ("POST", format!("{path}/rotate"))] {
        let body = json!({ "scopes": ["operator"] });
        let refused = app.send(method, &path, Some(&owner.text), Some(&body)).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()), "{method}");
    }
    // Not even one whose row says so, nor its successor.
    let every: Scopes = Scope::ALL.into_iter().collect();
    for mode in [Mode::Live, Mode::Test] {
        let forged = app.key_for(&owner.caller, mode, every).await;
        let refused = app.get("/v1/tenants", &forged).await;
        assert_eq!(refused.problem(), (403, "insufficient_scope".into()), "{mode:?}");
        let path = format!("/v1/keys/{}/rotate", forged.caller.key().unwrap());
        let refused = app.post(&path, &forged, json!({})).await;
        assert_eq!(refused.problem(), (403, "insufficient_scope".into()), "it holds less than its row says");
    }
    let keys = app.get("/v1/keys", &owner).await.json();
    assert_eq!(keys["data"].as_array().unwrap().iter().filter(|key| key["name"] == "raised").count(), 0);
}

#[tokio::test]
async fn a_key_of_the_operator_does_nothing_but_manage_tenants() {
    let app = TestApp::spawn().await;
    let (owner, ops) = (app.tenant("Acme").await, app.operator_key().await);
    let verification = app.start(&owner, &number(1)).await;
    let one = format!("/v1/verifications/{verification}");
    let key = format!("/v1/keys/{}", owner.caller.key().unwrap());
    let own = format!("/v1/keys/{}", ops.caller.key().unwrap());
    let code = json!({ "code": "123456" });
    for (method, path, body) in [
        ("POST", "/v1/verifications", json!({ "to": number(2) })),
        ("GET", &one, Value::Null),
        ("GET", &format!("{one}/timeline"), Value::Null),
        ("POST", &format!("{one}/check"), code.clone()),
        ("POST", "/v1/checks", json!({ "to": number(1), "code": "123456" })),
        ("GET", "/v1/verifications", Value::Null),
        ("GET", "/v1/tenant", Value::Null),
        ("GET", "/v1/keys", Value::Null),
        ("POST", "/v1/keys", json!({ "name": "more", "scopes": ["operator"] })),
        ("PATCH", &key, json!({ "disabled": true })),
        ("DELETE", &key, Value::Null),
        ("POST", &format!("{own}/rotate"), json!({})),
        ("GET", "/v1/providers", Value::Null),
        ("PUT", "/v1/allowlists/api", json!({ "entries": [] })),
    ] {
        let body = Some(body).filter(|body| !body.is_null());
        let refused = app.send(method, path, Some(&ops.text), body.as_ref()).await;
        assert_eq!(refused.problem(), (403, "insufficient_scope".into()), "{method} {path}");
    }
    // In the routes of others, too: SMSAPI's and CAMARA's by Bearer, Twilio's by Basic.
    for (path, body) in [
        ("/mfa/codes", json!({ "phone_number": number(2) })),
        ("/mfa/codes/verifications", json!({ "phone_number": number(1), "code": "123456" })),
        ("/one-time-password-sms/v1/send-code", json!({ "phoneNumber": number(2), "message": "{{code}}" })),
        ("/one-time-password-sms/v1/validate-code", json!({ "authenticationId": "a", "code": "123456" })),
    ] {
        let refused = app.post(path, &ops, body).await;
        assert_eq!(refused.status, 403, "{path}: {refused:?}");
    }
    for account in [OPERATOR, owner.caller.tenant] {
        let user = countersign_api::account_sid(account);
        let basic = STANDARD.encode(format!("{user}:{}", ops.text));
        let url = format!("{}/v2/Services", app.base_url);
        let refused = answer(app.client.get(url).header("Authorization", format!("Basic {basic}"))).await;
        assert!([401, 403].contains(&refused.status), "{account}: {refused:?}");
    }
    // And one whose row says more, or that is for test mode, is not more than that.
    let every: Scopes = Scope::ALL.into_iter().collect();
    let forged = app.key_for(&ops.caller, Mode::Live, every).await;
    let refused = app.post("/v1/verifications", &forged, json!({ "to": number(2) })).await;
    assert_eq!(refused.problem(), (403, "insufficient_scope".into()));
    assert_eq!(app.get("/v1/tenants", &forged).await.status, 200);
    let test = app.key_for(&ops.caller, Mode::Test, every).await;
    for path in ["/v1/tenants", "/v1/verifications"] {
        assert_eq!(app.get(path, &test).await.problem(), (403, "insufficient_scope".into()), "{path}");
    }
    assert_eq!(app.get(&one, &owner).await.json()["attempts_left"], 5, "no try was used");
}
