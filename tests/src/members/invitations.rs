//! Invitations over HTTP.

use super::{delete, join, key_of, owner, refused, subuser, wrong_fields};
use crate::{
    app::{Answer, TestApp, TestKey, answer},
    codes::seconds,
};
use countersign_core::{access::scope::Scopes, mode::Mode};
use serde_json::{Value, json};

#[tokio::test]
async fn an_invitation_is_made_listed_sent_again_and_withdrawn() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let tenant = company.caller.tenant;
    let body =
        |email: &str| json!({ "email": email, "role": "subuser", "permissions": ["verifications:start"] });
    let invite = async |email: &str| app.post("/v1/invitations", &company, body(email)).await;
    let made = invite(" Anna@example.com").await;
    assert_eq!(made.status, 201, "{made:?}");
    let invitation = made.json();
    let here = format!("/v1/invitations/{}", invitation["id"].as_str().unwrap());
    assert_eq!(made.header("location"), here);
    let whole = json!({
        "id": invitation["id"], "email": "Anna@example.com", "role": "subuser",
        "permissions": ["verifications:start"], "time_zone": "UTC", "hours": null, "pool": null,
        "most_parts": null, "author": company.caller.key().unwrap().to_string(), "delivery": "mail", "sends": 1,
        "shares": { "senders": "all", "templates": "all", "profiles": "all", "groups": "all" },
        "expires_at": invitation["expires_at"], "created_at": invitation["created_at"],
    });
    assert_eq!(invitation, whole, "and no link");
    let life = |one: &Value| {
        let time = |name: &str| one[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        time("expires_at").duration_since(time("created_at")).as_secs()
    };
    assert_eq!(life(&invitation), 48 * 3_600);
    assert_eq!(app.get(&here, &company).await.json(), invitation);

    let twice = invite("anna@EXAMPLE.com").await;
    assert_eq!(twice.problem(), (409, "conflict".into()));
    // Somebody who is a member elsewhere looks like nobody.
    let elsewhere = app.tenant("Elsewhere").await;
    join(&app, elsewhere.caller.tenant, "known@example.com", owner()).await;
    let (known, unknown) = (invite("known@example.com").await, invite("unknown@example.com").await);
    let shape = |answer: &Answer| {
        let mut body = answer.json();
        for own in ["id", "email", "created_at", "expires_at"] {
            body.as_object_mut().unwrap().remove(own).unwrap();
        }
        (answer.status, body)
    };
    assert_eq!(shape(&known), shape(&unknown));
    join(&app, tenant, "here@example.com", subuser()).await;
    assert_eq!(invite("here@example.com").await.problem(), (409, "conflict".into()));

    app.clock.turn(seconds(60));
    let again = app.act(&format!("{here}/resend"), &company).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!((&again.json()["sends"], life(&again.json())), (&json!(2), 48 * 3_600 + 60));
    let soon = app.act(&format!("{here}/resend"), &company).await;
    assert_eq!(soon.problem(), (409, "conflict".into()));
    assert_eq!(soon.json()["retry_after"], 60);
    for sends in 3..=5 {
        app.clock.turn(seconds(60));
        assert_eq!(app.act(&format!("{here}/resend"), &company).await.json()["sends"], sends);
    }
    let often = app.act(&format!("{here}/resend"), &company).await;
    assert_eq!(often.problem(), (409, "conflict".into()));
    assert!(often.json()["detail"].as_str().unwrap().contains("5 times"));

    let list = app.get("/v1/invitations?limit=2", &company).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let rest = format!("/v1/invitations?limit=2&cursor={}", list["next_cursor"].as_str().unwrap());
    let rest = app.get(&rest, &company).await.json();
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    assert_eq!(delete(&app, &company, &here).await.status, 204);
    for gone in [app.get(&here, &company).await, delete(&app, &company, &here).await] {
        assert_eq!(gone.problem(), (404, "not_found".into()));
    }
    // Another invitation of the same address sends no more on this day.
    let bombing = invite("anna@example.com").await;
    assert_eq!(bombing.problem(), (409, "conflict".into()));
    assert!(bombing.json()["detail"].as_str().unwrap().contains("5 invitation mails a day to one address"));
    app.clock.turn(seconds(86_400));
    assert_eq!(invite("anna@example.com").await.status, 201, "the address is free again");
}

#[tokio::test]
async fn an_invitation_grants_only_what_its_author_has() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let tenant = company.caller.tenant;
    let boss = join(&app, tenant, "boss@example.com", owner()).await;
    let boss_key = key_of(&app, &boss, Scopes::all()).await;
    let invite = async |key: &TestKey, body: Value| app.post("/v1/invitations", key, body).await;
    let as_owner = |email: &str| json!({ "email": email, "role": "owner", "permissions": ["keys:write"] });
    refused(&invite(&company, as_owner("one@example.com")).await, "owner");
    let made = invite(&boss_key, as_owner("one@example.com")).await.json();
    let author = format!("{}/{}", boss.id, boss_key.caller.key().unwrap());
    assert_eq!((&made["role"], &made["author"]), (&json!("owner"), &json!(author)));
    let here = format!("/v1/invitations/{}", made["id"].as_str().unwrap());
    refused(&app.act(&format!("{here}/resend"), &company).await, "owner");
    refused(&delete(&app, &company, &here).await, "owner");
    let codes = json!({ "email": "two@example.com", "role": "subuser", "permissions": ["codes:reveal"] });
    refused(&invite(&boss_key, codes.clone()).await, "permissions");
    assert_eq!(invite(&company, codes).await.status, 201, "this key has it");
    let missing = invite(&company, json!({ "email": "not an address" })).await;
    assert_eq!(wrong_fields(&missing), ["email", "role", "permissions"]);
    let tester = app.key_for(&company.caller, Mode::Test, Scopes::all()).await;
    refused(
        &invite(&tester, json!({ "email": "x@example.com", "role": "subuser", "permissions": [] })).await,
        "test key",
    );
    assert_eq!(app.get("/v1/invitations", &tester).await.status, 200);
}

#[tokio::test]
async fn a_tenant_invites_a_hundred_times_a_day() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let body =
        |n: usize| json!({ "email": format!("p{n}@example.com"), "role": "subuser", "permissions": [] });
    for n in 0..100 {
        assert_eq!(app.post("/v1/invitations", &company, body(n)).await.status, 201);
    }
    let full = app.post("/v1/invitations", &company, body(100)).await;
    assert_eq!(full.problem(), (409, "conflict".into()));
    assert!(full.json()["detail"].as_str().unwrap().contains("100 invitations"), "{full:?}");
    let page = app.get("/v1/invitations?limit=100", &company).await.json();
    assert_eq!(page["data"].as_array().unwrap().len(), 100);
    app.clock.turn(seconds(86_401));
    assert_eq!(app.post("/v1/invitations", &company, body(100)).await.status, 201);
}

#[tokio::test]
async fn a_repeated_invitation_is_made_once() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let invite = async |once: &str, email: &str| {
        let body = json!({ "email": email, "role": "subuser", "permissions": ["verifications:start"] });
        let request = app.client.post(format!("{}/v1/invitations", app.base_url));
        let request = request.bearer_auth(&company.text).header("idempotency-key", once);
        answer(request.json(&body)).await
    };
    let first = invite("one", "anna@example.com").await;
    assert_eq!(first.status, 201, "{first:?}");
    let again = invite("one", "anna@example.com").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(again.json(), first.json());
    assert_eq!(invite("one", "eve@example.com").await.problem(), (422, "idempotency_mismatch".into()));
    assert_eq!(invite("two", "anna@example.com").await.problem(), (409, "conflict".into()));
    let list = app.get("/v1/invitations", &company).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let path = format!("/v1/invitations/{}", first.json()["id"].as_str().unwrap());
    assert_eq!(delete(&app, &company, &path).await.status, 204);
    assert_eq!(invite("one", "anna@example.com").await.problem(), (409, "conflict".into()), "it has ended");
}
