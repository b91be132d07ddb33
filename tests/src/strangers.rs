//! Bytes from strangers that are not HTTP, and whether the operator port notices when the API answers nobody
//! any more.

use crate::{
    app::TestApp,
    faults::Process,
    tls::{Authority, files},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

/// The maximum number of API connections in the tests of readiness.
const FEW: usize = 8;

#[tokio::test]
async fn malformed_heads_are_counted_and_write_no_line_each() {
    let mut server = Process::spawn().await;
    let address = server.base_url.strip_prefix("http://").unwrap().to_owned();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"\x16\x03\x01 no HTTP\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    }
    let metrics =
        reqwest::get(format!("{}/metrics", server.operator_url)).await.unwrap().text().await.unwrap();
    let counted = "countersign_connections_ended_total{reason=\"malformed\"} 100";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    server.stop().await;
    let log = server.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("malformed")).collect();
    assert!(lines.len() == 1 && lines[0].contains("malformed=100"), "{log}");
    assert!(!log.contains("ERROR") && !log.contains("parse error"), "{log}");
}

/// Returns whether the operator port calls the process ready, and the reason if not.
async fn readiness(app: &TestApp) -> (u16, String) {
    let answer = app.client.get(format!("{}/health/ready", app.operator_url)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn is_noticed(app: TestApp) {
    let address = app.base_url.split_once("://").unwrap().1;
    assert_eq!(readiness(&app).await, (200, "ready\n".to_owned()));
    let mut held = Vec::new();
    // One more connection than the server accepts: it waits in the system's queue.
    for _ in 0..FEW + 1 {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    assert_eq!(readiness(&app).await, (503, "API unavailable\n".to_owned()));
    drop(held);
    for _ in 0..100 {
        if readiness(&app).await.0 == 200 {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("it is not ready again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_notices_an_api_that_answers_nobody() {
    is_noticed(TestApp::spawn_with(|settings| settings.server.clients.connections = FEW).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_asks_over_tls_too() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.issue(folder.path());
    let app = TestApp::spawn_with(|settings| {
        settings.server.tls = Some(files(folder.path()));
        settings.server.clients.connections = FEW;
    });
    is_noticed(app.await).await;
}
