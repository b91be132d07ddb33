//! TLS, as clients see it.

use crate::app::TestApp;
use countersign::configuration::TlsFiles;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
    pki_types::{CertificateDer, ServerName},
    version::{TLS12, TLS13},
};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A certificate authority that signs the server's certificate.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Writes a new certificate for loopback, and returns it.
    pub fn issue(&self, folder: &Path) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let files = files(folder);
        std::fs::write(files.certificate, leaf.pem()).unwrap();
        std::fs::write(files.key, key.serialize_pem()).unwrap();
        leaf.der().clone()
    }

    /// A client that trusts only this authority.
    fn connector(&self, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

pub fn files(folder: &Path) -> TlsFiles {
    TlsFiles { certificate: folder.join("tls.crt"), key: folder.join("tls.key") }
}

async fn spawn(folder: &Path) -> TestApp {
    TestApp::spawn_with(|settings| settings.server.tls = Some(files(folder))).await
}

fn address(app: &TestApp) -> String {
    app.base_url.strip_prefix("https://").unwrap().to_owned()
}

async fn connect(app: &TestApp, connector: &TlsConnector) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address(app)).await.unwrap();
    connector.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await.unwrap()
}

fn leaf(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Sends one request on a connection that stays open.
async fn ask(stream: &mut TlsStream<TcpStream>, key: &str) -> String {
    let request = format!("GET /v1/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the connection was dropped");
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_replaced_certificate_is_served_and_no_connection_is_dropped() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let first = authority.issue(folder.path());
    let app = spawn(folder.path()).await;
    let key = app.tenant("Acme").await.text;
    let connector = authority.connector(&[&TLS12, &TLS13]);
    let mut old = connect(&app, &connector).await;
    assert_eq!(leaf(&old), first);
    assert!(ask(&mut old, &key).await.starts_with("HTTP/1.1 200"));

    let second = authority.issue(folder.path());
    let replaced = Instant::now();
    // The promise is 5 s; a busy machine gets three times as long.
    while leaf(&connect(&app, &authority.connector(&[&TLS12, &TLS13])).await) != second {
        assert!(replaced.elapsed() < Duration::from_secs(15), "the old certificate is still served");
        assert!(ask(&mut old, &key).await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(ask(&mut old, &key).await.starts_with("HTTP/1.1 200"));
    assert_eq!(leaf(&old), first, "it is the connection from before");

    std::fs::write(files(folder.path()).key, "no key").unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(leaf(&connect(&app, &authority.connector(&[&TLS13])).await), second);
    let metrics = app.client.get(format!("{}/metrics", app.operator_url)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let value = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(value("countersign_certificate_reload_failures_total") >= 1.0);
    assert!(value("countersign_certificate_expires_seconds") > 1_800_000_000.0);
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_over_http_1_1() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.issue(folder.path());
    let app = spawn(folder.path()).await;
    for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let stream = connect(&app, &authority.connector(&[version])).await;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    let root = reqwest::Certificate::from_der(&authority.certificate).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let live = client.get(format!("{}/health/live", app.base_url)).send().await.unwrap();
    assert_eq!(live.status(), 200);
}

/// A ClientHello of an older TLS version, with the extension for groups only.
fn old_hello(minor: u8) -> Vec<u8> {
    let suites = [0xc0, 0x09, 0xc0, 0x0a, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f, 0x00, 0x35];
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    hello.extend([0, 0, suites.len() as u8]);
    hello.extend(suites);
    hello.extend([1, 0]);
    let groups = [0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17, 0x00, 0x0b, 0x00, 0x02, 0x01, 0x00];
    hello.extend([0, groups.len() as u8]);
    hello.extend(groups);
    let mut record = vec![22, 3, minor, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);
    record
}

#[tokio::test]
async fn older_versions_and_plain_http_are_refused() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.issue(folder.path());
    let app = spawn(folder.path()).await;
    for minor in [0, 1, 2] {
        let mut stream = TcpStream::connect(address(&app)).await.unwrap();
        stream.write_all(&old_hello(minor)).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        // A fatal alert: protocol_version, or no common cipher suite.
        assert!(
            answer.len() == 7 && answer[0] == 21 && [70, 40].contains(&answer[6]),
            "3.{minor}: {answer:?}"
        );
    }
    let mut stream = TcpStream::connect(address(&app)).await.unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "plain HTTP is not answered");
}

#[tokio::test]
async fn a_handshake_that_is_not_begun_ends() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    authority.issue(folder.path());
    let app = spawn(folder.path()).await;
    for begun in [&b""[..], &[22, 3, 1, 2, 0]] {
        let mut stream = TcpStream::connect(address(&app)).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(9), stream.read_to_end(&mut rest));
        let _ = ended.await.expect("3 s are enough for a handshake");
    }
}
