use super::*;
use crate::provider::tests::outgoing;
use base64::{Engine, engine::general_purpose::STANDARD};
use countersign_core::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use std::time::Instant;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

const KEY: [u8; 32] = [9; 32];
const NOW: i64 = 1_790_000_000;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW * 1_000 + 999)
    }

    fn steady(&self) -> Duration {
        Duration::ZERO
    }
}

fn secret() -> String {
    format!("whsec_{}", STANDARD.encode(KEY))
}

fn relay_with(url: &str, secret: &str, timeout: Duration) -> Result<Relay, RelayError> {
    let settings = RelaySettings { url: url.to_owned(), secret: Zeroizing::new(secret.to_owned()), timeout };
    Relay::new(settings, Arc::new(Fixed))
}

fn relay(url: &str) -> Relay {
    relay_with(url, &secret(), RelaySettings::TIMEOUT).unwrap()
}

async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn answer_to(answer: ResponseTemplate) -> Result<Accepted, SendError> {
    let server = server(answer).await;
    relay(&server.uri()).send(&outgoing("+48500500500")).await
}

#[tokio::test]
async fn the_secret_is_changed_while_it_sends() {
    let server = server(ResponseTemplate::new(202)).await;
    let (relay, message) = (relay(&server.uri()), outgoing("+48500500500"));
    assert!(!relay.change_secret(&secret()).unwrap(), "it is the same");
    assert!(matches!(relay.change_secret("hunter2"), Err(RelayError::Secret)));
    let other = format!("whsec_{}", STANDARD.encode([7; 32]));
    for changed in [false, true] {
        assert_eq!(changed, changed && relay.change_secret(&other).unwrap());
        relay.send(&message).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    for (request, key) in requests.iter().zip([KEY, [7; 32]]) {
        let secret = SigningSecret::parse(&format!("whsec_{}", STANDARD.encode(key))).unwrap();
        let signature = secret.sign(&message.message.to_string(), NOW, &request.body);
        assert_eq!(request.headers["webhook-signature"], signature);
    }
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn the_request_is_signed_and_names_itself() {
    let server = server(ResponseTemplate::new(202).set_body_string("thanks")).await;
    let message = outgoing("+48500500500");
    let answer = relay(&format!("{}/sms", server.uri())).send(&message).await;
    assert_eq!(answer, Ok(Accepted::default()));

    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/sms"));
    let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap().to_owned();
    let id = message.message.to_string();
    assert_eq!(header("webhook-id"), id);
    assert_eq!(header("idempotency-key"), format!("\"{id}\""));
    assert_eq!(header("webhook-timestamp"), NOW.to_string());
    assert_eq!(header("content-type"), "application/json");

    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&KEY).unwrap();
    mac.update(format!("{id}.{NOW}.").as_bytes());
    mac.update(&request.body);
    let given = header("webhook-signature");
    let given = STANDARD.decode(given.strip_prefix("v1,").unwrap()).unwrap();
    mac.verify_slice(&given).unwrap();

    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let expected = serde_json::json!({
        "id": id,
        "verification_id": message.verification.to_string(),
        "to": "+48500500500",
        "from": "Acme",
        "text": "123456 is your Acme code. Don't share it.",
        "expires_at": "2026-09-21T14:18:20.000Z",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn statuses_say_what_happens_next() {
    for status in [200, 201, 204, 299] {
        assert_eq!(answer_to(ResponseTemplate::new(status)).await, Ok(Accepted::default()), "{status}");
    }
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let expected = SendError::retry(format!("HTTP {status}"));
        assert_eq!(answer_to(ResponseTemplate::new(status)).await, Err(expected), "{status}");
    }
    for status in [304, 400, 401, 403, 404, 410, 422] {
        let expected = SendError::reject(format!("HTTP {status}"));
        assert_eq!(answer_to(ResponseTemplate::new(status)).await, Err(expected), "{status}");
    }
}

#[tokio::test]
async fn the_wait_asked_for_is_kept_within_a_bound() {
    for (asked, expected) in [
        ("7", Some(Duration::from_secs(7))),
        ("86400", Some(MAX_WAIT)),
        ("-1", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ] {
        let answer = answer_to(ResponseTemplate::new(503).insert_header("retry-after", asked)).await;
        let reason = "HTTP 503".to_owned();
        assert_eq!(answer, Err(SendError::Retry { reason, after: expected }), "{asked}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = server(ResponseTemplate::new(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let answer = ResponseTemplate::new(status).insert_header("location", target.uri());
        let expected = SendError::reject(format!("HTTP {status}"));
        assert_eq!(answer_to(answer).await, Err(expected));
    }
    assert!(target.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn silence_ends_at_the_time_out() {
    let server = server(ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).await;
    let relay = relay_with(&server.uri(), &secret(), Duration::from_millis(200)).unwrap();
    let before = Instant::now();
    let answer = relay.send(&outgoing("+48500500500")).await;
    assert_eq!(answer, Err(SendError::unknown("no answer in 0.2 s")), "it may have been taken");
    assert!(before.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn nobody_listening_is_tried_again() {
    // Port 1 of the loopback address: nobody without privileges can listen on it.
    let relay = relay("http://127.0.0.1:1/secret-path");
    let answer = relay.send(&outgoing("+48500500500")).await;
    assert_eq!(answer, Err(SendError::retry("connection failed")));
}

#[tokio::test]
async fn a_long_answer_is_cut_off_and_still_counts() {
    let answer = ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 4 * 1024 * 1024]);
    assert_eq!(answer_to(answer).await, Ok(Accepted::default()));
}

#[test]
fn settings_are_checked_and_never_repeated() {
    let good = secret();
    let timeout = RelaySettings::TIMEOUT;
    for url in ["https://sms.example/path", "http://127.0.0.1:8080", "http://[::1]/x", "http://localhost:1"] {
        relay_with(url, &good, timeout).unwrap();
    }
    for url in ["http://sms.example", "http://10.0.0.1/", "http://localhost.example/"] {
        assert!(matches!(relay_with(url, &good, timeout), Err(RelayError::Insecure)), "{url}");
    }
    for url in
        ["", "sms.example", "ftp://sms.example", "https://user:hunter2@sms.example", "https://a.example/#x"]
    {
        let error = relay_with(url, &good, timeout).unwrap_err();
        assert!(matches!(error, RelayError::Url), "{url}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let error = relay_with("https://sms.example", "whsec_aHVudGVyMg==", timeout).unwrap_err();
    assert!(matches!(error, RelayError::Secret));
    assert!(!format!("{error} {error:?}").contains("aHVudGVyMg"));
    let error = relay_with("https://sms.example", &good, Duration::ZERO).unwrap_err();
    assert!(matches!(error, RelayError::Timeout));
}

#[test]
fn debug_shows_neither_secret_nor_address() {
    let url = "https://sms.example/secret-path";
    let relay = relay_with(url, &secret(), RelaySettings::TIMEOUT).unwrap();
    let settings =
        RelaySettings { url: url.into(), secret: Zeroizing::new(secret()), timeout: relay.timeout };
    let shown = format!("{relay:?} {settings:?} {:?}", relay.secret);
    for hidden in ["whsec_", &STANDARD.encode(KEY), "secret-path", "[9, 9"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
