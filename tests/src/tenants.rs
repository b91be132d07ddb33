//! Disabled tenants, over HTTP.

use crate::{
    app::{Answer, TestApp, TestKey},
    codes::{number, seconds},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::{
    access::{change::Change, scope::Scopes},
    id::TenantId,
    mode::Mode,
    ports::{clock::Clock as _, inbox::ConsoleMode},
    tenant::{TenantChange, TenantName},
};
use serde_json::json;
use std::time::{Duration, Instant};

/// The promised time until every node refuses a tenant's keys.
const PROMISED: Duration = Duration::from_secs(2);

impl TestApp {
    /// Changes a tenant as a command does, without notifying the server.
    async fn change_tenant(&self, tenant: TenantId, change: TenantChange) {
        let now = self.clock.now();
        self.context
            .directory
            .update_tenant(tenant, &change, &Change::by_system(now))
            .await
            .unwrap()
            .unwrap();
    }

    /// Repeats a request until its answer has this status, within the promised time.
    async fn within_promise(&self, key: &TestKey, status: u16) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.get("/v1/tenant", key).await;
            if answer.status == status {
                return answer;
            }
            assert!(begun.elapsed() < PROMISED, "{answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The parts of an answer that are not different for each answer.
fn told(answer: &Answer) -> (u16, serde_json::Value, Vec<(String, String)>) {
    let mut body = answer.json();
    body["request_id"] = "req".into();
    let own = ["date", "x-request-id", "request-id"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (answer.status, body, headers.collect())
}

#[tokio::test]
async fn every_key_of_a_disabled_tenant_is_refused_as_a_disabled_key_is() {
    let app = TestApp::spawn().await;
    let (owner, neighbour) = (app.tenant("Acme").await, app.tenant("Other").await);
    let test = app.key_for(&owner.caller, Mode::Test, Scopes::all()).await;
    let disabled = app.key_for(&neighbour.caller, Mode::Live, Scopes::all()).await;
    let path = format!("/v1/keys/{}", disabled.caller.key().unwrap());
    let body = json!({ "disabled": true });
    let off = app.send("PATCH", &path, Some(&neighbour.text), Some(&body)).await;
    assert_eq!(off.status, 200, "{off:?}");
    let refused = app.get("/v1/tenant", &disabled).await;
    assert_eq!(refused.problem(), (401, "invalid_key".into()));

    let tenant = owner.caller.tenant;
    app.change_tenant(tenant, TenantChange::Disable).await;
    let answer = app.within_promise(&owner, 401).await;
    assert_eq!(told(&answer), told(&refused), "nothing tells them apart");
    let answer = app.get("/v1/tenant", &test).await;
    assert_eq!(told(&answer), told(&refused));
    let start = app.post("/v1/verifications", &owner, json!({ "to": number(1) })).await;
    assert_eq!(start.problem(), (401, "invalid_key".into()));
    // The compatible APIs refuse the key too.
    let basic = STANDARD.encode(format!("{}:{}", countersign_api::account_sid(tenant), owner.text));
    let url = format!("{}/v2/Services", app.base_url);
    let twilio =
        crate::app::answer(app.client.get(url).header("Authorization", format!("Basic {basic}"))).await;
    assert_eq!((twilio.status, &twilio.json()["code"]), (401, &json!(20003)), "{twilio:?}");
    assert_eq!(app.get("/v1/tenant", &neighbour).await.status, 200);

    app.change_tenant(tenant, TenantChange::Rename(TenantName::parse("Acme & Sons").unwrap())).await;
    app.change_tenant(tenant, TenantChange::Enable).await;
    let answer = app.within_promise(&owner, 200).await;
    assert_eq!(answer.json()["name"], "Acme & Sons");
    app.change_tenant(tenant, TenantChange::Delete).await;
    assert_eq!(told(&app.within_promise(&owner, 401).await), told(&refused));
}

#[tokio::test]
async fn a_message_that_waits_is_not_sent_for_a_disabled_tenant() {
    let app = TestApp::spawn().await;
    let (owner, neighbour) = (app.tenant("Acme").await, app.tenant("Other").await);
    app.switch.set(ConsoleMode::Down);
    let (waits, others) = (app.start(&owner, &number(1)).await, app.start(&neighbour, &number(2)).await);
    let retried = async |key, id: &str| {
        for _ in 0..300 {
            let events = app.get(&format!("/v1/verifications/{id}/timeline"), key).await.json();
            if events.to_string().contains("message_retried") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{id} was not tried");
    };
    retried(&owner, &waits).await;
    retried(&neighbour, &others).await;
    app.change_tenant(owner.caller.tenant, TenantChange::Disable).await;
    app.within_promise(&owner, 401).await;
    app.switch.set(ConsoleMode::Working);
    app.clock.turn(seconds(15));
    // The neighbour's message is sent, so the worker has handled both.
    app.message(&others).await;
    app.change_tenant(owner.caller.tenant, TenantChange::Enable).await;
    app.within_promise(&owner, 200).await;
    let verification = app.wait_for(&owner, &waits, "status", "failed").await;
    assert_eq!(verification["id"], json!(waits));
    let events = app.get(&format!("/v1/verifications/{waits}/timeline"), &owner).await.json();
    assert!(events.to_string().contains("the tenant is disabled"), "{events}");
    let sent = app.inbox.list(None, 100).await.unwrap();
    assert!(sent.iter().all(|message| message.verification.to_string() != waits));
}
