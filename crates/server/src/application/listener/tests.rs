use super::*;
use crate::{Application, Parts, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const ASK: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Sends a request and keeps the connection open.
async fn ask(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(ASK).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    stream
}

#[test]
fn connections_fit_into_the_memory_of_a_container() {
    assert_eq!([0, 1 << 20, 256 << 20, 4 << 30].map(held_by), [FEWEST, FEWEST, 327, 5_242]);
}

#[tokio::test]
async fn idle_connections_do_not_starve_the_operator_port() {
    // This fails only if a provider is installed already, which is fine.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let parts = Parts { dev: true, ..Parts::new(Settings::embedded(folder.path()).unwrap()) };
    let application = Application::build(parts).await.unwrap();
    let address = application.addresses.1;
    let stop = CancellationToken::new();
    let running = tokio::spawn(application.run(stop.clone()));
    let mut idle = Vec::new();
    for _ in 0..OPERATOR_CONNECTIONS {
        idle.push(ask(address).await);
    }
    let waits = OPERATOR_PATIENCE + Duration::from_secs(5);
    tokio::time::timeout(waits, ask(address)).await.expect("a probe waits for no idle connection longer");
    drop(idle);
    stop.cancel();
    running.await.unwrap().unwrap();
}
