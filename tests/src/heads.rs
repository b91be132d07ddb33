//! HEAD works on every path that answers GET, and `Allow` says so (RFC 9110, 9.3.2 and 10.2.1).

use crate::app::{TestApp, TestKey};
use reqwest::{
    Method, Response,
    header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Pages that are not in the OpenAPI documents.
const PAGES: [&str; 9] = [
    "/",
    "/dev",
    "/dev/assets/dev.css",
    "/dev/messages",
    "/dev/timeline/x",
    "/dev/provider",
    "/docs/",
    "/docs/swagger-ui.css",
    "/docs/twilio.md",
];
const OPERATOR: [&str; 3] = ["/metrics", "/health/live", "/health/ready"];

struct Asker {
    app: TestApp,
    key: TestKey,
    client: reqwest::Client,
}

impl Asker {
    async fn new() -> Self {
        let app = TestApp::spawn().await;
        let key = app.tenant("Acme").await;
        let redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(redirects).build().unwrap();
        Self { app, key, client }
    }

    async fn ask(&self, method: &str, url: &str) -> Response {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, url);
        let request = if url.contains("/v2/") {
            let account = countersign_api::account_sid(self.key.caller.tenant);
            request.basic_auth(account, Some(&self.key.text))
        } else {
            request.bearer_auth(&self.key.text)
        };
        request.send().await.unwrap()
    }

    /// Checks that HEAD has the same status and headers as GET.
    async fn compare(&self, url: &str) {
        let told = |answer: &Response| (answer.status(), headers(answer.headers()));
        let before = told(&self.ask("GET", url).await);
        let head = self.ask("HEAD", url).await;
        // The answer may change with each use of the key, so GET is asked before and after.
        let after = told(&self.ask("GET", url).await);
        let found = told(&head);
        assert!(found == before || found == after, "{url}: {found:?} for {before:?}");
        assert!(head.bytes().await.unwrap().is_empty(), "{url}");
    }

    async fn allowed(&self, url: &str) -> (u16, BTreeSet<String>) {
        let answer = self.ask("BREW", url).await;
        let allow = answer.headers().get(ALLOW).map(|allow| allow.to_str().unwrap()).unwrap_or_default();
        let allow = allow.split(", ").filter(|method| !method.is_empty()).map(str::to_owned).collect();
        (answer.status().as_u16(), allow)
    }
}

/// All headers but those that differ for each request.
fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    // An answer without a body is not sent in chunks (RFC 9110, section 9.3.2).
    let own = ["date", "x-request-id", "transfer-encoding"];
    let pairs = headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    pairs.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

/// Each path of both documents, with example ids, and its methods.
fn paths() -> BTreeMap<String, BTreeSet<String>> {
    let documents = [countersign_api::openapi(), countersign_api::compatible_openapi()];
    let documents = documents.map(|document| serde_json::to_value(document).unwrap());
    let paths = documents.iter().flat_map(|document| document["paths"].as_object().unwrap());
    let fill = |path: &str| {
        let segments = path.split('/').map(|segment| if segment.starts_with('{') { "x" } else { segment });
        segments.collect::<Vec<_>>().join("/")
    };
    let methods = |item: &Value| {
        let known = ["get", "post", "put", "patch", "delete"].into_iter();
        known.filter(|method| item.get(method).is_some()).map(str::to_uppercase).collect::<BTreeSet<_>>()
    };
    paths.map(|(path, item)| (fill(path), methods(item))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_is_answered_wherever_get_is() {
    let asker = Asker::new().await;
    let read = paths().into_iter().filter(|(_, methods)| methods.contains("GET"));
    let read: Vec<_> = read.map(|(path, _)| path).collect();
    assert!(read.len() > 30, "{read:?}");
    for path in read.iter().map(String::as_str).chain(PAGES) {
        asker.compare(&format!("{}{path}", asker.app.base_url)).await;
    }
    for path in ["/health/live", "/health/ready"] {
        asker.compare(&format!("{}{path}", asker.app.operator_url)).await;
    }
    let metrics = asker.ask("HEAD", &format!("{}/metrics", asker.app.operator_url)).await;
    assert_eq!(metrics.status(), 200);
    assert_ne!(metrics.headers()[CONTENT_LENGTH], "0");
    let events = asker.ask("HEAD", &format!("{}/dev/events", asker.app.base_url)).await;
    assert_eq!(
        (events.status().as_u16(), &events.headers()[CONTENT_TYPE]),
        (200, &"text/event-stream".parse().unwrap())
    );
    let nothing = asker.ask("HEAD", &format!("{}/nothing", asker.app.base_url)).await;
    assert_eq!(nothing.status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_method_is_told_the_right_ones() {
    let asker = Asker::new().await;
    for (path, mut methods) in paths() {
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        let found = asker.allowed(&format!("{}{path}", asker.app.base_url)).await;
        assert_eq!(found, (405, methods), "{path}");
    }
    let read =
        |more: &[&str]| ["GET", "HEAD"].iter().chain(more).map(|method| (*method).to_owned()).collect();
    for path in PAGES {
        let more: &[_] = if path == "/dev/provider" { &["POST"] } else { &[] };
        let found = asker.allowed(&format!("{}{path}", asker.app.base_url)).await;
        assert_eq!(found, (405, read(more)), "{path}");
    }
    let receipts = asker.allowed(&format!("{}/receipts/a/b/c", asker.app.base_url)).await;
    assert_eq!(receipts, (405, read(&["POST"])));
    for path in OPERATOR {
        let found = asker.allowed(&format!("{}{path}", asker.app.operator_url)).await;
        assert_eq!(found, (405, read(&[])), "{path}");
    }
}

/// Requests sent ahead on one connection are answered in order, each according to its own method.
#[tokio::test]
async fn no_body_follows_a_head_that_others_follow() {
    let asker = Asker::new().await;
    let address = asker.app.base_url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let key = &asker.key.text;
    let ask =
        |what: &str| format!("{what} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n");
    let both = ask("HEAD /v1/profiles") + &ask("GET /health/live");
    stream.write_all(both.as_bytes()).await.unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await.unwrap();
    let answers = String::from_utf8(answers).unwrap();
    let (head, rest) = answers.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-length: "), "{answers}");
    assert!(rest.starts_with("HTTP/1.1 200") && rest.ends_with(r#"{"status":"ok"}"#), "{answers}");
}
