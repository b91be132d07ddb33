//! The API that is compatible with SMSAPI's authenticator.

use super::{TO, client, names, send, wrong};
use crate::{
    app::{Answer, TestApp, TestKey},
    codes::seconds,
};
use countersign_core::{access::scope::Scope, mode::Mode, tenant::profile::Policy};
use futures_util::future::join_all;
use serde_json::{Value, json};

const CREATE: &str = "/mfa/codes";
const VERIFY: &str = "/mfa/codes/verifications";
const NUMBER: &str = "48500500500";

async fn start(app: &TestApp) -> (TestKey, TestKey) {
    let owner = app.tenant("Acme").await;
    let key = client(app, &owner.caller, Mode::Live, &[Scope::CompatSmsapi]).await;
    (owner, key)
}

async fn create(app: &TestApp, key: &TestKey) -> Answer {
    app.post(CREATE, key, json!({ "phone_number": NUMBER })).await
}

async fn verify(app: &TestApp, key: &TestKey, code: &str) -> Answer {
    app.post(VERIFY, key, json!({ "phone_number": NUMBER, "code": code })).await
}

/// The status, `error` and `message` of a refusal, which must have all of SMSAPI's members.
fn refusal(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.header("content-type"), "application/json", "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(names(&body), ["developer_description", "error", "errors", "message"]);
    assert_eq!(body["errors"].is_array(), answer.status == 400, "{body}");
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (answer.status, text("error"), text("message"))
}

#[tokio::test]
async fn a_code_goes_out_comes_back_and_counts_once() {
    let app = TestApp::spawn().await;
    let (_, key) = start(&app).await;
    let made = create(&app, &key).await;
    assert_eq!(made.status, 201, "{made:?}");
    let body = made.json();
    assert_eq!(names(&body), ["code", "from", "id", "phone_number"]);
    assert_eq!(
        (&body["code"], &body["from"], &body["phone_number"]),
        (&Value::Null, &Value::Null, &json!(NUMBER))
    );
    assert!(made.header("ratelimit").contains("number_10m"), "{made:?}");
    let id = body["id"].as_str().unwrap();
    let message = app.message(id).await;
    assert_eq!(message.to, TO);
    let wrong = verify(&app, &key, &wrong(&message.code)).await;
    assert_eq!(refusal(&wrong), (404, "not_found".into(), "Not found".into()));
    let right = verify(&app, &key, &message.code).await;
    assert_eq!((right.status, right.text.as_str()), (204, ""), "{right:?}");
    assert_eq!(right.header("cache-control"), "no-store");
    assert_eq!(verify(&app, &key, &message.code).await.status, 404, "it is said once");
    let nobody = app.post(VERIFY, &key, json!({ "phone_number": "48500500501", "code": "123456" })).await;
    assert_eq!(refusal(&nobody).0, 404);
}

#[tokio::test]
async fn all_bodies_and_both_addresses_say_the_same() {
    let app = TestApp::spawn().await;
    let (_, key) = start(&app).await;
    let csharp = |fields: &[(&str, &str)]| {
        let part = |(name, value): &(&str, &str)| {
            format!(
                "--b1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name={name}\r\n\r\n{value}\r\n"
            )
        };
        fields.iter().map(part).collect::<String>() + "--b1--\r\n"
    };
    let form = |fields: &[(&str, &str)]| serde_urlencoded(fields);
    let json = |fields: &[(&str, &str)]| {
        fields.iter().map(|(n, v)| ((*n).to_owned(), Value::from(*v))).collect::<serde_json::Map<_, _>>()
    };
    for (n, base) in ["", "/api"].into_iter().enumerate() {
        for (m, kind) in [
            "application/json; charset=utf-8",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=\"b1\"",
        ]
        .into_iter()
        .enumerate()
        {
            let number = format!("+4850050{n}{m}01");
            let write = |fields: &[(&str, &str)]| match m {
                0 => Value::Object(json(fields)).to_string(),
                1 => form(fields),
                _ => csharp(fields),
            };
            let fields = [
                ("phone_number", number.as_str()),
                ("content", "Żółw & co: [%code%]"),
                ("fast", "1"),
                ("format", "json"),
            ];
            let made = send(&app, &key, &format!("{base}{CREATE}"), kind, write(&fields)).await;
            assert_eq!(made.status, 201, "{kind}: {made:?}");
            let message = app.message(made.json()["id"].as_str().unwrap()).await;
            assert_eq!(message.text, format!("Żółw & co: {}", message.code), "{kind}");
            let fields =
                [("phone_number", number.as_str()), ("code", message.code.as_str()), ("format", "json")];
            let checked = send(&app, &key, &format!("{base}{VERIFY}"), kind, write(&fields)).await;
            assert_eq!((checked.status, checked.text.as_str()), (204, ""), "{kind}: {checked:?}");
        }
    }
    for (kind, body) in [
        ("application/json", "{"),
        ("application/json", r#"{"phone_number":"48500500500","phone_number":"48500500501"}"#),
        ("application/x-www-form-urlencoded", "phone_number=48500500500&phone_number=48500500501"),
        ("multipart/form-data", "--b1--"),
        ("multipart/form-data; boundary=b1", "nothing"),
    ] {
        assert_eq!(refusal(&send(&app, &key, CREATE, kind, body).await).0, 400, "{kind}: {body}");
    }
    let many = "--b1\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n".repeat(900) + "--b1--";
    assert_eq!(refusal(&send(&app, &key, CREATE, "multipart/form-data; boundary=b1", many).await).0, 400);
    let large =
        refusal(&send(&app, &key, CREATE, "multipart/form-data; boundary=b1", "x".repeat(65_537)).await);
    assert_eq!((large.0, large.1.as_str()), (413, "payload_too_large"));
    let text = refusal(&send(&app, &key, CREATE, "text/plain", "48500500500").await);
    assert_eq!((text.0, text.1.as_str()), (415, "unsupported_media_type"));
}

/// Encodes a form as browsers and `requests` do.
fn serde_urlencoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect()
    };
    let pairs: Vec<_> = fields.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
    pairs.join("&")
}

#[tokio::test]
async fn a_second_call_sends_again_and_other_words_begin_anew() {
    let app = TestApp::spawn().await;
    let (owner, key) = start(&app).await;
    let first = create(&app, &key).await.json();
    let id = first["id"].as_str().unwrap();
    let code = app.message(id).await.code;
    let soon = create(&app, &key).await;
    assert_eq!(refusal(&soon).1, "resend_too_soon");
    assert_eq!((soon.status, soon.header("retry-after")), (429, "30"));
    app.clock.turn(seconds(30));
    let again = create(&app, &key).await;
    assert_eq!((again.status, again.json()["id"].as_str()), (201, Some(id)));
    assert_eq!(app.messages(id, 2).await[0].code, code);
    let other = app.post(CREATE, &key, json!({ "phone_number": NUMBER, "content": "[%code%]" })).await.json();
    let new = app.message(other["id"].as_str().unwrap()).await;
    assert_ne!(other["id"], first["id"]);
    let read = app.get(&format!("/v1/verifications/{id}"), &owner).await.json();
    assert_eq!(read["status"], "canceled");
    // A verification that was started through `/v1` is separate.
    let plain = app.start(&owner, TO).await;
    let by_number = app.post("/v1/checks", &owner, json!({ "to": TO, "code": wrong(&new.code) })).await;
    assert_eq!(by_number.json()["id"], plain);
    assert_eq!(verify(&app, &key, &new.code).await.status, 204);
}

#[tokio::test]
async fn it_expires_after_three_minutes_and_wrong_codes_are_counted() {
    let app = TestApp::spawn().await;
    let (owner, key) = start(&app).await;
    let made = create(&app, &key).await.json();
    let code = app.message(made["id"].as_str().unwrap()).await.code;
    app.clock.turn(seconds(179));
    assert_eq!(refusal(&verify(&app, &key, &wrong(&code)).await).0, 404);
    app.clock.turn(seconds(1));
    assert_eq!(
        refusal(&verify(&app, &key, &code).await),
        (408, "expired".into(), "The code has expired".into())
    );
    // A profile may shorten the validity, but not lengthen it.
    for (life, passed) in [(60, 60), (600, 180)] {
        app.set_policy(&owner.caller, Policy { expires_in: seconds(life), ..Policy::default() }).await;
        let made = create(&app, &key).await.json();
        let code = app.message(made["id"].as_str().unwrap()).await.code;
        app.clock.turn(seconds(passed - 1));
        assert_eq!(verify(&app, &key, &wrong(&code)).await.status, 404);
        app.clock.turn(seconds(1));
        assert_eq!(verify(&app, &key, "123456").await.status, 408, "{life}");
    }
    let made = create(&app, &key).await.json();
    let code = app.message(made["id"].as_str().unwrap()).await.code;
    for _ in 0..5 {
        assert_eq!(verify(&app, &key, &wrong(&code)).await.status, 404);
    }
    assert_eq!(refusal(&verify(&app, &key, &code).await).0, 404, "all tries are used");
    // Ten wrong codes in a row cause a wait.
    let made = create(&app, &key).await.json();
    let code = app.message(made["id"].as_str().unwrap()).await.code;
    for _ in 0..2 {
        verify(&app, &key, &wrong(&code)).await;
    }
    let waits = verify(&app, &key, &code).await;
    assert_eq!(refusal(&waits).1, "guess_limit");
    assert_eq!((waits.status, waits.header("retry-after")), (429, "60"));
}

#[tokio::test]
async fn what_is_wrong_is_said_in_its_form() {
    let app = TestApp::spawn().await;
    let (owner, key) = start(&app).await;
    let say = async |path: &str, body: Value| {
        let answer = app.post(path, &key, body).await;
        let (status, error, message) = refusal(&answer);
        assert_eq!((status, error.as_str()), (400, "invalid_request_data"));
        let errors = answer.json()["errors"].clone();
        assert_eq!(names(&errors[0]), ["error", "message", "path", "value"]);
        (message, errors[0]["path"].as_str().unwrap().to_owned())
    };
    let number = ("The value is not valid mobile number.".to_owned(), "phone_number".to_owned());
    for bad in ["", "123", "48226940000", "48500500500500500", "48 500 500 500"] {
        assert_eq!(say(CREATE, json!({ "phone_number": bad })).await, number, "{bad}");
        assert_eq!(say(VERIFY, json!({ "phone_number": bad, "code": "123456" })).await, number, "{bad}");
    }
    let checks = [("", "MFA code cannot be empty"), ("abc", "MFA code has invalid format")];
    for (code, message) in checks.into_iter().chain([("ABCDEF", "MFA code has invalid format")]) {
        let said = say(VERIFY, json!({ "phone_number": NUMBER, "code": code })).await;
        assert_eq!(said, (message.into(), "code".into()));
    }
    let content = say(CREATE, json!({ "phone_number": NUMBER, "content": "no place" })).await;
    assert_eq!(content, ("content: must hold [%code%] exactly once".into(), "content".into()));
    for from in ["Acme", "48600600600", "not a sender at all"] {
        let said = say(CREATE, json!({ "phone_number": NUMBER, "from": from })).await;
        assert_eq!(said, ("from: names no sender of the tenant".into(), "from".into()), "{from}");
    }
    assert_eq!(say(CREATE, json!({ "phone_number": NUMBER, "idx": "1" })).await.1, "idx");
    app.post("/v1/senders", &owner, json!({ "sender": "Acme" })).await;
    let made = app.post(CREATE, &key, json!({ "phone_number": NUMBER, "from": "Acme" })).await;
    assert_eq!((made.status, &made.json()["from"]), (201, &json!("Acme")));
    assert_eq!(app.message(made.json()["id"].as_str().unwrap()).await.from, "Acme");

    for (path, status) in
        [("/mfa", 404), ("/mfa/nothing", 404), ("/api/nothing", 404), (CREATE, 405), ("/api/ping", 200)]
    {
        let answer = app.get(path, &key).await;
        assert_eq!(answer.status, status, "{path}");
        if status != 200 {
            refusal(&answer);
        }
    }
    let delete = app.send("DELETE", "/api/mfa/codes", Some(&key.text), None).await;
    assert_eq!((refusal(&delete).0, delete.header("allow")), (405, "POST"));
    let none = app.send("POST", CREATE, None, Some(&json!({}))).await;
    assert_eq!(refusal(&none).1, "invalid_key");
    let queried = send(&app, &key, &format!("{CREATE}?format=json"), "application/json", "{}").await;
    assert_eq!(queried.json()["errors"][0]["path"], "phone_number");
    assert_eq!(
        refusal(&send(&app, &key, &format!("{CREATE}?test=1"), "application/json", "{}").await).0,
        400
    );
}

/// A text that cannot be the code gets the same refusal before, during and after a verification, however it
/// ended.
#[tokio::test]
async fn the_form_of_a_code_is_judged_whatever_became_of_the_verification() {
    let app = TestApp::spawn().await;
    let (owner, key) = start(&app).await;
    let malformed = async |bad: &[&str], when: &str| {
        for code in bad {
            let (status, _, message) = refusal(&verify(&app, &key, code).await);
            assert_eq!((status, message.as_str()), (400, "MFA code has invalid format"), "{when}: {code}");
        }
    };
    let bad = ["abc", "ABCDEF", "1", "12345", "1234567", "12345678901", "12345x"];
    let begin = async || {
        let made = create(&app, &key).await;
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let code = app.message(&id).await.code;
        (id, code)
    };
    malformed(&bad, "none was sent").await;
    let (_, code) = begin().await;
    malformed(&bad, "pending").await;
    assert_eq!(verify(&app, &key, &code).await.status, 204, "and no try was used");
    malformed(&bad, "approved").await;
    assert_eq!(verify(&app, &key, &code).await.status, 404);
    let (_, code) = begin().await;
    for _ in 0..5 {
        assert_eq!(verify(&app, &key, &wrong(&code)).await.status, 404);
    }
    malformed(&bad, "exhausted").await;
    let (id, _) = begin().await;
    app.act(&format!("/v1/verifications/{id}/cancel"), &owner).await;
    malformed(&bad, "canceled").await;
    let (_, old) = begin().await;
    // The form is that of the sent code, not of the profile's present settings.
    app.set_policy(&owner.caller, Policy { code_length: 8, ..Policy::default() }).await;
    malformed(&["12345", "12345678"], "pending, of another length than the next one").await;
    assert_eq!(verify(&app, &key, &wrong(&old)).await.status, 404);
    assert_eq!(verify(&app, &key, &old).await.status, 204);
    assert_eq!(verify(&app, &key, &old).await.status, 404);
    malformed(&["12345", "1234567"], "approved, of another length than the next one").await;
    let (_, code) = begin().await;
    app.clock.turn(seconds(180));
    malformed(&["123456", "ABCDEFGH"], "expired").await;
    assert_eq!(verify(&app, &key, &code).await.status, 408);
    app.clock.turn(seconds(900));
    malformed(&["123456", "ABCDEFGH"], "gone").await;
    assert_eq!(verify(&app, &key, &code).await.status, 404);
}

#[tokio::test]
async fn the_code_is_shown_to_a_key_that_may_see_codes() {
    let app = TestApp::spawn().await;
    let (owner, _) = start(&app).await;
    let scopes = [Scope::CompatSmsapi, Scope::CodesReveal];
    let key = client(&app, &owner.caller, Mode::Live, &scopes).await;
    let made = create(&app, &key).await.json();
    let code = made["code"].as_str().unwrap();
    assert_eq!(app.message(made["id"].as_str().unwrap()).await.code, code);
    app.clock.turn(seconds(30));
    assert_eq!(create(&app, &key).await.json()["code"], code, "of a resend too");
    assert_eq!(verify(&app, &key, code).await.status, 204);
    let reveal = client(&app, &owner.caller, Mode::Live, &[Scope::CodesReveal]).await;
    assert_eq!(create(&app, &reveal).await.status, 403);
}

#[tokio::test]
async fn test_mode_and_its_magic_numbers() {
    let app = TestApp::spawn().await;
    let (owner, live) = start(&app).await;
    let key = client(&app, &owner.caller, Mode::Test, &[Scope::CompatSmsapi]).await;
    assert_eq!(create(&app, &key).await.status, 201);
    assert_eq!(verify(&app, &live, "123456").await.status, 404, "live sees nothing of it");
    assert_eq!(verify(&app, &key, "123456").await.status, 204);
    for (number, started, checked) in [
        ("15005550001", 400, 400),
        ("15005550003", 201, 408),
        ("15005550004", 403, 404),
        ("15005550005", 429, 404),
        ("15005550002", 201, 204),
    ] {
        let made = app.post(CREATE, &key, json!({ "phone_number": number })).await;
        assert_eq!(made.status, started, "{number}: {made:?}");
        let found = app.post(VERIFY, &key, json!({ "phone_number": number, "code": "123456" })).await;
        assert_eq!(found.status, checked, "{number}: {found:?}");
    }
}

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let app = TestApp::spawn().await;
    let ((_, ours), (_, theirs)) = (start(&app).await, start(&app).await);
    let made = create(&app, &ours).await.json();
    let code = app.message(made["id"].as_str().unwrap()).await.code;
    assert_eq!(verify(&app, &theirs, &code).await.status, 404);
    assert_eq!(create(&app, &theirs).await.status, 201, "their own");
    assert_eq!(verify(&app, &ours, &code).await.status, 204);
}

#[tokio::test]
async fn sixty_four_calls_at_once_are_one_message() {
    let app = TestApp::spawn().await;
    let (_, key) = start(&app).await;
    let answers = join_all((0..64).map(|_| create(&app, &key))).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 1);
    assert!(answers.iter().all(|answer| [201, 429].contains(&answer.status)));
    let code = app.message(made[0].json()["id"].as_str().unwrap()).await.code;
    assert_eq!(app.inbox.list(None, 100).await.unwrap().len(), 1);
    let checks = join_all((0..64).map(|_| verify(&app, &key, &code))).await;
    assert_eq!(checks.iter().filter(|answer| answer.status == 204).count(), 1);
    assert_eq!(checks.iter().filter(|answer| answer.status == 404).count(), 63);
}

#[tokio::test]
async fn ping_says_whether_a_key_is_accepted() {
    let app = TestApp::spawn().await;
    let (_, key) = start(&app).await;
    for path in ["/ping", "/api/ping"] {
        let known = app.get(path, &key).await;
        assert_eq!(known.json(), json!({ "authorized": true, "unavailable": [] }));
        for unknown in [None, Some("cs_live_nothing")] {
            let answer = app.send("GET", path, unknown, None).await;
            assert_eq!((answer.status, answer.json()["authorized"].as_bool()), (200, Some(false)));
        }
    }
}
