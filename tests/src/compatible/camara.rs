//! One Time Password SMS of CAMARA. The answers are checked with the standard's schemas.

mod scenarios;

use super::{TO, client, names, send, wrong};
use crate::{
    app::{Answer, TestApp, TestKey, answer},
    codes::seconds,
};
use countersign_core::{access::scope::Scope, mode::Mode};
use serde_json::{Value, json};

const SEND: &str = "/one-time-password-sms/v1/send-code";
const VALIDATE: &str = "/one-time-password-sms/v1/validate-code";

async fn start(app: &TestApp) -> (TestKey, TestKey) {
    let owner = app.tenant("Acme").await;
    let key = client(app, &owner.caller, Mode::Live, &[Scope::CompatCamara]).await;
    (owner, key)
}

async fn send_code(app: &TestApp, key: &TestKey, to: &str) -> String {
    let body = json!({ "phoneNumber": to, "message": "{{code}} is your code" });
    let sent = app.post(SEND, key, body).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    let body = sent.json();
    assert_eq!(names(&body), ["authenticationId"]);
    let id = body["authenticationId"].as_str().unwrap().to_owned();
    assert!(id.len() <= 36);
    id
}

async fn validate(app: &TestApp, key: &TestKey, id: &str, code: &str) -> Answer {
    app.post(VALIDATE, key, json!({ "authenticationId": id, "code": code })).await
}

/// The status and the code of a refusal, which must be an ErrorInfo of the standard.
fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/json", "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(names(&body), ["code", "message", "status"]);
    assert_eq!(body["status"], answer.status);
    assert_ne!(body["message"].as_str().unwrap(), "");
    (answer.status, body["code"].as_str().unwrap().trim_start_matches("ONE_TIME_PASSWORD_SMS.").to_owned())
}

fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!(refusal(answer), (status, code.to_owned()), "{answer:?}");
}

#[tokio::test]
async fn a_code_goes_out_comes_back_and_counts_once() {
    let app = TestApp::spawn().await;
    let (owner, key) = start(&app).await;
    let id = send_code(&app, &key, TO).await;
    let message = app.message(&id).await;
    assert_eq!(message.text, format!("{} is your code", message.code));
    is(&validate(&app, &key, &id, &wrong(&message.code)).await, 400, "INVALID_OTP");
    is(&validate(&app, &key, &id, "12").await, 400, "INVALID_OTP");
    let right = validate(&app, &key, &id, &message.code).await;
    assert_eq!((right.status, right.text.as_str()), (204, ""));
    is(&validate(&app, &key, &id, &message.code).await, 400, "VERIFICATION_EXPIRED");
    is(&validate(&app, &key, &id, "12").await, 400, "VERIFICATION_EXPIRED");
    assert_eq!(app.get(&format!("/v1/verifications/{id}"), &owner).await.json()["status"], "approved");
}

/// Only the newer of two codes is valid. A check of the older one gets that it has ended, and its SMS is not
/// sent.
#[tokio::test]
async fn a_second_code_takes_the_place_of_the_first() {
    let app = TestApp::spawn().await;
    let (owner, key) = start(&app).await;
    let first = send_code(&app, &key, TO).await;
    let of_first = app.message(&first).await.code;
    // Starts through `/v1`, and starts for other numbers, are not touched.
    let plain = app.start(&owner, TO).await;
    let other = send_code(&app, &key, "+48500500501").await;
    let second = send_code(&app, &key, TO).await;
    assert_ne!(first, second, "the same words, and never the same verification");
    is(&validate(&app, &key, &first, &of_first).await, 400, "VERIFICATION_EXPIRED");
    is(&validate(&app, &key, &first, "12").await, 400, "VERIFICATION_EXPIRED");
    let state =
        async |id: &str| app.get(&format!("/v1/verifications/{id}"), &owner).await.json()["status"].clone();
    assert_eq!(state(&first).await, "canceled");
    for pending in [&plain, &other, &second] {
        assert_eq!(state(pending).await, "pending");
    }
    let code = app.message(&second).await.code;
    assert_eq!(validate(&app, &key, &second, &code).await.status, 204);
    // A refused start ends nothing.
    let third = send_code(&app, &key, TO).await;
    let fourth = send_code(&app, &key, TO).await;
    let limited = app.post(SEND, &key, json!({ "phoneNumber": TO, "message": "{{code}}" })).await;
    is(&limited, 403, "MAX_OTP_CODES_EXCEEDED");
    assert_eq!((state(&third).await, state(&fourth).await), (json!("canceled"), json!("pending")));
}

#[tokio::test]
async fn each_end_has_its_code() {
    let app = TestApp::spawn().await;
    let (owner, key) = start(&app).await;
    let id = send_code(&app, &key, TO).await;
    let code = app.message(&id).await.code;
    for _ in 0..4 {
        is(&validate(&app, &key, &id, &wrong(&code)).await, 400, "INVALID_OTP");
    }
    is(&validate(&app, &key, &id, &wrong(&code)).await, 400, "VERIFICATION_FAILED");
    is(&validate(&app, &key, &id, &code).await, 400, "VERIFICATION_FAILED");
    is(&validate(&app, &key, &id, "12").await, 400, "VERIFICATION_FAILED");
    let other = send_code(&app, &key, TO).await;
    let code = app.message(&other).await.code;
    for _ in 0..4 {
        validate(&app, &key, &other, &wrong(&code)).await;
    }
    is(&validate(&app, &key, &other, &wrong(&code)).await, 400, "VERIFICATION_FAILED");
    let third = send_code(&app, &key, TO).await;
    let waits = validate(&app, &key, &third, "123456").await;
    is(&waits, 429, "TOO_MANY_REQUESTS");
    assert_eq!(waits.header("retry-after"), "60");
    app.clock.turn(seconds(300));
    is(&validate(&app, &key, &third, "123456").await, 400, "VERIFICATION_EXPIRED");
    app.clock.turn(seconds(900));
    is(&validate(&app, &key, &third, "123456").await, 404, "NOT_FOUND");
    let stranger = start(&app).await.1;
    let id = send_code(&app, &key, TO).await;
    let code = app.message(&id).await.code;
    is(&validate(&app, &stranger, &id, &code).await, 404, "NOT_FOUND");
    app.act(&format!("/v1/verifications/{id}/cancel"), &owner).await;
    is(&validate(&app, &key, &id, &code).await, 400, "VERIFICATION_EXPIRED");
}

#[tokio::test]
async fn what_is_sent_too_often_or_not_at_all_is_forbidden() {
    let app = TestApp::spawn().await;
    let (owner, key) = start(&app).await;
    for _ in 0..5 {
        send_code(&app, &key, TO).await;
    }
    let message = |to: &str| json!({ "phoneNumber": to, "message": "{{code}}" });
    let sixth = app.post(SEND, &key, message(TO)).await;
    is(&sixth, 403, "MAX_OTP_CODES_EXCEEDED");
    assert_eq!(sixth.header("retry-after"), "600");
    is(&app.post(SEND, &key, message("+48226940000")).await, 403, "PHONE_NUMBER_NOT_ALLOWED");
    let body = json!({ "buckets": [{ "max": 1, "window": 60 }] });
    app.send("PUT", "/v1/limits/tenant", Some(&owner.text), Some(&body)).await;
    app.context.refresh().await.unwrap();
    send_code(&app, &key, "+48500500501").await;
    is(&app.post(SEND, &key, message("+48500500502")).await, 429, "TOO_MANY_REQUESTS");

    let tester = client(&app, &owner.caller, Mode::Test, &[Scope::CompatCamara]).await;
    let magic = |n: u8| message(&format!("+1500555000{n}"));
    is(&app.post(SEND, &tester, magic(1)).await, 400, "INVALID_ARGUMENT");
    is(&app.post(SEND, &tester, magic(4)).await, 403, "PHONE_NUMBER_BLOCKED");
    is(&app.post(SEND, &tester, magic(5)).await, 403, "MAX_OTP_CODES_EXCEEDED");
}

#[tokio::test]
async fn bodies_are_held_to_the_schema() {
    let app = TestApp::spawn().await;
    let (_, key) = start(&app).await;
    let good = json!({ "phoneNumber": TO, "message": "{{code}}" });
    let mut cases = vec![(SEND, json!({}))];
    for (name, value) in [
        ("phoneNumber", json!("48500500500")),
        ("phoneNumber", json!("+48 500 500 500")),
        ("phoneNumber", json!("+1234")),
        ("phoneNumber", json!(48_500_500_500_u64)),
        ("message", json!("no place")),
        ("message", json!("{{code}}{{code}}")),
        ("message", json!("bell \u{7} {{code}}")),
        ("message", json!(format!("{{{{code}}}}{}", "a".repeat(153)))),
        ("message", json!(null)),
        ("locale", json!("pl")),
    ] {
        let mut body = good.clone();
        body[name] = value;
        cases.push((SEND, body));
    }
    let id = format!("ver_{}", "0".repeat(26));
    for body in [
        json!({ "authenticationId": id }),
        json!({ "authenticationId": "a".repeat(37), "code": "123456" }),
        json!({ "authenticationId": "", "code": "123456" }),
        json!({ "authenticationId": id, "code": "12345678901" }),
        json!({ "authenticationId": id, "code": 123_456 }),
        json!({ "authenticationId": id, "code": "123456", "more": true }),
    ] {
        cases.push((VALIDATE, body));
    }
    for (path, body) in cases {
        is(&app.post(path, &key, body).await, 400, "INVALID_ARGUMENT");
    }
    let longest = json!({ "phoneNumber": TO, "message": format!("{{{{code}}}}{}", "a".repeat(152)) });
    assert_eq!(app.post(SEND, &key, longest).await.status, 200);
    is(&validate(&app, &key, &"a".repeat(36), "123456").await, 404, "NOT_FOUND");
    is(&validate(&app, &key, &id, "123456").await, 404, "NOT_FOUND");
    is(&validate(&app, &key, &id, "12").await, 404, "NOT_FOUND");
    is(&send(&app, &key, SEND, "text/plain", "x").await, 415, "UNSUPPORTED_MEDIA_TYPE");
    is(&send(&app, &key, SEND, "application/json", "x".repeat(65_537)).await, 413, "PAYLOAD_TOO_LARGE");
    is(&app.get(SEND, &key).await, 405, "METHOD_NOT_ALLOWED");
    is(&app.get("/one-time-password-sms/v2/send-code", &key).await, 404, "NOT_FOUND");
    is(&app.send("POST", SEND, None, None).await, 401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_correlator_comes_back_with_every_answer() {
    let app = TestApp::spawn().await;
    let (_, key) = start(&app).await;
    let ask = async |method: &str, path: &str, key: Option<&str>, correlator: &str, body: Value| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = app.client.request(method, format!("{}{path}", app.base_url)).json(&body);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        answer(request.header("x-correlator", correlator)).await
    };
    let good = json!({ "phoneNumber": TO, "message": "{{code}}" });
    let text = Some(key.text.as_str());
    let mine = "b4333c46-49c0-4f62-80d7-f0ef930f1c46";
    let sent = ask("POST", SEND, text, mine, good.clone()).await;
    assert_eq!((sent.status, sent.header("x-correlator")), (200, mine));
    let id = sent.json()["authenticationId"].clone();
    let code = app.message(id.as_str().unwrap()).await.code;
    for (method, path, key, body, status) in [
        ("POST", SEND, text, json!({}), 400),
        ("POST", SEND, None, json!({}), 401),
        ("GET", SEND, text, json!({}), 405),
        ("POST", "/one-time-password-sms/v1/nothing", text, json!({}), 404),
        ("POST", VALIDATE, text, json!({ "authenticationId": id, "code": code }), 204),
    ] {
        let answer = ask(method, path, key, mine, body).await;
        assert_eq!((answer.status, answer.header("x-correlator")), (status, mine), "{method} {path}");
    }
    let longest = "a".repeat(256);
    for fits in ["", "a;b", "AZaz09-_:;./<>{}", &longest] {
        let sent = ask("POST", VALIDATE, text, fits, json!({})).await;
        is(&sent, 400, "INVALID_ARGUMENT");
        assert_eq!(sent.headers.get("x-correlator").unwrap().to_str().unwrap(), fits);
        assert!(!sent.json()["message"].as_str().unwrap().starts_with("x-correlator: "), "{sent:?}");
    }
    for bad in ["a b", "a,b", "a+b", "a\\b", "a[b]", "a\"b", "ąć", &"a".repeat(257)] {
        let refused = ask("POST", SEND, text, bad, good.clone()).await;
        is(&refused, 400, "INVALID_ARGUMENT");
        assert_eq!(refused.header("x-correlator"), "", "{bad}");
        assert!(refused.json()["message"].as_str().unwrap().starts_with("x-correlator: "));
    }
    let request = app.client.post(format!("{}{SEND}", app.base_url)).bearer_auth(&key.text).json(&good);
    let twice = answer(request.header("x-correlator", "a").header("x-correlator", "b")).await;
    is(&twice, 400, "INVALID_ARGUMENT");
    assert_eq!(twice.header("x-correlator"), "", "neither of two");
    let elsewhere = ask("POST", "/v1/verifications", text, mine, good).await;
    assert_eq!(elsewhere.header("x-correlator"), "");
}
