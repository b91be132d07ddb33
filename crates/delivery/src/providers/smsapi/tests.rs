use super::*;
use crate::providers::testing::{
    NUMBER, REFERENCE, assert_silent, fields, form, message, outbound, pairs, receipt, server, value,
};
use serde_json::json;
use wiremock::{MockServer, ResponseTemplate};

const TOKEN: &str = "hunter2hunter2";

fn provider(settings: Value) -> Smsapi {
    Smsapi::new("poland", &settings, &outbound()).unwrap()
}

fn at(server: &MockServer) -> Smsapi {
    provider(json!({"token": TOKEN, "base_url": server.uri()}))
}

fn accepted(id: &str) -> Result<Accepted, SendError> {
    Ok(Accepted { id: Some(id.into()), receipt: None })
}

fn taken() -> ResponseTemplate {
    let sms = json!({"id": "6A1", "points": "0.165", "number": "48500500500", "status": "QUEUE",
        "error": null, "idx": REFERENCE, "parts": 1});
    ResponseTemplate::new(200).set_body_json(json!({"count": 1, "list": [sms]}))
}

fn error(code: i64) -> ResponseTemplate {
    let body = json!({"error": code, "message": "No correct phone numbers", "invalid_numbers": [
        {"number": NUMBER, "submitted_number": "48500500500", "message": "Invalid phone number"},
    ]});
    ResponseTemplate::new(200).set_body_json(body)
}

async fn answer_to(answer: ResponseTemplate) -> Result<Accepted, SendError> {
    at(&server(answer).await).send(&message()).await
}

#[tokio::test]
async fn the_request_names_the_message_and_where_to_report() {
    let server = server(taken()).await;
    assert_eq!(at(&server).send(&message()).await, accepted("6A1"));
    let form = form(&server).await;
    for (name, expected) in [
        ("to", "48500500500"),
        ("from", "Acme"),
        ("message", "123456 is your Acme code. Don't share it."),
        ("format", "json"),
        ("encoding", "utf-8"),
        ("idx", REFERENCE),
        ("check_idx", "1"),
        ("fast", "1"),
        ("max_parts", "3"),
        ("notify_url", "https://otp.example/v1/receipts/4711"),
    ] {
        assert_eq!(value(&form, name), Some(expected), "{name}");
    }
    assert_eq!(form.len(), 10);
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/sms.do"));
    assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn settings_change_the_request() {
    let server = server(taken()).await;
    let settings = json!({"token": TOKEN, "base_url": server.uri(), "from": "Bank", "fast": false,
        "max_parts": 1, "timeout_seconds": 2});
    let mut message = message();
    message.callback = None;
    assert_eq!(provider(settings).send(&message).await, accepted("6A1"));
    let form = form(&server).await;
    assert_eq!(value(&form, "from"), Some("Bank"));
    assert_eq!(value(&form, "idx"), Some(message.message.to_string().as_str()));
    assert_eq!((value(&form, "fast"), value(&form, "notify_url")), (None, None));
}

#[tokio::test]
async fn errors_inside_of_success_say_what_happens_next() {
    let code = |error: &SendError| match error {
        SendError::Retry { .. } => "retry",
        SendError::Reject { .. } => "reject",
        SendError::Decline { .. } => "decline",
        SendError::Throttle { .. } => "throttle",
        SendError::Account { .. } => "account",
        SendError::Unknown { .. } => "unknown",
        SendError::Local(_) => "local",
    };
    for (number, expected) in [
        (13, "reject"),
        (57, "reject"),
        (11, "decline"),
        (12, "decline"),
        (14, "decline"),
        (74, "decline"),
        (112, "decline"),
        (52, "decline"),
        (8, "retry"),
        (201, "retry"),
        (666, "retry"),
        (999, "retry"),
        (202, "throttle"),
        (203, "throttle"),
        (101, "account"),
        (102, "account"),
        (103, "account"),
        (105, "account"),
        (110, "account"),
        (401, "account"),
        (4711, "decline"),
    ] {
        let failure = answer_to(error(number)).await.unwrap_err();
        assert_eq!(code(&failure), expected, "{number}");
        assert!(failure.to_string().contains(&number.to_string()));
        assert_silent(&format!("{failure} {failure:?}"), &[TOKEN]);
    }
    assert_eq!(answer_to(error(53)).await, Ok(Accepted::default()), "it was taken before");
    let inner = json!({"count": 1, "list": [{"id": null, "error": 14}]});
    let failure = answer_to(ResponseTemplate::new(200).set_body_json(inner)).await.unwrap_err();
    assert_eq!(code(&failure), "decline");
    for (status, expected) in [
        (400, "decline"),
        (401, "account"),
        (403, "account"),
        (404, "decline"),
        (429, "throttle"),
        (503, "retry"),
    ] {
        assert_eq!(code(&answer_to(ResponseTemplate::new(status)).await.unwrap_err()), expected, "{status}");
    }
    for body in ["", "OK:6A1", "{}", "{\"list\":[]}", "[]", "{\"error\":\"what\"}"] {
        let failure = answer_to(ResponseTemplate::new(200).set_body_string(body)).await.unwrap_err();
        assert_eq!(code(&failure), "unknown", "{body}");
    }
}

#[tokio::test]
async fn the_backup_is_asked_when_the_first_does_not_answer() {
    let pair = |first: String, second: String| {
        provider(json!({"token": TOKEN, "base_url": first, "backup_url": second, "timeout_seconds": 1}))
    };
    let nobody = || "http://127.0.0.1:1".to_owned();
    let slow = server(ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(9))).await;
    let broken = server(ResponseTemplate::new(502)).await;
    let busy = server(ResponseTemplate::new(503)).await;
    let (well, again) = (server(taken()).await, server(error(53)).await);
    for first in [nobody(), slow.uri(), broken.uri(), busy.uri()] {
        assert_eq!(pair(first.clone(), well.uri()).send(&message()).await, accepted("6A1"));
        assert_eq!(pair(first, again.uri()).send(&message()).await, Ok(Accepted::default()));
    }
    let indexes = well.received_requests().await.unwrap();
    assert!(indexes.iter().all(|request| String::from_utf8_lossy(&request.body).contains(REFERENCE)));

    let unused = server(taken()).await;
    let refused = server(error(103)).await;
    let failure = pair(refused.uri(), unused.uri()).send(&message()).await.unwrap_err();
    assert!(matches!(failure, SendError::Account { .. }));
    assert!(unused.received_requests().await.unwrap().is_empty(), "an answer is an answer");

    // The first host may have accepted the message, so the result is not surely unsent, even if the second is
    // away.
    for first in [slow.uri(), broken.uri()] {
        let failure = pair(first, nobody()).send(&message()).await.unwrap_err();
        assert!(matches!(failure, SendError::Unknown { .. }), "{failure:?}");
    }
    let failure = pair(nobody(), nobody()).send(&message()).await.unwrap_err();
    assert_eq!(failure, SendError::retry("connection failed"));
}

#[test]
fn settings_are_checked_all_at_once() {
    let bad = |settings: Value| Smsapi::new("x", &settings, &outbound()).unwrap_err();
    assert_eq!(fields(&bad(json!({}))), ["token", "service"]);
    let all = json!({"token": "", "service": "de", "base_url": "http://sms.example/x", "backup_url": 1,
        "from": "a".repeat(17), "fast": "yes", "max_parts": 11, "receipt_addresses": ["x"],
        "timeout_seconds": 0, "other": 1});
    let faults = bad(all);
    let expected = [
        "token",
        "service",
        "base_url",
        "backup_url",
        "base_url",
        "from",
        "fast",
        "max_parts",
        "receipt_addresses",
        "timeout_seconds",
        "other",
    ];
    assert_eq!(fields(&faults), expected);
    assert_eq!(fields(&bad(json!({"token": "a\nb", "service": "pl"}))), ["token"]);
    let url = |url: &str| bad(json!({"token": TOKEN, "base_url": url}));
    for text in ["http://10.0.0.1", "https://10.0.0.1", "https://169.254.169.254", "https://a.example/x"] {
        assert_eq!(fields(&url(text)), ["base_url"], "{text}");
    }
    for service in ["com", "pl", "se", "bg"] {
        let provider = provider(json!({"token": TOKEN, "service": service}));
        let host = provider.settings.hosts[0].as_str();
        assert_eq!(host, format!("https://api.smsapi.{service}/sms.do"));
        assert_silent(&format!("{provider:?} {:?}", provider.settings.token), &[TOKEN]);
    }
}

#[test]
fn reports_come_one_by_one_or_in_lists() {
    let open = provider(json!({"token": TOKEN, "service": "pl"}));
    let query =
        pairs(&[("MsgId", "6A1"), ("status", "404"), ("status_name", "DELIVERED"), ("idx", REFERENCE)]);
    let receipts = open.receipts(&receipt("GET", &query)).unwrap();
    assert_eq!(receipts.answer, "OK");
    let expected = Report {
        reference: Some(REFERENCE.into()),
        id: Some("6A1".into()),
        outcome: ReportOutcome::Delivered,
        code: "404".into(),
    };
    assert_eq!(receipts.reports, [expected]);

    let query = pairs(&[("MsgId", "6A1,6A2,6A3"), ("status", "403,405,408"), ("idx", "a,,c")]);
    let reports = open.receipts(&receipt("GET", &query)).unwrap().reports;
    let read: Vec<_> = reports.iter().map(|one| (one.reference.as_deref(), one.outcome)).collect();
    let (progress, undelivered) = (ReportOutcome::Progress, ReportOutcome::Undelivered);
    assert_eq!(read, [(Some("a"), progress), (None, undelivered), (Some("c"), progress)]);

    let many = vec!["1"; MOST_REPORTS + 1].join(",");
    for query in [
        pairs(&[]),
        pairs(&[("MsgId", "6A1")]),
        pairs(&[("status", "404")]),
        pairs(&[("MsgId", "6A1,6A2"), ("status", "404")]),
        pairs(&[("MsgId", ""), ("status", "404")]),
        pairs(&[("MsgId", &many), ("status", &many)]),
    ] {
        assert_eq!(open.receipts(&receipt("GET", &query)), Err(ReceiptError::Unreadable), "{query:?}");
    }
}

#[test]
fn reports_come_from_the_listed_addresses() {
    let query = pairs(&[("MsgId", "6A1"), ("status", "404")]);
    let from = |networks: Value| {
        let settings = json!({"token": TOKEN, "service": "pl", "receipt_addresses": networks});
        provider(settings).receipts(&receipt("GET", &query)).map(|receipts| receipts.reports.len())
    };
    assert_eq!(from(json!([])), Ok(1));
    assert_eq!(from(json!(["198.51.100.0/24"])), Ok(1));
    assert_eq!(from(json!(["203.0.113.1", "2001:db8::/32"])), Err(ReceiptError::Forged));
}

#[test]
fn every_status_has_its_outcome() {
    let of = |wanted: ReportOutcome| {
        (401..=412).filter(move |status| outcome(&status.to_string()) == wanted).collect::<Vec<_>>()
    };
    assert_eq!(of(ReportOutcome::Delivered), [404]);
    assert_eq!(of(ReportOutcome::Undelivered), [401, 402, 405, 406, 407, 412]);
    assert_eq!(of(ReportOutcome::Progress), [403, 408, 409, 410, 411]);
}
