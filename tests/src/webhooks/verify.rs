//! Verifies requests with the library of Standard Webhooks.

use serde_json::{Value, json};
use std::{
    io::Write,
    process::{Command, Stdio},
};
use wiremock::Request;

/// The standard's headers of a request, and its body.
pub fn received(request: &Request) -> Value {
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: Value = names.into_iter().map(|name| (name.to_owned(), json!(header(name)))).collect();
    json!({ "headers": headers, "body": String::from_utf8(request.body.clone()).unwrap() })
}

/// Checks each message with the secret, at the time that the message names. Returns the library's verdicts.
pub fn verify(secret: &str, requests: &[Request]) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/webhooks");
    let mut node = Command::new("node")
        .arg("verify.cjs")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs; tests/run.sh installs the library");
    let mut input = node.stdin.take().unwrap();
    for request in requests {
        let mut line = received(request);
        let at: i64 = line["headers"]["webhook-timestamp"].as_str().unwrap().parse().unwrap();
        (line["secret"], line["at"]) = (json!(secret), json!(at));
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    let output = node.wait_with_output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = answers.lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), requests.len(), "the library did not answer each line");
    answers
}

#[test]
fn the_library_refuses_what_is_not_signed_so() {
    use countersign_core::webhook::secret::WebhookSecrets;
    let secret = WebhookSecrets::generate(&mut crate::codes::rng());
    let mut request = Request {
        url: "http://localhost/".parse().unwrap(),
        method: wiremock::http::Method::POST,
        headers: Default::default(),
        body: b"{}".to_vec(),
    };
    for (name, value) in
        [("webhook-id", "whm_1"), ("webhook-timestamp", "1790000000"), ("webhook-signature", "v1,AAAA")]
    {
        request.headers.insert(name, value.parse().unwrap());
    }
    assert_ne!(verify(secret.expose(), &[request]), ["ok"]);
}
