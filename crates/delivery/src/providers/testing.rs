//! Helpers for the tests of providers.

use crate::{
    outbound::{AddressPolicy, Outbound},
    provider::{Callback, Outgoing, tests::outgoing},
    receipt::ReceiptRequest,
    settings::Fault,
};
use countersign_core::{ports::clock::Clock, time::Timestamp};
use std::time::Duration;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

pub(super) const NUMBER: &str = "+48500500500";
pub(super) const REFERENCE: &str = "msg_0123_ver_4567";

/// A clock that shows five minutes before the code of a message expires.
pub(super) struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000)
    }

    fn steady(&self) -> Duration {
        Duration::ZERO
    }
}

thread_local! {
    // Each test has its own thread and runtime, and connections need that runtime. Reading the certificate
    // authorities for every client would take long.
    static OUTBOUND: Outbound =
        Outbound::new(AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()], true)).unwrap();
}

/// A client for the outside that may call this machine.
pub(super) fn outbound() -> Outbound {
    OUTBOUND.with(Outbound::clone)
}

pub(super) async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// A message whose provider can send receipts.
pub(super) fn message() -> Outgoing {
    let url = "https://otp.example/v1/receipts/4711".to_owned();
    Outgoing { callback: Some(Callback { url, reference: REFERENCE.into() }), ..outgoing(NUMBER) }
}

/// The form in the only request.
pub(super) async fn form(server: &MockServer) -> Vec<(String, String)> {
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].headers["content-type"], "application/x-www-form-urlencoded");
    url::form_urlencoded::parse(&requests[0].body).into_owned().collect()
}

pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = pairs.iter().filter(|(known, _)| known == name);
    let first = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} stands twice");
    first
}

pub(super) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn fields(faults: &[Fault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.field.as_str()).collect()
}

/// A request from 198.51.100.7, which a test may change.
pub(super) fn receipt<'a>(method: &'a str, query: &'a [(String, String)]) -> ReceiptRequest<'a> {
    ReceiptRequest {
        url: "https://otp.example/v1/receipts/4711",
        method,
        headers: &[],
        query,
        content_type: "",
        body: &[],
        peer: [198, 51, 100, 7].into(),
    }
}

/// Fails if the text contains the phone number, the code or a credential.
pub(super) fn assert_silent(shown: &str, secrets: &[&str]) {
    for secret in secrets.iter().chain(&["500500", "123456"]) {
        assert!(!shown.contains(secret), "{shown}");
    }
}
