//! The history over HTTP.

use crate::{
    app::{TestApp, TestKey},
    codes::seconds,
};
use countersign_core::{
    access::scope::{Scope, Scopes},
    mode::Mode,
};
use serde_json::{Value, json};
use std::time::Duration;

const TO: &str = "+48500500500";

/// Repeats the request until the answer is the wanted one.
async fn wait(mut ask: impl AsyncFnMut() -> Value, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..300 {
        let answer = ask().await;
        if wanted(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not in 6 s: {}", ask().await);
}

async fn list(app: &TestApp, key: &TestKey, query: &str, count: usize) -> Vec<Value> {
    let ask = async || app.get(&format!("/v1/verifications{query}"), key).await.json();
    let found = wait(ask, |page| page["data"].as_array().is_some_and(|data| data.len() == count)).await;
    found["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_verification_is_listed_found_and_read_after_its_record_is_gone() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let body = json!({ "to": TO, "metadata": { "order": "7" } });
    let id = app.post("/v1/verifications", &owner, body).await.json()["id"].as_str().unwrap().to_owned();
    let code = app.message(&id).await.code;
    let path = format!("/v1/verifications/{id}");
    app.post(&format!("{path}/check"), &owner, json!({ "code": code })).await;
    let listed = list(&app, &owner, "?status=approved&profile=default", 1).await;
    assert_eq!((&listed[0]["id"], &listed[0]["to"]), (&json!(id), &json!(TO)));
    app.clock.turn(seconds(300 + 16 * 60));
    let past = app.get(&path, &owner).await.json();
    assert_eq!((&past["status"], &past["to"]), (&json!("approved"), &json!(TO)));
    assert_eq!(past["metadata"], json!({ "order": "7" }));
    let masked = app.key_with(&owner.caller, Scope::VerificationsRead).await;
    assert_eq!(list(&app, &masked, "", 1).await[0]["to"], "+48******500");
    let found = app.post("/v1/verifications/search", &masked, json!({ "to": TO })).await.json();
    assert_eq!(found["data"][0]["id"], json!(id));
    let timeline = app.get(&format!("{path}/timeline"), &masked).await.json();
    let kinds: Vec<_> = timeline["data"].as_array().unwrap().iter().map(|e| e["kind"].clone()).collect();
    assert_eq!(kinds[0], "started");
    assert!(kinds.contains(&json!("message_sent")) && kinds.contains(&json!("approved")), "{kinds:?}");
    assert!(!timeline.to_string().contains("500500500"));
    let tester = app.key_for(&owner.caller, Mode::Test, Scopes::all()).await;
    for other in [&tester, &app.tenant("Other").await] {
        assert!(list(&app, other, "", 0).await.is_empty());
        assert_eq!(app.get(&path, other).await.status, 404);
        assert_eq!(app.get(&format!("{path}/timeline"), other).await.status, 404);
    }
}

#[tokio::test]
async fn a_number_is_erased_and_its_live_verification_ends() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let (first, second) = (app.start(&owner, TO).await, app.start(&owner, "+48500500501").await);
    let erased = app.post("/v1/numbers/erase", &owner, json!({ "to": TO })).await;
    assert_eq!((erased.status, &erased.json()["canceled"]), (200, &json!(1)), "{erased:?}");
    assert_eq!(app.get(&format!("/v1/verifications/{first}"), &owner).await.json()["status"], "canceled");
    let all = list(&app, &owner, "", 2).await;
    let to = |id: &str| all.iter().find(|one| one["id"] == id).unwrap()["to"].clone();
    assert_eq!((to(&first), to(&second)), (Value::Null, json!("+48500500501")));
    let found = app.post("/v1/verifications/search", &owner, json!({ "to": TO })).await.json();
    assert_eq!(found, json!({ "data": [], "next_cursor": null }));
}

#[tokio::test]
async fn what_expires_is_counted_in_the_report() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let id = app.start(&owner, TO).await;
    app.message(&id).await;
    app.clock.turn(seconds(301));
    let expired = list(&app, &owner, "?status=expired", 1).await;
    assert_eq!(expired[0]["id"], json!(id));
    let report = "/v1/reports/hourly?from=2026-09-21T00:00:00Z&to=2026-10-21T00:00:00Z&country=PL";
    let report = app.get(report, &owner).await.json();
    let sum = |name: &str| -> u64 {
        report["data"].as_array().unwrap().iter().map(|hour| hour[name].as_u64().unwrap()).sum()
    };
    assert_eq!((sum("started"), sum("expired"), sum("approved")), (1, 1, 0), "{report}");
    for query in ["", "?from=2026-01-01T00:00:00Z", "?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z"] {
        assert_eq!(app.get(&format!("/v1/reports/hourly{query}"), &owner).await.status, 400, "{query}");
    }
    for query in ["?status=gone", "?limit=0", "?created_after=now", "?cursor=x", "?country=PL"] {
        assert_eq!(app.get(&format!("/v1/verifications{query}"), &owner).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn what_was_sent_is_counted_by_provider_country_and_prefix() {
    let app = TestApp::spawn().await;
    let owner = app.tenant("Acme").await;
    let approved = ["+48500500500", "+48500500501", "+48600500500", "+447400123456"];
    for to in approved.iter().chain(["+48500500502"].iter()) {
        let id = app.start(&owner, to).await;
        let code = app.message(&id).await.code;
        if approved.contains(to) {
            app.post(&format!("/v1/verifications/{id}/check"), &owner, json!({ "code": code })).await;
        }
    }
    let span = "from=2026-09-21T12:00:00Z&to=2026-10-21T00:00:00Z";
    let report =
        async |query: &str| app.get(&format!("/v1/reports/conversion?{span}{query}"), &owner).await.json();
    let sum = |page: &Value, name: &str| -> u64 {
        page["data"].as_array().unwrap().iter().map(|row| row[name].as_u64().unwrap()).sum()
    };
    let all = wait(
        async || report("&by=provider").await,
        |page| (sum(page, "sent"), sum(page, "approved")) == (5, 4),
    )
    .await;
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
    let row = &all["data"][0];
    assert_eq!(
        (&row["country"], &row["prefix"], &row["conversion_rate"]),
        (&Value::Null, &Value::Null, &json!(0.8))
    );
    let rows = |page: &Value| -> Vec<Value> {
        let row = |row: &Value| json!([row["country"], row["prefix"], row["sent"], row["approved"]]);
        page["data"].as_array().unwrap().iter().map(row).collect()
    };
    assert_eq!(rows(&report("").await), [json!(["GB", null, 1, 1]), json!(["PL", null, 4, 3])]);
    let prefixes =
        [json!(["GB", "+44740", 1, 1]), json!(["PL", "+48500", 3, 2]), json!(["PL", "+48600", 1, 1])];
    assert_eq!(rows(&report("&by=prefix").await), prefixes);
    assert_eq!(rows(&report("&by=prefix&country=PL").await), prefixes[1..]);
    // Page by page.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = report(&format!("&by=prefix&limit=1{cursor}")).await;
        paged.extend(rows(&page));
        cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
    }
    assert_eq!((paged.as_slice(), cursor.as_str()), (prefixes.as_slice(), ""));
    let tester = app.key_for(&owner.caller, Mode::Test, Scopes::all()).await;
    for other in [&tester, &app.tenant("Other").await] {
        let page = app.get(&format!("/v1/reports/conversion?{span}"), other).await.json();
        assert_eq!(page, json!({ "data": [], "next_cursor": null }));
    }
    for query in ["&by=day", "&cursor=x", "&cursor=a.b.c.d", "&limit=0", "&profile=default", "&country=pl"] {
        let asked = app.get(&format!("/v1/reports/conversion?{span}{query}"), &owner).await;
        assert_eq!(asked.status, 400, "{query}");
    }
    let long = "/v1/reports/conversion?from=2026-01-01T00:00:00Z&to=2026-05-01T00:00:00Z";
    assert_eq!(app.get(long, &owner).await.status, 400);
}
