use super::*;
use crate::{
    providers::testing::{
        NUMBER, REFERENCE, assert_silent, fields, form, message, outbound, pairs, receipt, server, value,
    },
    receipt::{Report, ReportOutcome},
};
use serde_json::json;
use wiremock::{MockServer, Request, ResponseTemplate};

mod places;

fn build(settings: &Value) -> Result<Http, Vec<Fault>> {
    Http::new("gateway", settings, &outbound())
}

fn provider(settings: Value) -> Http {
    build(&settings).unwrap()
}

/// The settings for a gateway at `url`, with additional fields.
fn gateway(url: &str, more: Value) -> Value {
    let mut settings = json!({
        "url": format!("{url}/send"), "content_type": "json", "body": {"to": "{to}", "text": "{text}"},
        "headers": {"X-Api-Key": "{secret.key}"}, "secrets": {"key": "hunter2"},
    });
    crate::providers::merge::merge(&mut settings, &more);
    settings
}

async fn request(server: &MockServer) -> Request {
    let mut requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    requests.remove(0)
}

async fn answer_to(answer: ResponseTemplate, rules: Value) -> Result<Accepted, SendError> {
    let server = server(answer).await;
    provider(gateway(&server.uri(), json!({"answer": rules}))).send(&message()).await
}

fn class(answer: &Result<Accepted, SendError>) -> &'static str {
    match answer {
        Ok(_) => "accepted",
        Err(SendError::Retry { .. }) => "retry",
        Err(SendError::Reject { .. }) => "reject",
        Err(SendError::Decline { .. }) => "decline",
        Err(SendError::Throttle { .. }) => "throttle",
        Err(SendError::Account { .. }) => "account",
        Err(SendError::Unknown { .. }) => "unknown",
        Err(SendError::Local(_)) => "local",
    }
}

#[tokio::test]
async fn a_template_makes_the_request() {
    let server = server(ResponseTemplate::new(200)).await;
    let settings = gateway(
        &server.uri(),
        json!({
            "method": "PUT", "url": format!("{}/a/{{secret.key}}/send?id={{id}}", server.uri()),
            "basic": {"username": "me", "password": "{secret.key}"}, "from": "Bank",
            "body": {"from": "{from}", "to": ["{to_digits}"], "n": 7, "hook": "{callback_url}", "ref": "{reference}"},
            "receipts": {"status": "s", "delivered": ["1"]},
        }),
    );
    assert_eq!(provider(settings).send(&message()).await, Ok(Accepted::default()));
    let request = request(&server).await;
    let id = message().message.to_string();
    assert_eq!((request.method.as_str(), request.url.path()), ("PUT", "/a/hunter2/send"));
    assert_eq!(request.url.query(), Some(format!("id={id}").as_str()));
    assert_eq!(request.headers["x-api-key"], "hunter2");
    assert_eq!(request.headers["authorization"], "Basic bWU6aHVudGVyMg==");
    assert_eq!(request.headers["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({"from": "Bank", "to": ["48500500500"], "n": 7, "ref": REFERENCE, "to": ["48500500500"],
        "text": "123456 is your Acme code. Don't share it.",
        "hook": format!("https://otp.example/v1/receipts/4711?ref={REFERENCE}")});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn forms_texts_and_queries_too() {
    let by_form = server(ResponseTemplate::new(200)).await;
    let more =
        json!({"content_type": "form", "body": {"to": "{to}", "text": "{text}", "hook": "{callback_url}"}});
    provider(gateway(&by_form.uri(), more)).send(&message()).await.unwrap();
    let form = form(&by_form).await;
    assert_eq!(value(&form, "to"), Some(NUMBER));
    assert_eq!(value(&form, "text"), Some("123456 is your Acme code. Don't share it."));
    assert_eq!(value(&form, "hook"), None, "reports that cannot be read are not asked for");

    let by_text = server(ResponseTemplate::new(200)).await;
    let more = json!({"content_type": "text", "body": "{to}\n{text}"});
    provider(gateway(&by_text.uri(), more)).send(&message()).await.unwrap();
    let request = request(&by_text).await;
    assert_eq!(request.body, format!("{NUMBER}\n123456 is your Acme code. Don't share it.").as_bytes());
    assert_eq!(request.headers["content-type"], "text/plain; charset=utf-8");

    let by_query = server(ResponseTemplate::new(200)).await;
    let url = format!("{}/send?to={{to}}&text={{text}}", by_query.uri());
    let settings = json!({"method": "GET", "url": url});
    provider(settings).send(&message()).await.unwrap();
    let request = self::request(&by_query).await;
    let query: Vec<_> = request.url.query_pairs().into_owned().collect();
    assert_eq!(value(&query, "to"), Some(NUMBER));
    assert_eq!(value(&query, "text"), Some("123456 is your Acme code. Don't share it."));
}

#[tokio::test]
async fn statuses_have_defaults_that_can_be_changed() {
    for (status, expected) in [
        (200, "accepted"),
        (204, "accepted"),
        (302, "account"),
        (400, "decline"),
        (401, "account"),
        (402, "account"),
        (403, "account"),
        (404, "decline"),
        (408, "retry"),
        (422, "decline"),
        (429, "throttle"),
        (500, "unknown"),
        (502, "unknown"),
        (503, "retry"),
        (504, "unknown"),
    ] {
        let answer = answer_to(ResponseTemplate::new(status), json!({})).await;
        assert_eq!(class(&answer), expected, "{status}");
        assert_silent(&format!("{answer:?}"), &["hunter2"]);
    }
    let rules =
        json!({"accepted": [202], "reject": [404], "retry": [500], "throttle": [420], "unknown": [200]});
    for (status, expected) in [
        (202, "accepted"),
        (200, "unknown"),
        (201, "unknown"),
        (404, "reject"),
        (500, "retry"),
        (420, "throttle"),
    ] {
        let answer = answer_to(ResponseTemplate::new(status), rules.clone()).await;
        assert_eq!(class(&answer), expected, "{status}");
    }
    let slow = server(ResponseTemplate::new(200).set_delay(Duration::from_secs(9))).await;
    let answer = provider(gateway(&slow.uri(), json!({"timeout_seconds": 1}))).send(&message()).await;
    assert_eq!(class(&answer), "unknown");
    assert_eq!(class(&provider(gateway("http://127.0.0.1:1", json!({}))).send(&message()).await), "retry");
}

#[tokio::test]
async fn a_code_in_the_answer_says_more_than_the_status() {
    let rules = json!({"id": "/a/0/id", "id_header": "X-Id", "code": "/a/0/code",
        "codes": {"accepted": ["0", "ok"], "throttle": ["1"], "reject": ["7"], "account": ["true"]}});
    let body = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    let code = |code: Value| body(json!({"a": [{"code": code, "id": 12}]}));
    for (answer, expected) in [
        (code(json!("0")), "accepted"),
        (code(json!(0)), "accepted"),
        (code(json!("ok")), "accepted"),
        (code(json!(1)), "throttle"),
        (code(json!("7")), "reject"),
        (code(json!(true)), "account"),
        (code(json!("48500500500")), "decline"),
        (code(json!(null)), "unknown"),
        (body(json!([])), "unknown"),
        (ResponseTemplate::new(200).set_body_string("0"), "unknown"),
        (ResponseTemplate::new(400).set_body_json(json!({"a": [{"code": 7}]})), "reject"),
        (ResponseTemplate::new(500).set_body_json(json!({"a": [{"code": 0}]})), "unknown"),
    ] {
        let answer = answer_to(answer, rules.clone()).await;
        assert_eq!(class(&answer), expected, "{answer:?}");
        assert_silent(&format!("{answer:?}"), &["hunter2"]);
    }
    let id = |answer: Result<Accepted, SendError>| answer.unwrap().id;
    assert_eq!(id(answer_to(code(json!(0)), rules.clone()).await).as_deref(), Some("12"));
    let by_header = body(json!({"a": [{"code": 0}]})).insert_header("x-id", "h1");
    assert_eq!(id(answer_to(by_header, rules.clone()).await).as_deref(), Some("h1"));
    assert_eq!(id(answer_to(body(json!({"a": [{"code": 0}]})), rules).await), None);
}

#[test]
fn settings_are_checked_all_at_once() {
    let bad = |settings: Value| fields(&build(&settings).unwrap_err()).join(" ");
    let good = |more: Value| gateway("https://sms.example", more);
    assert_eq!(bad(json!({})), "url");
    assert_eq!(bad(json!({"preset": "fax"})), "preset");
    assert_eq!(bad(json!({"preset": "vonage"})), "secrets.api_key secrets.api_secret");
    assert_eq!(bad(json!({"preset": "plivo", "secrets": {"auth_id": "x"}})), "secrets.auth_token");
    assert_eq!(bad(json!({"preset": "sinch", "url": "https://10.0.0.1/{secret.x}"})), "url");
    for (more, expected) in [
        (json!({"method": "DELETE"}), "method"),
        (json!({"method": "GET"}), "body"),
        (json!({"url": "http://sms.example:x"}), "url"),
        (json!({"url": "https://{from}.example"}), "url"),
        (json!({"url": "https://sms.example/a/../{to}"}), "url"),
        (json!({"url": "https://sms.example/{to}#x"}), "url"),
        (json!({"url": "https://sms.example/?u={callback_url}"}), "url"),
        (json!({"url": "https://sms.example/{code}"}), "url"),
        (json!({"headers": {"Host": "x"}}), "headers"),
        (json!({"headers": {"X Y": "x"}}), "headers"),
        (json!({"headers": {"X": "a\r\nb"}}), "headers"),
        (json!({"headers": {"X": "ż"}}), "headers"),
        (json!({"headers": {"Authorization": "Bearer hunter2"}}), "headers"),
        (json!({"basic": {"username": "{secret.key}", "password": "hunter2"}}), "basic.password"),
        (json!({"basic": {"username": "me"}}), "basic.password"),
        (json!({"content_type": "xml"}), "content_type"),
        (json!({"content_type": null}), "content_type"),
        (json!({"content_type": "form", "body": {"n": 7}}), "body"),
        (json!({"content_type": "text"}), "body"),
        (json!({"body": {"text": "hi"}}), "body"),
        (json!({"body": {"to": "hi"}}), "body"),
        (json!({"body": {"x": "{"}}), "body"),
        (json!({"body": {"x": "{secret.other}"}}), "secrets.other"),
        (json!({"secrets": {"Key": "x"}}), "secrets"),
        (json!({"secrets": {"key": "***"}}), "secrets.key"),
        (json!({"secrets": {"key": "a\nb"}}), "secrets.key"),
        (json!({"answer": {"accepted": ["200"], "id": "id", "x": 1}}), "answer.accepted answer.id answer.x"),
        (json!({"answer": {"code": "/c"}}), "answer.codes"),
        (json!({"answer": {"codes": {"accepted": ["0"]}}}), "answer.code"),
        (json!({"receipts": {}}), "receipts.status receipts.delivered"),
        (json!({"receipts": {"status": "s", "delivered": ["1"], "header": "X"}}), "receipts.secret"),
        (
            json!({"receipts": {"status": "s", "delivered": ["1"], "header": "X", "secret": "other"}}),
            "receipts.secret",
        ),
        (json!({"timeout_seconds": 0, "from": "", "x": 1}), "from timeout_seconds x"),
    ] {
        assert_eq!(bad(good(more.clone())), expected, "{more}");
        assert_silent(&format!("{:?}", build(&good(more)).unwrap_err()), &["hunter2"]);
    }
    assert_silent(&format!("{:?}", provider(good(json!({})))), &["hunter2"]);
}

fn report(id: Option<&str>, outcome: ReportOutcome, code: &str) -> Report {
    Report { reference: Some(REFERENCE.into()), id: id.map(str::to_owned), outcome, code: code.into() }
}

#[test]
fn reports_are_read_from_query_form_and_json() {
    let rules = json!({"receipts": {"reference": "/m/ref", "id": "id", "status": "/m/state", "code": "/m/error",
        "delivered": ["ok"], "undelivered": ["5"]}});
    let by_json = provider(gateway("https://sms.example", rules));
    let read = |body: &str| {
        let request = ReceiptRequest { body: body.as_bytes(), ..receipt("POST", &[]) };
        by_json.receipts(&request).map(|receipts| (receipts.answer, receipts.reports[0].clone()))
    };
    let body = json!({"id": 7, "m": {"ref": REFERENCE, "state": "ok", "error": 0}}).to_string();
    assert_eq!(read(&body), Ok(("OK", report(Some("7"), ReportOutcome::Delivered, "0"))));
    let body = json!({"m": {"ref": REFERENCE, "state": 5}}).to_string();
    assert_eq!(read(&body), Ok(("OK", report(None, ReportOutcome::Undelivered, "5"))));
    let body = json!({"m": {"ref": REFERENCE, "state": "queued"}}).to_string();
    assert_eq!(read(&body), Ok(("OK", report(None, ReportOutcome::Progress, "queued"))));
    for body in ["", "[]", "{\"m\":{\"state\":\"ok\"}}", "{\"id\":7}"] {
        assert_eq!(read(body), Err(ReceiptError::Unreadable), "{body}");
    }

    let rules = json!({"receipts": {"id": "id", "status": "state", "delivered": ["ok"]}});
    let by_name = provider(gateway("https://sms.example", rules));
    let query = pairs(&[("ref", REFERENCE), ("state", "ok")]);
    let of_query = by_name.receipts(&receipt("GET", &query)).unwrap();
    assert_eq!(of_query.reports, [report(None, ReportOutcome::Delivered, "ok")]);
    let query = pairs(&[("ref", REFERENCE)]);
    let posted = ReceiptRequest {
        content_type: "application/x-www-form-urlencoded",
        body: b"state=ok&id=a+b",
        ..receipt("POST", &query)
    };
    let expected = report(Some("a b"), ReportOutcome::Delivered, "ok");
    assert_eq!(by_name.receipts(&posted).unwrap().reports, [expected]);
    let none = provider(gateway("https://sms.example", json!({})));
    assert_eq!(none.receipts(&posted), Err(ReceiptError::Unsupported));
}

#[test]
fn reports_may_need_an_address_and_a_secret() {
    let query = pairs(&[("ref", REFERENCE), ("state", "ok")]);
    let rules = |address: &str| {
        json!({"receipts": {"status": "state", "delivered": ["ok"], "header": "X-Token",
        "secret": "key", "addresses": [address]}})
    };
    let read = |address: &str, token: &str| {
        let headers = pairs(&[("x-token", token)]);
        let request = ReceiptRequest { headers: &headers, ..receipt("GET", &query) };
        provider(gateway("https://sms.example", rules(address))).receipts(&request).map(|_| ())
    };
    assert_eq!(read("198.51.100.0/24", "hunter2"), Ok(()));
    assert_eq!(read("198.51.100.0/24", "hunter3"), Err(ReceiptError::Forged));
    assert_eq!(read("203.0.113.7", "hunter2"), Err(ReceiptError::Forged));
    let bare = provider(gateway("https://sms.example", rules("0.0.0.0/0")));
    assert_eq!(bare.receipts(&receipt("GET", &query)), Err(ReceiptError::Forged));
}

#[tokio::test]
async fn presets_speak_as_their_services() {
    let callback = format!("https://otp.example/v1/receipts/4711?ref={REFERENCE}");
    let text = "123456 is your Acme code. Don't share it.";
    for (preset, secrets, path, answer, id, expected) in [
        (
            "vonage",
            json!({"api_key": "k1", "api_secret": "s1"}),
            "/sms/json",
            (
                200,
                json!({"message-count": "1", "messages": [{"to": "48500500500", "message-id": "V1", "status": "0"}]}),
            ),
            "V1",
            json!({"api_key": "k1", "api_secret": "s1", "from": "Acme", "to": "48500500500", "text": text,
                "client-ref": REFERENCE, "callback": callback}),
        ),
        (
            "plivo",
            json!({"auth_id": "MA1", "auth_token": "t1"}),
            "/v1/Account/MA1/Message/",
            (202, json!({"message": "message(s) queued", "message_uuid": ["P1"], "api_id": "x"})),
            "P1",
            json!({"src": "Acme", "dst": "48500500500", "text": text, "url": callback}),
        ),
        (
            "sinch",
            json!({"service_plan_id": "sp1", "api_token": "t1"}),
            "/xms/v1/sp1/batches",
            (201, json!({"id": "S1", "to": ["48500500500"]})),
            "S1",
            json!({"from": "Acme", "to": ["48500500500"], "body": text, "delivery_report": "per_recipient",
                "client_reference": REFERENCE, "callback_url": callback}),
        ),
    ] {
        let server = server(ResponseTemplate::new(answer.0).set_body_json(answer.1)).await;
        let shipped = preset::apply(&json!({"preset": preset})).unwrap()["url"].as_str().unwrap().to_owned();
        let (_, rest) = shipped.split_once("://").unwrap();
        let url = format!("{}{}", server.uri(), &rest[rest.find('/').unwrap()..]);
        let provider = provider(json!({"preset": preset, "secrets": secrets, "url": url}));
        let answer = provider.send(&message()).await;
        assert_eq!(answer, Ok(Accepted { id: Some(id.into()), receipt: None }), "{preset}");
        let request = request(&server).await;
        assert_eq!((request.method.as_str(), request.url.path()), ("POST", path));
        assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), expected, "{preset}");
    }
    let server =
        server(ResponseTemplate::new(200).set_body_json(json!({"messages": [{"status": "9"}]}))).await;
    let secrets = json!({"api_key": "k1", "api_secret": "s1"});
    let vonage = provider(json!({"preset": "vonage", "secrets": secrets, "url": server.uri()}));
    assert_eq!(class(&vonage.send(&message()).await), "account");
}

#[test]
fn presets_read_the_reports_of_their_services() {
    let built = |preset: &str, secrets: Value| provider(json!({"preset": preset, "secrets": secrets}));
    let vonage = built("vonage", json!({"api_key": "k", "api_secret": "s"}));
    let query =
        pairs(&[("messageId", "V1"), ("status", "failed"), ("err-code", "6"), ("client-ref", REFERENCE)]);
    let reports = vonage.receipts(&receipt("GET", &query)).unwrap().reports;
    assert_eq!(reports, [report(Some("V1"), ReportOutcome::Undelivered, "6")]);

    let plivo = built("plivo", json!({"auth_id": "a", "auth_token": "t"}));
    let query = pairs(&[("ref", REFERENCE)]);
    let posted = ReceiptRequest {
        content_type: "application/x-www-form-urlencoded",
        body: b"MessageUUID=P1&Status=delivered&ErrorCode=000&To=48500500500",
        ..receipt("POST", &query)
    };
    let reports = plivo.receipts(&posted).unwrap().reports;
    assert_eq!(reports, [report(Some("P1"), ReportOutcome::Delivered, "000")]);

    let sinch = built("sinch", json!({"service_plan_id": "s", "api_token": "t"}));
    let body = json!({"type": "recipient_delivery_report_sms", "batch_id": "S1", "recipient": "48500500500",
        "code": 401, "status": "Dispatched", "client_reference": REFERENCE})
    .to_string();
    let posted =
        ReceiptRequest { content_type: "application/json", body: body.as_bytes(), ..receipt("POST", &[]) };
    let reports = sinch.receipts(&posted).unwrap().reports;
    assert_eq!(reports, [report(Some("S1"), ReportOutcome::Progress, "401")]);
}
