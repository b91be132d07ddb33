//! Start, check, resend and cancel over HTTP.

use crate::{
    app::{TestApp, TestKey, answer},
    codes::seconds,
};
use countersign_core::{
    access::scope::{Scope, Scopes},
    mode::Mode,
    ports::inbox::ConsoleMode,
    tenant::profile::{Policy, ResendPolicy},
};
use serde_json::{Value, json};

const TO: &str = "+48500500500";

async fn check(app: &TestApp, key: &TestKey, id: &str, code: &str) -> crate::app::Answer {
    app.post(&format!("/v1/verifications/{id}/check"), key, json!({ "code": code })).await
}

fn wrong(code: &str) -> String {
    code.replace(|c| c != '7', "7").replacen('7', if code.starts_with('7') { "8" } else { "7" }, 1)
}

#[tokio::test]
async fn a_code_goes_out_comes_back_and_counts_once() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let body = json!({ "to": "0048 500 500 500", "origin": "acme.example", "metadata": { "order": "17" } });
    let started = app.post("/v1/verifications", &key, body).await;
    assert_eq!(started.status, 201);
    let verification = started.json();
    let id = verification["id"].as_str().unwrap();
    assert_eq!(started.header("location"), format!("/v1/verifications/{id}"));
    assert_eq!(started.header("cache-control"), "no-store");
    assert!(started.header("x-request-id").starts_with("req_"));
    insta::assert_json_snapshot!(verification, {
        ".id" => insta::dynamic_redaction(|value, _| {
            assert!(value.as_str().unwrap().starts_with("ver_"));
            "ver_..."
        }),
        ".created_at" => "time", ".expires_at" => "time", ".resend_at" => "time",
        ".delivery" => insta::dynamic_redaction(|value, _| {
            assert!(["queued", "sent", "delivered"].contains(&value.as_str().unwrap()));
            "how far the message is"
        }),
    });

    let message = app.message(id).await;
    assert_eq!(message.to, TO);
    let expected = format!("{0} is your Acme code. Don't share it.\n\n@acme.example #{0}", message.code);
    assert_eq!(message.text, expected);

    let first = check(&app, &key, id, &wrong(&message.code)).await;
    assert_eq!(first.json(), json!({ "id": id, "status": "pending", "attempts_left": 4 }));
    let spaced = format!(" {} - {}", &message.code[..3], &message.code[3..]);
    let second = check(&app, &key, id, &spaced).await;
    assert_eq!(second.json(), json!({ "id": id, "status": "approved", "attempts_left": 4 }));
    let third = check(&app, &key, id, &message.code).await;
    assert_eq!(third.problem(), (409, "already_approved".into()));
}

#[tokio::test]
async fn the_fifth_wrong_code_exhausts_it() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let id = app.start(&key, TO).await;
    let code = app.message(&id).await.code;
    for malformed in ["12345", "1234567", "12345a"] {
        assert_eq!(check(&app, &key, &id, malformed).await.problem(), (400, "invalid_code".into()));
    }
    for left in [4, 3, 2, 1] {
        assert_eq!(check(&app, &key, &id, &wrong(&code)).await.json()["attempts_left"], left);
    }
    for code in [wrong(&code), code] {
        let checked = check(&app, &key, &id, &code).await;
        assert_eq!(checked.json(), json!({ "id": id, "status": "exhausted", "attempts_left": 0 }));
    }
}

#[tokio::test]
async fn a_check_by_number_needs_no_id() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let missing = app.post("/v1/checks", &key, json!({ "to": TO, "code": "123456" })).await;
    assert_eq!(missing.problem(), (404, "not_found".into()));
    let id = app.start(&key, TO).await;
    let code = app.message(&id).await.code;
    let checked = app.post("/v1/checks", &key, json!({ "to": "+48 500-500-500", "code": code })).await;
    assert_eq!(checked.json(), json!({ "id": id, "status": "approved", "attempts_left": 5 }));
    let profile = json!({ "to": TO, "code": code, "profile": "nobody" });
    let unknown = app.post("/v1/checks", &key, profile).await;
    assert_eq!(unknown.json()["errors"][0]["field"], "profile");
}

#[tokio::test]
async fn a_resend_waits_for_its_cooldown_and_follows_its_policy() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    app.set_policy(&key.caller, Policy { resend: ResendPolicy::New, ..Policy::default() }).await;
    let id = app.start(&key, TO).await;
    let first = app.message(&id).await.code;
    let path = format!("/v1/verifications/{id}/resend");
    let early = app.act(&path, &key).await;
    assert_eq!(early.problem(), (429, "resend_too_soon".into()));
    assert_eq!((early.header("retry-after"), &early.json()["retry_after"]), ("30", &json!(30)));
    app.clock.turn(seconds(30));
    let resent = app.act(&path, &key).await;
    assert_eq!((resent.status, &resent.json()["sends_left"]), (200, &json!(3)));
    let second = app.messages(&id, 2).await.remove(0).code;
    if first != second {
        assert_eq!(check(&app, &key, &id, &first).await.json()["status"], "pending");
    }
    assert_eq!(check(&app, &key, &id, &second).await.json()["status"], "approved");
    assert_eq!(app.act(&path, &key).await.problem(), (409, "verification_ended".into()));
}

#[tokio::test]
async fn sends_of_one_verification_end() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let id = app.start(&key, TO).await;
    let path = format!("/v1/verifications/{id}/resend");
    for wait in [30, 40, 60, 90] {
        app.clock.turn(seconds(wait));
        assert_eq!(app.act(&path, &key).await.status, 200);
    }
    assert_eq!(app.act(&path, &key).await.problem(), (429, "sends_exhausted".into()));
    assert_eq!(app.get(&format!("/v1/verifications/{id}"), &key).await.json()["resend_at"], Value::Null);
}

#[tokio::test]
async fn a_canceled_code_is_void() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let id = app.start(&key, TO).await;
    let code = app.message(&id).await.code;
    let path = format!("/v1/verifications/{id}/cancel");
    for _ in 0..2 {
        let canceled = app.act(&path, &key).await;
        assert_eq!((canceled.status, &canceled.json()["status"]), (200, &json!("canceled")));
    }
    assert_eq!(check(&app, &key, &id, &code).await.json()["status"], "canceled");
    let nonsense = app.post(&path, &key, json!({ "why": "?" })).await;
    assert_eq!(nonsense.problem(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn numbers_are_masked_without_the_scope_for_them() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let id = app.start(&key, TO).await;
    let path = format!("/v1/verifications/{id}");
    let reader = app.key_with(&key.caller, Scope::VerificationsRead).await;
    assert_eq!(app.get(&path, &reader).await.json()["to"], "+48******500");
    assert_eq!(app.get(&path, &key).await.json()["to"], TO);
    let malformed = app.get("/v1/verifications/ver_nonsense", &key).await;
    assert_eq!(malformed.problem(), (404, "not_found".into()));
}

#[tokio::test]
async fn the_sixth_start_in_ten_minutes_says_which_limit_and_how_long() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    for _ in 0..5 {
        app.start(&key, TO).await;
    }
    let refused = app.post("/v1/verifications", &key, json!({ "to": TO })).await;
    assert_eq!(refused.problem(), (429, "rate_limited".into()));
    assert_eq!(refused.header("retry-after"), "600");
    assert_eq!(refused.json()["limit"], json!({ "name": "number_10m", "scope": "number" }));
}

#[tokio::test]
async fn all_field_errors_come_at_once() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let body = json!({
        "to": 5, "code_length": 3, "expires_in": "soon", "origin": "https://acme.example",
        "app_hash": "short", "metadata": { "n": 1 }, "chanel": "sms",
    });
    let refused = app.post("/v1/verifications", &key, body).await;
    assert_eq!(refused.problem(), (400, "invalid_request".into()));
    let problem = refused.json();
    let mut fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["app_hash", "chanel", "code_length", "expires_in", "metadata.n", "origin", "to"]);

    for (to, code) in [("600700800", "invalid_phone_number"), ("+48221234567", "number_cannot_receive_sms")] {
        let refused = app.post("/v1/verifications", &key, json!({ "to": to })).await;
        assert_eq!(refused.problem(), (400, code.into()), "{to}");
        assert_eq!(refused.json()["errors"][0]["field"], "to");
        assert!(!refused.text.contains(to), "the number is not repeated");
    }
}

#[tokio::test]
async fn a_message_is_in_the_language_that_was_asked_for() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    for (locale, end) in
        [("pl-PL", " to kod Acme. Nie podawaj go nikomu."), ("it", " is your Acme code. Don't share it.")]
    {
        let body = json!({ "to": TO, "locale": locale });
        let started = app.post("/v1/verifications", &key, body).await.json();
        let message = app.message(started["id"].as_str().unwrap()).await;
        assert_eq!(message.text, format!("{}{end}", message.code), "{locale}");
    }
    for (field, value, code) in [
        ("locale", "polish", "invalid_format"),
        ("template", "Login", "invalid_format"),
        ("template", "login", "not_found"),
    ] {
        let refused = app.post("/v1/verifications", &key, json!({ "to": TO, field: value })).await;
        assert_eq!(refused.problem(), (400, "invalid_request".into()));
        let error = refused.json()["errors"][0].clone();
        assert_eq!((error["field"].as_str(), error["code"].as_str()), (Some(field), Some(code)));
    }
}

#[tokio::test]
async fn a_code_confirms_one_payment() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let payment = |amount| json!({ "amount": amount, "currency": "EUR", "payee": "Example Shop" });
    let start = async || {
        let body = json!({ "to": TO, "transaction": payment("49.9") });
        let id = app.post("/v1/verifications", &key, body).await.json()["id"].as_str().unwrap().to_owned();
        let message = app.message(&id).await;
        (id, message)
    };
    let (id, message) = start().await;
    let text = format!("Acme: {} to pay 49.90 EUR to Example Shop. Don't share it.", message.code);
    assert_eq!(message.text, text);
    let body = json!({ "code": message.code, "transaction": payment("49.90") });
    let checked = app.post(&format!("/v1/verifications/{id}/check"), &key, body).await.json();
    assert_eq!(checked, json!({ "id": id, "status": "approved", "attempts_left": 5 }));

    let (id, message) = start().await;
    let changed = check(&app, &key, &id, &message.code).await.json();
    let reason = "transaction_mismatch";
    assert_eq!(changed, json!({ "id": id, "status": "canceled", "attempts_left": 5, "reason": reason }));
    let after = check(&app, &key, &id, &message.code).await.json();
    assert_eq!(after, json!({ "id": id, "status": "canceled", "attempts_left": 5 }));
    let timeline = app.get(&format!("/v1/verifications/{id}/timeline"), &key).await;
    assert!(timeline.text.contains("Checked for another payment"), "{}", timeline.text);

    let (id, message) = start().await;
    let body = json!({ "to": TO, "code": message.code, "transaction": payment("50") });
    let changed = app.post("/v1/checks", &key, body).await.json();
    assert_eq!((changed["id"].as_str(), changed["reason"].as_str()), (Some(&*id), Some(reason)));

    let wrong = json!({ "amount": 49.9, "currency": "eur", "payee": "a\nb", "note": "x" });
    let refused = app.post("/v1/verifications", &key, json!({ "to": TO, "transaction": wrong })).await;
    let fields = |answer: &Value| -> Vec<String> {
        answer["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(fields(&refused.json()), ["transaction.amount", "transaction.note"]);
    let wrong = json!({ "amount": "1.234", "currency": "EUR", "payee": "a\nb" });
    let refused = app.post("/v1/verifications", &key, json!({ "to": TO, "transaction": wrong })).await;
    assert_eq!(fields(&refused.json()), ["transaction.amount", "transaction.payee"]);
}

#[tokio::test]
async fn bodies_are_bounded_and_of_one_kind() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let url = format!("{}/v1/verifications", app.base_url);
    let post = || app.client.post(&url).bearer_auth(&key.text);
    let json = "application/json";
    let large = format!("{{\"to\":\"{}\"}}", "1".repeat(70_000));
    let cases = [
        (post().header("content-type", json).body(large), (413, "payload_too_large")),
        (post().header("content-type", "text/plain").body("{}"), (415, "unsupported_media_type")),
        (post().body("{}"), (415, "unsupported_media_type")),
        (post().header("content-type", json).body("{\"to\":"), (400, "invalid_request")),
        (post().header("content-type", json).body("[]"), (400, "invalid_request")),
        (post().header("content-type", json).body(""), (400, "invalid_request")),
        (post().header("content-type", json).body("[".repeat(60_000)), (400, "invalid_request")),
        (post().header("content-type", json).body(b"{\"to\":\"\xff\"}".to_vec()), (400, "invalid_request")),
    ];
    for (n, (request, (status, code))) in cases.into_iter().enumerate() {
        assert_eq!(answer(request).await.problem(), (status, code.into()), "case {n}");
    }
    let unknown = app.get("/v1/nothing", &key).await;
    assert_eq!(unknown.problem(), (404, "not_found".into()));
    let wrong_method = app.send("PUT", "/v1/verifications", Some(&key.text), None).await;
    assert_eq!(wrong_method.problem(), (405, "method_not_allowed".into()));
    assert_eq!(wrong_method.header("allow"), "GET, HEAD, POST");
}

#[tokio::test]
async fn test_mode_makes_each_outcome_happen() {
    let app = TestApp::spawn().await;
    let live = app.tenant("Acme").await;
    let key = app.key_for(&live.caller, Mode::Test, Scopes::all()).await;
    let start = async |last: u8| {
        app.post("/v1/verifications", &key, json!({ "to": format!("+1500555000{last}") })).await
    };
    for (last, problem) in [
        (1, (400, "invalid_phone_number")),
        (4, (403, "number_blocked")),
        (5, (429, "rate_limited")),
        (7, (400, "number_cannot_receive_sms")),
    ] {
        assert_eq!(start(last).await.problem(), (problem.0, problem.1.into()), "{last}");
    }
    let id = async |last: u8| start(last).await.json()["id"].as_str().unwrap().to_owned();

    app.wait_for(&key, &id(2).await, "delivery", "undelivered").await;
    let expired = id(3).await;
    assert_eq!(check(&app, &key, &expired, "123456").await.json()["status"], "expired");
    let late = id(6).await;
    app.wait_for(&key, &late, "delivery", "sent").await;
    app.clock.turn(seconds(10));
    app.wait_for(&key, &late, "delivery", "delivered").await;
    app.wait_for(&key, &id(9).await, "status", "failed").await;

    let body = json!({ "to": TO, "code_length": 8 });
    let started = app.post("/v1/verifications", &key, body).await.json();
    assert_eq!(started["livemode"], false);
    let plain = started["id"].as_str().unwrap();
    app.wait_for(&key, plain, "delivery", "delivered").await;
    assert_eq!(check(&app, &key, plain, "12345678").await.json()["status"], "approved");
    assert!(app.inbox.list(None, 100).await.unwrap().is_empty(), "nothing is sent");
}

#[tokio::test]
async fn a_provider_that_is_down_delays_the_message_and_loses_nothing() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    app.switch.set(ConsoleMode::Down);
    let id = app.start(&key, TO).await;
    let history = async || {
        let record = countersign_core::id::RecordKey {
            tenant: key.caller.tenant,
            mode: Mode::Live,
            id: id.parse().unwrap(),
        };
        app.context.codes.timeline(record).await.unwrap()
    };
    for _ in 0..300 {
        if history().await.len() > 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(history().await[1].kind.name(), "message_retried");
    assert!(app.inbox.list(None, 10).await.unwrap().is_empty());
    app.switch.set(ConsoleMode::Working);
    app.clock.turn(seconds(2));
    app.message(&id).await;
    app.wait_for(&key, &id, "delivery", "delivered").await;
}

#[tokio::test]
async fn the_operator_port_serves_metrics_and_health_and_nothing_else() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    app.start(&key, TO).await;
    let get = async |path: &str| answer(app.client.get(format!("{}{path}", app.operator_url))).await;
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(get(path).await.status, 200, "{path}");
        assert_eq!(app.send("GET", path, None, None).await.status, 200, "{path} on the API's port");
    }
    let metrics = get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.text.contains("http_server_request_duration_seconds"));
    assert!(!metrics.text.contains("48500500500"));
    assert_eq!(get("/v1/keys").await.status, 404);
    assert_eq!(app.send("GET", "/metrics", None, None).await.status, 404);
}

#[tokio::test]
async fn dev_answers_its_own_machine_only() {
    let app = TestApp::spawn().await;
    let url = format!("{}/dev/messages", app.base_url);
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let refused = answer(app.client.get(&url).header(name, value)).await;
        assert_eq!(refused.status, 403, "{name}");
    }
    assert_eq!(answer(app.client.get(&url)).await.json(), json!([]));
}

#[tokio::test]
async fn messages_of_dev_are_found_by_number() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await;
    let id = app.start(&key, TO).await;
    let message = app.message(&id).await;
    // A shell line sends the second form: an unescaped plus means a space.
    for query in ["to=%2B48500500500", "to=+48500500500"] {
        let found = app.send("GET", &format!("/dev/messages?{query}"), None, None).await.json();
        assert_eq!(found[0]["verification_id"], id.as_str());
        assert_eq!(found[0]["code"], message.code.as_str());
    }
    let other = app.send("GET", "/dev/messages?to=%2B48500500501", None, None).await.json();
    assert_eq!(other, json!([]));
}
