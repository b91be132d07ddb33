//! Slow and oversized requests: the server ends them in time.

use crate::app::TestApp;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedWriteHalf},
    time::{sleep, timeout},
};

/// The promised time, with a margin for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.base_url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Sends one byte at a time until the server closes the connection.
async fn trickle(mut to: OwnedWriteHalf, bytes: impl Iterator<Item = u8>) {
    for byte in bytes {
        if to.write_all(&[byte]).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Sends the rest slowly, and returns what the server sends until it closes the connection.
async fn answer_to_trickle(stream: TcpStream, rest: impl Iterator<Item = u8> + Send + 'static) -> String {
    let (mut from, to) = stream.into_split();
    let trickling = tokio::spawn(trickle(to, rest));
    let mut answer = Vec::new();
    // A reset after the answer also ends the connection.
    let _ = timeout(PATIENCE, from.read_to_end(&mut answer)).await.expect("the connection is not ended");
    trickling.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends the whole request at once, and reads until the server closes the connection.
async fn answer_to(app: &TestApp, request: &str) -> String {
    let (mut from, mut to) = connect(app).await.into_split();
    let request = request.to_owned();
    // The server may answer and close before it has read everything.
    let sending = tokio::spawn(async move { to.write_all(request.as_bytes()).await.map(|()| to) });
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, from.read_to_end(&mut answer)).await.expect("the connection is not ended");
    sending.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_head_that_trickles_in_is_ended() {
    let app = TestApp::spawn().await;
    let mut stream = connect(&app).await;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await.unwrap();
    let answer = answer_to_trickle(stream, std::iter::repeat(b'x')).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn whoever_is_unknown_cannot_let_a_second_head_trickle_in() {
    let app = TestApp::spawn().await;
    for head in ["GET /health/live HTTP/1.1", "GET /v1/keys HTTP/1.1", "GET /nothing HTTP/1.1"] {
        let mut stream = connect(&app).await;
        stream.write_all(format!("{head}\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        let started = Instant::now();
        let answer = answer_to_trickle(stream, std::iter::repeat(b'G')).await;
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(9), "{head}: it ends with its answer");
    }
}

#[tokio::test]
async fn a_body_that_trickles_in_is_ended() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await.text;
    let mut stream = connect(&app).await;
    let head = format!(
        "POST /v1/verifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {key}\r\nContent-Length: 60000\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = answer_to_trickle(stream, std::iter::repeat(b' ')).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("within 10 seconds"), "{answer}");
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let app = TestApp::spawn().await;
    let key = app.tenant("Acme").await.text;
    let large = "x".repeat(200_000);
    let many: String = (0..97).map(|n| format!("X-{n}: 1\r\n")).collect();
    for (what, request) in [
        ("header", format!("GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Large: {large}\r\n\r\n")),
        ("headers", format!("GET /health/live HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")),
        ("path", format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", &large[..66_000])),
        ("endless path", format!("GET /{large}")),
    ] {
        let answer = answer_to(&app, &request).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{what}: {answer}");
        assert!(!answer.starts_with("HTTP/1.1 404"), "{what} was read: {answer}");
    }
    let body = format!(
        "POST /v1/verifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {key}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    let answer = answer_to(&app, &body).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(app.send("GET", "/health/live", None, None).await.status, 200, "it serves on");
}
