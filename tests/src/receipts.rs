//! Receipts that providers send over HTTP.

use crate::{
    app::{TestApp, TestKey},
    codes::{number, seconds},
};
use countersign_core::{
    acts::receipts::path_secret,
    delivery::account::ProviderAccount,
    management::{providers::read_provider, routes::RouteChange},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// A server with a tenant whose messages go through an account of this kind, to a local server.
async fn app(
    kind: &str,
    answer: Value,
    settings: impl Fn(&str) -> Value,
) -> (TestApp, TestKey, MockServer, ProviderAccount) {
    let server = MockServer::start().await;
    let template = ResponseTemplate::new(200).set_body_json(answer);
    Mock::given(any()).respond_with(template).mount(&server).await;
    let app = TestApp::spawn_with(|settings| {
        settings.delivery.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        settings.server.public_url = Some("https://sms.example.com".to_owned());
    })
    .await;
    let key = app.tenant("Acme").await;
    let account = app.verified_account(&key, ("gateway", kind), settings(&server.uri())).await;
    app.route(&key, "gateway", account.id, RouteChange::default()).await;
    (app, key, server, account)
}

fn path(app: &TestApp, account: &ProviderAccount) -> String {
    let secret = path_secret(&app.context.keyring, account);
    format!("/receipts/{}/{}/{secret}", account.tenant, account.id)
}

/// The forms that the provider got, once there are `count`.
async fn sent(server: &MockServer, count: usize) -> Vec<Vec<(String, String)>> {
    for _ in 0..300 {
        let requests = server.received_requests().await.unwrap();
        if requests.len() >= count {
            let form = |body: &[u8]| {
                let url = format!("http://form/?{}", std::str::from_utf8(body).unwrap());
                reqwest::Url::parse(&url).unwrap().query_pairs().into_owned().collect()
            };
            return requests.iter().map(|request| form(&request.body)).collect();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the provider was not asked {count} times");
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smsapi_reports_batches_and_hears_ok() {
    let answer = json!({"count": 1, "list": [{"id": "1", "points": 0.1, "number": "48", "status": "QUEUE", "error": null}]});
    let (app, key, server, account) =
        app("smsapi", answer, |url| json!({"token": "hunter2", "base_url": url})).await;
    let ids = [app.start(&key, &number(1)).await, app.start(&key, &number(2)).await];
    let forms = sent(&server, 2).await;
    for id in &ids {
        app.wait_for(&key, id, "delivery", "sent").await;
    }
    let path = path(&app, &account);
    let notify = field(&forms[0], "notify_url");
    assert!(notify.starts_with(&format!("https://sms.example.com{path}")), "{notify}");
    let references: Vec<_> = forms.iter().map(|form| field(form, "idx")).collect();
    let query = format!("?MsgId=1,2&status=404,405&idx={}&to=48500,48501", references.join(","));
    let told = app.client.get(format!("{}{path}{query}", app.base_url)).send().await.unwrap();
    assert_eq!((told.status().as_u16(), told.text().await.unwrap().as_str()), (200, "OK"));
    let mut deliveries = Vec::new();
    for id in &ids {
        let read = app.get(&format!("/v1/verifications/{id}"), &key).await.json();
        deliveries.push(read["delivery"].as_str().unwrap().to_owned());
    }
    deliveries.sort();
    assert_eq!(deliveries, ["delivered", "undelivered"]);
    // A repeated or late receipt changes nothing.
    let again = app.client.get(format!("{}{path}{query}", app.base_url)).send().await.unwrap();
    assert_eq!(again.status().as_u16(), 200);
    let timeline = app.get(&format!("/v1/verifications/{}/timeline", ids[0]), &key).await.text;
    assert_eq!(timeline.matches(r#""provider_code":"40"#).count(), 1, "{timeline}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_know_the_path_or_the_message_reports_nothing() {
    let answer = json!({"count": 1, "list": [{"id": "1", "status": "QUEUE", "error": null}]});
    let (app, key, server, account) =
        app("smsapi", answer, |url| json!({"token": "hunter2", "base_url": url})).await;
    let id = app.start(&key, &number(1)).await;
    let forms = sent(&server, 1).await;
    app.wait_for(&key, &id, "delivery", "sent").await;
    let (path, reference) = (path(&app, &account), field(&forms[0], "idx").to_owned());
    let get = async |path: String| {
        app.client.get(format!("{}{path}", app.base_url)).send().await.unwrap().status().as_u16()
    };
    let query = format!("?MsgId=1&status=404&idx={reference}");
    let mut wrong = path.clone();
    let last = if wrong.pop() == Some('0') { '1' } else { '0' };
    wrong.push(last);
    assert_eq!(get(format!("{wrong}{query}")).await, 404);
    // An account of another tenant can report only its own messages.
    let other = app.tenant("Other").await;
    let settings = json!({"token": "hunter3", "service": "com"});
    let theirs = app.verified_account(&other, ("mine", "smsapi"), settings).await;
    let theirs =
        format!("/receipts/{}/{}/{}", theirs.tenant, theirs.id, path_secret(&app.context.keyring, &theirs));
    assert_eq!(get(format!("{theirs}{query}")).await, 200, "no oracle");
    for nonsense in ["", "?status=404", "?MsgId=1&status=404&idx=zz", "?MsgId=1,2&status=404&idx=1"] {
        let status = get(format!("{path}{nonsense}")).await;
        assert!(matches!(status, 200 | 400), "{nonsense}: {status}");
    }
    let read = app.get(&format!("/v1/verifications/{id}"), &key).await.json();
    assert_eq!(read["delivery"], "sent");
    assert_eq!(get(format!("{path}{query}")).await, 200);
    app.wait_for(&key, &id, "delivery", "delivered").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_path_takes_the_place_of_the_one_before_after_a_day() {
    let answer = json!({"count": 1, "list": [{"id": "1", "status": "QUEUE", "error": null}]});
    let (app, key, server, account) =
        app("smsapi", answer, |url| json!({"token": "hunter2", "base_url": url})).await;
    let first = path(&app, &account);
    let url = format!("/v1/providers/{}", account.id);
    assert_eq!(app.get(&url, &key).await.json()["receipts_rotated_at"], Value::Null);
    let rotate = async || {
        let rotated = app.act(&format!("{url}/receipts/rotate"), &key).await;
        app.context.refresh().await.unwrap();
        assert_eq!(rotated.status, 200, "{rotated:?}");
        rotated.json()
    };
    let now = async || {
        let resource = read_provider(&app.context, account.tenant, account.id).await.unwrap();
        path(&app, &resource)
    };
    let taken = async |path: &str| {
        let told = app.client.get(format!("{}{path}?MsgId=1&status=404", app.base_url)).send().await.unwrap();
        told.status().as_u16() == 200
    };
    let rotated = rotate().await;
    assert!(rotated["receipts_rotated_at"].is_string() && rotated["verified_at"].is_string(), "{rotated}");
    let second = now().await;
    assert!(first != second && taken(&first).await && taken(&second).await);
    // The repeat of a request whose answer was lost changes nothing.
    assert_eq!(rotate().await, rotated);
    assert!(now().await == second && taken(&first).await);
    // New messages contain the new URL.
    app.start(&key, &number(1)).await;
    let forms = sent(&server, 1).await;
    assert!(field(&forms[0], "notify_url").contains(&second), "{forms:?}");
    app.clock.turn(seconds(24 * 3_600 - 1));
    assert!(taken(&first).await);
    app.clock.turn(seconds(1));
    assert!(!taken(&first).await && taken(&second).await);
    // After a second renewal, the leaked URL is refused at once.
    rotate().await;
    assert!(taken(&second).await);
    app.clock.turn(seconds(60));
    rotate().await;
    assert!(!taken(&second).await && !taken(&first).await && taken(&now().await).await);
    let other = app.tenant("Other").await;
    assert_eq!(app.act(&format!("{url}/receipts/rotate"), &other).await.status, 404);
}

/// Sends a POST and no body. Returns the answer and the time it took.
async fn without_its_body(app: &TestApp, path: &str) -> (String, Duration) {
    let mut stream = TcpStream::connect(app.base_url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx");
    let began = Instant::now();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_buf(&mut answer).await.unwrap();
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_awaited_only_of_who_knows_the_path_and_not_for_ever() {
    let answer = json!({"count": 1, "list": [{"id": "1", "status": "QUEUE", "error": null}]});
    let patience = Duration::from_secs(2);
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(answer)).mount(&server).await;
    let app = TestApp::spawn_with(|settings| {
        settings.delivery.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        settings.server.clients.body_timeout = patience;
    })
    .await;
    let key = app.tenant("Acme").await;
    let settings = json!({"token": "hunter2", "base_url": server.uri()});
    let account = app.verified_account(&key, ("gateway", "smsapi"), settings).await;
    let path = path(&app, &account);
    let (answer, after) = without_its_body(&app, &format!("{path}0")).await;
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("connection: close"), "{answer}");
    assert!(after < patience, "{after:?}");
    let (answer, after) = without_its_body(&app, &path).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(after >= patience, "{after:?}");
    let large = app.client.post(format!("{}{path}", app.base_url)).body("x".repeat(70_000));
    assert_eq!(large.send().await.unwrap().status(), 413);
    // HEAD changes nothing, so the report in it is not read.
    let head = app.client.head(format!("{}{path}?status=404", app.base_url)).send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_lead_to_nothing_are_told_once_an_hour() {
    let log = crate::secrets::capture();
    let server = MockServer::start().await;
    let app = TestApp::spawn_with(|settings| {
        settings.delivery.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let key = app.tenant("Acme").await;
    let settings = json!({"token": "hunter2", "base_url": server.uri()});
    let account = app.verified_account(&key, ("stray-gateway", "smsapi"), settings).await;
    let path = path(&app, &account);
    let get = async |query: &str| {
        app.client.get(format!("{}{path}{query}", app.base_url)).send().await.unwrap().status().as_u16()
    };
    let told = || {
        let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
        let lines = log.lines().filter(|line| line.contains(r#""WARN""#) && line.contains("stray-gateway"));
        lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].clone()).collect::<Vec<_>>()
    };
    let counts =
        |fields: &Value| ["unmatched", "unreadable", "forged"].map(|name| fields[name].as_u64().unwrap());
    for _ in 0..20 {
        assert_eq!(get("?MsgId=1&status=404&idx=zz").await, 200);
        assert_eq!(get("?MsgId=1,2&status=404").await, 400);
    }
    assert_eq!(told().iter().map(counts).collect::<Vec<_>>(), [[1, 0, 0]], "{:?}", told());
    app.clock.turn(seconds(3_600));
    assert_eq!(get("?MsgId=1&status=404&idx=zz").await, 200);
    assert_eq!(told().iter().map(counts).collect::<Vec<_>>(), [[1, 0, 0], [20, 20, 0]], "{:?}", told());
    let metrics = app.client.get(format!("{}/metrics", app.operator_url)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for (delivery, least) in [("unmatched", 21), ("unreadable", 20)] {
        let line = format!("countersign_receipts_total{{delivery=\"{delivery}\"}} ");
        let count = metrics.lines().find_map(|known| known.strip_prefix(&line)).unwrap();
        assert!(count.parse::<u64>().unwrap() >= least, "{count} {delivery}");
    }
}
