use super::*;
use crate::providers::testing::{
    Fixed, NUMBER, REFERENCE, assert_silent, fields, form, message, outbound, pairs, receipt, server, value,
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use wiremock::{MockServer, ResponseTemplate};

const TOKEN: &str = "hunter2hunter2";
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const KEY: &str = "SK0123456789abcdef0123456789abcdef";
const SERVICE: &str = "MG0123456789abcdef0123456789abcdef";

fn build(settings: &Value) -> Result<Twilio, Vec<Fault>> {
    Twilio::new("world", settings, &outbound(), Arc::new(Fixed))
}

fn provider(settings: Value) -> Twilio {
    build(&settings).unwrap()
}

fn at(server: &MockServer) -> Twilio {
    provider(json!({"account_sid": ACCOUNT, "auth_token": TOKEN, "base_url": server.uri()}))
}

fn taken() -> ResponseTemplate {
    let body = json!({"sid": "SM1", "status": "queued", "error_code": null, "to": NUMBER});
    ResponseTemplate::new(201).set_body_json(body)
}

fn error(status: u16, code: i64) -> ResponseTemplate {
    let body = json!({"code": code, "message": format!("The number {NUMBER} is not valid."),
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"), "status": status});
    ResponseTemplate::new(status).set_body_json(body)
}

async fn answer_to(answer: ResponseTemplate) -> Result<Accepted, SendError> {
    at(&server(answer).await).send(&message()).await
}

#[tokio::test]
async fn the_request_is_of_the_account_and_ends_with_the_code() {
    let server = server(taken()).await;
    let answer = at(&server).send(&message()).await;
    assert_eq!(answer, Ok(Accepted { id: Some("SM1".into()), receipt: None }));
    let form = form(&server).await;
    let callback = format!("https://otp.example/v1/receipts/4711?ref={REFERENCE}");
    for (name, expected) in [
        ("To", NUMBER),
        ("From", "Acme"),
        ("Body", "123456 is your Acme code. Don't share it."),
        ("ValidityPeriod", "300"),
        ("StatusCallback", &callback),
    ] {
        assert_eq!(value(&form, name), Some(expected), "{name}");
    }
    assert_eq!(form.len(), 5);
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!(request.url.path(), format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    let basic = STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
    assert_eq!(request.headers["authorization"], format!("Basic {basic}"));
}

#[tokio::test]
async fn with_an_api_key_alone_no_report_is_asked_for() {
    let server = server(taken()).await;
    let twilio = provider(json!({"account_sid": ACCOUNT, "api_key_sid": KEY, "api_key_secret": TOKEN,
        "messaging_service_sid": SERVICE, "base_url": server.uri()}));
    twilio.send(&message()).await.unwrap();
    let form = form(&server).await;
    assert_eq!(value(&form, "MessagingServiceSid"), Some(SERVICE));
    assert_eq!((value(&form, "From"), value(&form, "StatusCallback")), (None, None));
    let basic = STANDARD.encode(format!("{KEY}:{TOKEN}"));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.headers["authorization"], format!("Basic {basic}"));
    assert_eq!(twilio.receipts(&receipt("POST", &[])), Err(ReceiptError::Unsupported));
}

#[tokio::test]
async fn errors_say_what_happens_next() {
    type Class = fn(&SendError) -> bool;
    let reject: Class = |error| matches!(error, SendError::Reject { .. });
    let decline: Class = |error| matches!(error, SendError::Decline { .. });
    let account: Class = |error| matches!(error, SendError::Account { .. });
    let throttle: Class = |error| matches!(error, SendError::Throttle { .. });
    let retry: Class = |error| matches!(error, SendError::Retry { .. });
    let unknown: Class = |error| matches!(error, SendError::Unknown { .. });
    for (codes, status, class) in [
        (&[21211, 21614, 21217, 21610][..], 400, reject),
        (&[21408, 21606, 21659, 21612, 21267, 21608, 21703], 400, decline),
        (&[20003, 20005, 20006], 401, account),
        (&[30002, 63038], 400, account),
        (&[20429, 14107], 429, throttle),
        (&[21611], 400, throttle),
        (&[99999], 400, decline),
        (&[20500], 500, unknown),
        (&[20503], 503, retry),
    ] {
        for code in codes {
            let failure = answer_to(error(status, *code)).await.unwrap_err();
            assert!(class(&failure), "{code} {failure:?}");
            assert_silent(&format!("{failure} {failure:?}"), &[TOKEN]);
        }
    }
    for (status, class) in
        [(401, account), (404, decline), (429, throttle), (302, account), (500, unknown), (503, retry)]
    {
        assert!(class(&answer_to(ResponseTemplate::new(status)).await.unwrap_err()), "{status}");
    }
    let waits = error(429, 20429).insert_header("retry-after", "3");
    let after = Some(Duration::from_secs(3));
    assert!(matches!(answer_to(waits).await, Err(SendError::Throttle { after: told, .. }) if told == after));
    let failed = ResponseTemplate::new(201).set_body_json(json!({"sid": "SM1", "error_code": 21610}));
    assert!(reject(&answer_to(failed).await.unwrap_err()));
    assert!(unknown(&answer_to(ResponseTemplate::new(201)).await.unwrap_err()));
    let slow = server(taken().set_delay(Duration::from_secs(9))).await;
    let settings = json!({"account_sid": ACCOUNT, "auth_token": TOKEN, "base_url": slow.uri(),
        "timeout_seconds": 1});
    assert!(unknown(&provider(settings).send(&message()).await.unwrap_err()));
    let nobody = json!({"account_sid": ACCOUNT, "auth_token": TOKEN, "base_url": "http://127.0.0.1:1"});
    assert!(retry(&provider(nobody).send(&message()).await.unwrap_err()));
}

#[test]
fn settings_are_checked_all_at_once() {
    let bad = |settings: Value| build(&settings).unwrap_err();
    assert_eq!(fields(&bad(json!({}))), ["account_sid", "auth_token"]);
    let all = json!({"account_sid": "AC12", "auth_token": 7, "api_key_sid": KEY, "from": "a", "other": 1,
        "messaging_service_sid": SERVICE, "base_url": "https://127.0.0.2", "timeout_seconds": 31});
    let faults = bad(all);
    let expected =
        ["account_sid", "auth_token", "api_key_secret", "from", "base_url", "timeout_seconds", "other"];
    assert_eq!(fields(&faults), expected);
    let secret = json!({"account_sid": ACCOUNT, "api_key_secret": TOKEN});
    assert_eq!(fields(&bad(secret)), ["api_key_sid"]);
    let twilio = provider(json!({"account_sid": ACCOUNT, "auth_token": TOKEN}));
    assert!(twilio.settings.url.as_str().starts_with("https://api.twilio.com/2010-04-01/Accounts/AC"));
    assert_silent(&format!("{twilio:?} {:?}", twilio.settings.auth_token), &[TOKEN]);
}

#[test]
fn a_message_is_of_use_until_its_code_ends() {
    let at = Timestamp::from_millis;
    assert_eq!(validity(at(10_001), at(0)), 11);
    assert_eq!(validity(at(0), at(10_000)), 1);
    assert_eq!(validity(at(i64::from(u32::MAX)), at(0)), MAX_VALIDITY);
}

/// A report as Twilio sends it, signed with `token`.
fn report(token: &str, body: &str) -> Result<Receipts, ReceiptError> {
    let url = format!("https://otp.example/v1/receipts/4711?ref={REFERENCE}");
    let mut form: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    form.sort();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    form.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
    let headers = pairs(&[("x-twilio-signature", &STANDARD.encode(mac.finalize().into_bytes()))]);
    let query = pairs(&[("ref", REFERENCE)]);
    let request = ReceiptRequest {
        url: &url,
        headers: &headers,
        content_type: "application/x-www-form-urlencoded",
        body: body.as_bytes(),
        ..receipt("POST", &query)
    };
    provider(json!({"account_sid": ACCOUNT, "auth_token": TOKEN})).receipts(&request)
}

#[test]
fn signed_reports_are_read() {
    let (delivered, undelivered) = (ReportOutcome::Delivered, ReportOutcome::Undelivered);
    for (status, error, outcome, code) in [
        ("delivered", "", delivered, "delivered"),
        ("read", "", delivered, "read"),
        ("undelivered", "&ErrorCode=30003", undelivered, "30003"),
        ("failed", "&ErrorCode=", undelivered, "failed"),
        ("canceled", "", undelivered, "canceled"),
        ("queued", "", ReportOutcome::Progress, "queued"),
        ("sent", "", ReportOutcome::Progress, "sent"),
        ("something new", "", ReportOutcome::Progress, "something new"),
    ] {
        let status = status.replace(' ', "+");
        let body = format!("MessageSid=SM1&MessageStatus={status}&To=%2B48500500500{error}");
        let receipts = report(TOKEN, &body).unwrap();
        let (reference, id) = (Some(REFERENCE.to_owned()), Some("SM1".to_owned()));
        assert_eq!(receipts.reports, [Report { reference, id, outcome, code: code.into() }]);
    }
    assert_eq!(report("another", "MessageSid=SM1&MessageStatus=sent"), Err(ReceiptError::Forged));
    assert_eq!(report(TOKEN, "MessageSid=SM1"), Err(ReceiptError::Unreadable));
}

/// The signatures that Twilio's own library made or refused: tests/twilio/signatures.py.
#[test]
fn signatures_are_judged_as_by_twilios_library() {
    let text = include_str!("../../../../../tests/twilio/signatures.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let twilio = provider(json!({"account_sid": ACCOUNT, "auth_token": all["token"]}));
    let requests = all["requests"].as_array().unwrap();
    assert!(requests.len() >= 200);
    for one in requests {
        let field = |name: &str| one[name].as_str().unwrap();
        let headers = pairs(&[("X-Twilio-Signature", field("signature"))]);
        let request = ReceiptRequest {
            url: field("url"),
            headers: &headers,
            content_type: field("type"),
            body: field("body").as_bytes(),
            ..receipt("POST", &[])
        };
        let taken = twilio.receipts(&request).map(|receipts| receipts.reports.len());
        let is_form = field("type") == "application/x-www-form-urlencoded";
        match (one["valid"].as_bool().unwrap(), is_form) {
            (true, true) => assert_eq!(taken, Ok(1), "{one}"),
            (false, true) => assert_eq!(taken, Err(ReceiptError::Forged), "{one}"),
            // The URL contains the hash of the body and is signed, but JSON is not a report.
            (true, false) => assert_eq!(taken, Err(ReceiptError::Unreadable), "{one}"),
            (false, false) => assert!(taken.is_err(), "{one}"),
        }
    }
}
