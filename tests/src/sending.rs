//! The limits of a member on its messages, over HTTP: on /v1 and on the compatible routes.

use crate::{
    app::{Answer, TestApp, TestKey, answer},
    codes::{number, seconds},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::{
    people::{
        hours::{Hours, Zone},
        member::Limits,
    },
    ports::clock::Clock as _,
};
use serde_json::{Value, json};

/// The seconds until the month ends: the clock of a server begins on 2026-09-21 at 14:13:20 UTC, a Monday.
const UNTIL_OCTOBER: u64 = 812_800;

/// With this name a message in Ukrainian has two parts, and one in English has one.
const COMPANY: &str = "Acme Trading and Shipping Company";

fn limits() -> Limits {
    Limits::of_owner(Zone::parse("UTC").unwrap())
}

/// Limits that refuse each message, and the refusal's code.
fn refusing() -> [(Limits, &'static str); 3] {
    [
        // Mondays from 15:00 to 15:30.
        (Limits { hours: Hours::NEVER.with(0, 30), ..limits() }, "outside_hours"),
        (Limits { most_parts: Some(1), ..limits() }, "message_too_long"),
        (Limits { pool: Some(1), ..limits() }, "pool_exhausted"),
    ]
}

/// Ten letters that need 16 bits each, ten times: a message of two parts.
fn long(placeholder: &str) -> String {
    format!("{}{placeholder}", "żółćęąśźńł".repeat(10))
}

struct Twilio {
    authorization: String,
    path: String,
}

impl Twilio {
    async fn of(app: &TestApp, key: &TestKey) -> Self {
        let account = format!("AC{:032x}", u128::from_be_bytes(*key.caller.tenant.bytes()));
        let authorization = format!("Basic {}", STANDARD.encode(format!("{account}:{}", key.text)));
        let request = app.client.get(format!("{}/v2/Services", app.base_url));
        let services = answer(request.header("authorization", &authorization)).await.json();
        let service = services["services"][0]["sid"].as_str().unwrap().to_owned();
        Self { authorization, path: format!("/v2/Services/{service}/Verifications") }
    }

    async fn start(&self, app: &TestApp, to: &str) -> Answer {
        let form = [("To", to), ("Channel", "sms"), ("Locale", "uk")];
        let form = reqwest::Url::parse_with_params("http://form", form).unwrap();
        let request = app.client.post(format!("{}{}", app.base_url, self.path));
        let request = request.header("authorization", &self.authorization);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        answer(request.body(form.query().unwrap().to_owned())).await
    }
}

async fn start(app: &TestApp, key: &TestKey, to: usize) -> Answer {
    app.post("/v1/verifications", key, json!({ "to": number(to), "locale": "uk" })).await
}

#[tokio::test]
async fn v1_names_the_bound_that_refused() {
    let app = TestApp::spawn().await;
    let company = app.tenant(COMPANY).await;
    for (limits, code) in refusing() {
        let (_, key) = app.key_of_member(&company.caller, limits).await;
        let refused = start(&app, &key, 1).await;
        let (status, waits, detail) = match code {
            "outside_hours" => (403, "2800", "the next begin at 2026-09-21T15:00:00+00:00."),
            "message_too_long" => {
                (403, "", "has 2 parts, and a message of the member of this key has at most 1.")
            }
            _ => (429, "812800", "1 of 1 message parts are left in this month."),
        };
        assert_eq!(refused.problem(), (status, code.to_owned()));
        assert_eq!(refused.header("retry-after"), waits, "{refused:?}");
        let body = refused.json();
        assert!(body["detail"].as_str().unwrap().ends_with(detail), "{body}");
        let limit = if status == 429 { json!({ "name": "pool", "scope": "member" }) } else { Value::Null };
        assert_eq!(body["limit"], limit);
    }
    assert_eq!(start(&app, &company, 1).await.status, 201, "a key of the company has no such limits");
}

#[tokio::test]
async fn a_start_tells_the_pool_and_a_resend_obeys_it() {
    let app = TestApp::spawn().await;
    let company = app.tenant("Acme").await;
    let (mut member, key) = app.key_of_member(&company.caller, Limits { pool: Some(2), ..limits() }).await;
    let made = app.post("/v1/verifications", &key, json!({ "to": number(1) })).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.header("ratelimit").contains(&format!("\"pool\";r=1;t={UNTIL_OCTOBER}")), "{made:?}");
    assert!(made.header("ratelimit-policy").contains("\"pool\";q=2;w=2592000"), "{made:?}");
    let resend = format!("/v1/verifications/{}/resend", made.json()["id"].as_str().unwrap());
    app.clock.turn(seconds(31));
    assert_eq!(app.act(&resend, &key).await.status, 200);
    app.clock.turn(seconds(41));
    let refused = app.act(&resend, &key).await;
    assert_eq!(refused.problem(), (429, "pool_exhausted".to_owned()));
    assert_eq!(refused.header("retry-after"), (UNTIL_OCTOBER - 72).to_string());
    assert_eq!(refused.header("ratelimit"), format!("\"pool\";r=0;t={}", UNTIL_OCTOBER - 72));
    let pool = format!("/v1/members/{}/pool", member.id);
    let read = app.get(&pool, &company).await.json();
    assert_eq!((&read["pool"], &read["used"]), (&json!(2), &json!(2)), "{read}");
    let until = app.clock.now() + seconds(UNTIL_OCTOBER - 72);
    assert_eq!(read["until"], until.to_string(), "{read}");
    app.set_limits(&mut member, Limits { hours: Hours::NEVER, ..limits() }).await;
    assert_eq!(app.get(&pool, &company).await.json()["used"], Value::Null, "it has no pool now");
    let refused = app.act(&resend, &key).await;
    assert_eq!(refused.problem(), (403, "outside_hours".to_owned()));
    assert_eq!(refused.header("retry-after"), "");
    app.set_limits(&mut member, limits()).await;
    assert_eq!(app.act(&resend, &key).await.status, 200);
    let timeline = app.get(&resend.replace("/resend", "/timeline"), &key).await.text;
    assert!(timeline.contains("limit pool: 1 of 2 used"), "{timeline}");
}

#[tokio::test]
async fn compatible_routes_refuse_in_their_forms() {
    let app = TestApp::spawn().await;
    let company = app.tenant(COMPANY).await;
    for (limits, code) in refusing() {
        let (_, key) = app.key_of_member(&company.caller, limits).await;
        let status = if code == "pool_exhausted" { 429 } else { 403 };

        let content = json!({ "phone_number": number(1), "content": long("[%code%]") });
        for path in ["/mfa/codes", "/api/mfa/codes"] {
            let refused = app.post(path, &key, content.clone()).await;
            assert_eq!((refused.status, &refused.json()["error"]), (status, &json!(code)), "{refused:?}");
            assert_eq!(refused.json()["errors"], Value::Null);
        }

        let body = json!({ "phoneNumber": number(1), "message": long("{{code}}") });
        let refused = app.post("/one-time-password-sms/v1/send-code", &key, body).await;
        let expected = if status == 429 { "TOO_MANY_REQUESTS" } else { "PERMISSION_DENIED" };
        assert_eq!((refused.status, &refused.json()["code"]), (status, &json!(expected)), "{refused:?}");
        assert_eq!(refused.json()["status"], status);

        let refused = Twilio::of(&app, &key).await.start(&app, &number(1)).await;
        let expected = if status == 429 { 20_429 } else { 20_403 };
        assert_eq!((refused.status, &refused.json()["code"]), (status, &json!(expected)), "{refused:?}");
        assert_eq!(refused.header("retry-after"), "", "no client library shall sleep that long: {refused:?}");
    }
}
