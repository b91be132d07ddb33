//! Accounts at providers.

use super::{TOKEN, asked, fields, gateway, settings};
use crate::app::{TestApp, answer};
use countersign_core::{
    access::{change::Change, scope::Scopes},
    delivery::account::{ProviderAccount, Shared},
    management::{
        providers::{self, NewProvider},
        resources::ResourceName,
        routes::RouteChange,
    },
    mode::Mode,
    tenant::OPERATOR,
    time::Timestamp,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn an_account_is_made_tried_changed_and_deleted() {
    let (app, server) = (TestApp::spawn_with_gateways().await, gateway().await);
    let owner = app.tenant("Acme").await;
    let body = json!({ "name": "main", "kind": "http", "rate": 50, "settings": settings(&server.uri()) });
    let made = app.post("/v1/providers", &owner, body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/providers/{id}");
    assert_eq!(made.header("location"), path);
    let shown = made.json();
    assert_eq!(
        (&shown["name"], &shown["kind"], &shown["rate"]),
        (&json!("main"), &json!("http"), &json!(50))
    );
    assert_eq!(shown["settings"]["secrets"], json!({ "token": "***" }));
    assert_eq!((&shown["verified_at"], &shown["shared"]), (&Value::Null, &json!(false)));
    assert_eq!(app.get(&path, &owner).await.json(), shown);
    assert_eq!(app.get("/v1/providers", &owner).await.json()["data"], json!([shown]));

    // A route needs an account that has accepted a message.
    let route = json!({ "name": "all", "provider": id });
    assert_eq!(fields(&app.post("/v1/routes", &owner, route.clone()).await), ["provider"]);
    let tried = app.post(&format!("{path}/test"), &owner, json!({ "to": "+48500500500" })).await;
    assert_eq!(
        (tried.status, tried.json()),
        (200, json!({ "outcome": "accepted", "id": "p-1" })),
        "{tried:?}"
    );
    let requests = asked(&server).await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].headers["authorization"], format!("Bearer {TOKEN}"));
    let sent: Value = requests[0].body_json().unwrap();
    assert_eq!((&sent["to"], &sent["from"]), (&json!("+48500500500"), &json!("Acme")));
    assert!(app.get(&path, &owner).await.json()["verified_at"].is_string());
    let made = app.post("/v1/routes", &owner, route).await;
    assert_eq!(made.status, 201, "{made:?}");

    // While an enabled route uses the account, it cannot be disabled or deleted.
    for refused in
        [app.patch(&path, &owner, json!({ "enabled": false })).await, app.delete(&path, &owner).await]
    {
        assert_eq!(refused.problem(), (409, "conflict".into()));
        assert!(refused.json()["detail"].as_str().unwrap().contains("all"), "{refused:?}");
    }
    // A new name does not change whether the account is tested. New settings must be tested again.
    let renamed = app.patch(&path, &owner, json!({ "name": "first", "rate": null })).await.json();
    assert_eq!((&renamed["name"], &renamed["rate"]), (&json!("first"), &Value::Null));
    assert!(renamed["verified_at"].is_string());
    let patch = json!({ "settings": { "from": "Bank", "secrets": { "token": "***" } } });
    let changed = app.patch(&path, &owner, patch).await.json();
    assert_eq!((&changed["settings"]["from"], &changed["verified_at"]), (&json!("Bank"), &Value::Null));
    let moved = json!({ "settings": { "url": "https://evil.example/sms" } });
    assert_eq!(fields(&app.patch(&path, &owner, moved).await), ["settings.secrets.token"]);

    let route = app.get("/v1/routes", &owner).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.delete(&format!("/v1/routes/{route}"), &owner).await.status, 204);
    assert_eq!(app.delete(&path, &owner).await.status, 204);
    assert_eq!(app.get(&path, &owner).await.status, 404);
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let app = TestApp::spawn_with_gateways().await;
    let owner = app.tenant("Acme").await;
    let create = async |body: Value| fields(&app.post("/v1/providers", &owner, body).await);
    let broken = json!({ "service": "fr", "fast": 1, "colour": "red" });
    let body = json!({ "name": "A B", "kind": "smsapi", "settings": broken, "rate": 0, "more": 1 });
    let mut wrong = create(body).await;
    wrong.sort();
    let expected =
        ["more", "name", "rate", "settings.colour", "settings.fast", "settings.service", "settings.token"];
    assert_eq!(wrong, expected);
    let body = json!({ "name": "a", "kind": "pigeon", "settings": [] });
    assert_eq!(create(body).await, ["kind", "settings"]);
    // The placeholder for a hidden secret is not accepted as a secret.
    let smpp = json!({ "host": "sms.example", "system_id": "me", "password": "***" });
    let smsapi = json!({ "service": "pl", "token": "***" });
    for (kind, settings, field) in [("smsapi", smsapi, "settings.token"), ("smpp", smpp, "settings.password")]
    {
        let body = json!({ "name": "a", "kind": kind, "settings": settings });
        assert_eq!(create(body).await, [field]);
    }
    // No internal address may be called unless the operator allowed its network.
    let inside = settings("http://10.0.0.1");
    assert_eq!(create(json!({ "name": "a", "kind": "http", "settings": inside })).await, ["settings.url"]);
    let id = app.provider(&owner, "main").await;
    let path = format!("/v1/providers/{id}");
    let patched = app.patch(&path, &owner, json!({ "settings": { "url": 1, "body": null } })).await;
    assert!(fields(&patched).iter().all(|field| field.starts_with("settings.")), "{patched:?}");
    assert_eq!(
        fields(&app.post(&format!("{path}/test"), &owner, json!({ "from": "A" })).await),
        ["to", "from"]
    );
    let landline = app.post(&format!("{path}/test"), &owner, json!({ "to": "+48226940000" })).await;
    assert_eq!(landline.problem(), (400, "number_cannot_receive_sms".into()));
    for kind in countersign_delivery::providers::KINDS {
        let body = json!({ "name": "a", "kind": kind, "settings": {} });
        assert!(create(body).await.iter().all(|field| field.starts_with("settings")), "{kind}");
    }
}

#[tokio::test]
async fn a_refused_test_says_why_and_verifies_nothing() {
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};
    let (app, server) = (TestApp::spawn_with_gateways().await, MockServer::start().await);
    let echo = ResponseTemplate::new(401).set_body_string(TOKEN);
    Mock::given(method("POST")).respond_with(echo).mount(&server).await;
    let owner = app.tenant("Acme").await;
    let body = json!({ "name": "main", "kind": "http", "settings": settings(&server.uri()) });
    let id = app.post("/v1/providers", &owner, body).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/providers/{id}");
    let tried = app.post(&format!("{path}/test"), &owner, json!({ "to": "+48500500500" })).await;
    assert_eq!(tried.json(), json!({ "outcome": "refused", "class": "account", "reason": "HTTP 401" }));
    assert_eq!(app.get(&path, &owner).await.json()["verified_at"], Value::Null);
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_was() {
    let app = TestApp::spawn_with_gateways().await;
    let owner = app.tenant("Acme").await;
    let send = async |path: &str, body: &Value| {
        let request = app.client.post(format!("{}{path}", app.base_url)).bearer_auth(&owner.text);
        answer(request.header("Idempotency-Key", "k-1").json(body)).await
    };
    let body = json!({ "name": "main", "kind": "http", "settings": settings("https://sms.example") });
    let (first, second) = (send("/v1/providers", &body).await, send("/v1/providers", &body).await);
    assert_eq!((first.status, second.status), (201, 201), "{second:?}");
    assert_eq!((first.json(), first.header("location")), (second.json(), second.header("location")));
    assert_eq!((first.header("idempotent-replayed"), second.header("idempotent-replayed")), ("", "true"));
    let other = json!({ "name": "other", "kind": "http", "settings": settings("https://sms.example") });
    assert_eq!(send("/v1/providers", &other).await.problem(), (422, "idempotency_mismatch".into()));
    let twice = app.post("/v1/providers", &owner, body.clone()).await;
    assert_eq!(twice.problem(), (409, "conflict".into()), "the name is taken");
    let path = format!("/v1/providers/{}", first.json()["id"].as_str().unwrap());
    assert_eq!(app.delete(&path, &owner).await.status, 204);
    let gone = send("/v1/providers", &body).await;
    assert_eq!(gone.problem(), (409, "conflict".into()), "it is not made again");
}

#[tokio::test]
async fn test_keys_read_and_change_nothing() {
    let app = TestApp::spawn_with_gateways().await;
    let owner = app.tenant("Acme").await;
    let provider = app.verified_provider(&owner, "main").await;
    let test = app.key_for(&owner.caller, Mode::Test, Scopes::all()).await;
    let refused = (403, "insufficient_scope".to_owned());
    let body = json!({ "name": "other", "kind": "http", "settings": settings("https://sms.example") });
    let path = format!("/v1/providers/{provider}");
    for (path, body) in [
        ("/v1/providers", body),
        (&*format!("{path}/test"), json!({ "to": "+48500500500" })),
        ("/v1/senders", json!({ "sender": "Acme" })),
        ("/v1/routes", json!({ "name": "all", "provider": provider })),
        ("/v1/templates", json!({ "name": "a", "texts": { "en": "{code}" } })),
    ] {
        assert_eq!(app.post(path, &test, body).await.problem(), refused, "{path}");
    }
    assert_eq!(app.patch(&path, &test, json!({ "rate": 1 })).await.problem(), refused);
    assert_eq!(app.patch("/v1/tenant", &test, json!({ "locale": "pl" })).await.problem(), refused);
    assert_eq!(app.get(&path, &test).await.status, 200);
}

#[tokio::test]
async fn what_the_operator_shares_is_used_and_not_seen() {
    let app = TestApp::spawn_with_gateways().await;
    let (owner, other) = (app.tenant("Acme").await, app.tenant("Other").await);
    let now = Timestamp::from_millis(1_790_000_000_000);
    let new = |name: &str, shared| NewProvider {
        name: ResourceName::parse(name).unwrap(),
        kind: "http".to_owned(),
        settings: settings("https://sms.example"),
        rate: Some(7),
        shared,
    };
    let mut rng = crate::codes::rng();
    for (name, shared) in [
        ("for-all", Shared::All),
        ("for-acme", Shared::With([owner.caller.tenant].into())),
        ("for-nobody", Shared::No),
    ] {
        let context = &app.context;
        let made = providers::create_provider(
            context,
            OPERATOR,
            new(name, shared),
            None,
            &Change::by_system(now),
            &mut rng,
        )
        .await;
        let mut account: ProviderAccount = made.unwrap().value;
        (account.verified_at, account.version) = (Some(now), account.version + 1);
        context
            .directory
            .update_resource(
                &account.resource(now),
                &[],
                &Change::by_system(account.resource(now).updated_at),
            )
            .await
            .unwrap();
    }
    app.context.refresh().await.unwrap();
    let list = async |key| app.get("/v1/providers", key).await.json()["data"].as_array().unwrap().clone();
    let names =
        |list: &[Value]| list.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&list(&other).await), ["for-all"]);
    let own = app.provider(&owner, "own").await;
    let shown = list(&owner).await;
    assert_eq!((shown[0]["id"].as_str(), shown.len()), (Some(own.as_str()), 3));
    for one in &shown[1..] {
        assert_eq!(
            (&one["shared"], &one["settings"], &one["rate"]),
            (&json!(true), &Value::Null, &Value::Null)
        );
        let path = format!("/v1/providers/{}", one["id"].as_str().unwrap());
        assert_eq!(&app.get(&path, &owner).await.json(), one);
        assert_eq!(app.patch(&path, &owner, json!({ "rate": 1 })).await.status, 404);
        assert_eq!(app.delete(&path, &owner).await.status, 404);
        let test = app.post(&format!("{path}/test"), &owner, json!({ "to": "+48500500500" })).await;
        assert_eq!(test.status, 404, "{test:?}");
        let route = json!({ "name": one["name"], "provider": one["id"] });
        assert_eq!(app.post("/v1/routes", &owner, route).await.status, 201);
    }
    let for_acme = shown.iter().find(|one| one["name"] == "for-acme").unwrap();
    let foreign = json!({ "name": "a", "provider": for_acme["id"] });
    assert_eq!(fields(&app.post("/v1/routes", &other, foreign).await), ["provider"]);
    let foreign = json!({ "name": "a", "provider": own });
    assert_eq!(fields(&app.post("/v1/routes", &other, foreign).await), ["provider"], "another tenant's");
}

#[tokio::test]
async fn the_examples_of_the_guide_are_accepted() {
    let app = TestApp::spawn_with_gateways().await;
    let owner = app.tenant("Acme").await;
    let guide = include_str!("../../../docs/delivery.md");
    let blocks = guide.split("```json").skip(1).map(|rest| rest.split("```").next().unwrap());
    let accounts =
        blocks.filter(|block| block.contains("\"kind\"")).map(|block| block.parse::<Value>().unwrap());
    let mut kinds = std::collections::BTreeSet::new();
    for body in accounts {
        let made = app.post("/v1/providers", &owner, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        kinds.insert(made.json()["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, countersign_delivery::providers::KINDS.map(str::to_owned).into());
}

#[tokio::test]
async fn test_messages_have_a_limit_of_their_own() {
    let (app, server) = (TestApp::spawn_with_gateways().await, gateway().await);
    let (owner, other) = (app.tenant("Acme").await, app.tenant("Other").await);
    let account = async |key| app.verified_account(key, ("main", "http"), settings(&server.uri())).await.id;
    let (own, theirs) = (account(&owner).await, account(&other).await);
    let to = json!({ "to": "+48500500500" });
    let test = async |id, key| app.post(&format!("/v1/providers/{id}/test"), key, to.clone()).await;
    // A refused test message takes nothing from the limit.
    for _ in 0..7 {
        assert_eq!(test(theirs, &owner).await.status, 404);
    }
    for _ in 0..5 {
        assert_eq!(test(own, &owner).await.status, 200);
    }
    let refused = test(own, &owner).await;
    assert_eq!(refused.problem(), (429, "rate_limited".into()));
    assert_eq!(refused.json()["limit"], json!({ "name": "provider_test_1m", "scope": "tenant" }));
    assert_eq!(refused.header("retry-after"), "12");
    assert_eq!(test(theirs, &other).await.status, 200, "another tenant has its own");
    // 50 a day: after each minute 5 more are allowed, up to the limit of the day.
    let mut sent = 5;
    let last = loop {
        app.clock.turn(crate::codes::seconds(60));
        let answers = [test(own, &owner).await, test(own, &owner).await, test(own, &owner).await];
        sent += answers.iter().filter(|answer| answer.status == 200).count();
        if let Some(refused) = answers.into_iter().find(|answer| answer.status != 200) {
            break refused;
        }
        assert!(sent < 60);
    };
    assert_eq!(last.json()["limit"]["name"], "provider_test_24h", "{last:?}");
    assert!((50..=51).contains(&sent), "{sent}");
    assert_eq!(asked(&server).await.len(), sent + 1);
}

/// An SMSC with one connection that accepts everything. It reports the number of each command that it gets.
async fn smsc(listener: tokio::net::TcpListener, told: tokio::sync::mpsc::UnboundedSender<u32>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    loop {
        let mut head = [0; 16];
        if stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        let mut body = vec![0; word(0) as usize - 16];
        stream.read_exact(&mut body).await.unwrap();
        let _ = told.send(word(4));
        let body: &[u8] = if matches!(word(4), 0x4 | 0x9) { b"id-1\0" } else { b"" };
        let mut answer = Vec::new();
        for word in [16 + body.len() as u32, word(4) | 0x8000_0000, 0, word(12)] {
            answer.extend(word.to_be_bytes());
        }
        answer.extend(body);
        let _ = stream.write_all(&answer).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_or_disabled_smpp_account_unbinds_soon() {
    let app = TestApp::spawn_with_gateways().await;
    let owner = app.tenant("Acme").await;
    for (n, disable) in [(1, true), (2, false)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(smsc(listener, tell));
        let settings =
            json!({"host": "127.0.0.1", "port": port, "system_id": "a", "password": "b", "tls": false});
        let name = format!("smsc-{n}");
        let account = app.verified_account(&owner, (&name, "smpp"), settings).await.id;
        app.route(&owner, &name, account, RouteChange::default()).await;
        app.context.refresh().await.unwrap();
        let id = app.start(&owner, &crate::codes::number(n)).await;
        app.wait_for(&owner, &id, "delivery", "sent").await;
        assert_eq!([told.recv().await, told.recv().await], [Some(0x9), Some(0x4)], "bound, and sent");
        let routes = app.get("/v1/routes", &owner).await.json()["data"].as_array().unwrap().clone();
        let route = routes.iter().find(|route| route["name"] == name).unwrap()["id"].as_str().unwrap();
        assert_eq!(app.delete(&format!("/v1/routes/{route}"), &owner).await.status, 204);
        let path = format!("/v1/providers/{account}");
        let ended = match disable {
            true => app.patch(&path, &owner, json!({ "enabled": false })).await.status,
            false => app.delete(&path, &owner).await.status,
        };
        assert_eq!(ended, if disable { 200 } else { 204 });
        let unbind = tokio::time::timeout(crate::codes::seconds(8), told.recv()).await;
        assert_eq!(unbind.expect("within a few seconds"), Some(0x6));
    }
}
