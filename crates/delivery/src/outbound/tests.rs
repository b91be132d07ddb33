mod proxy;

use super::*;
use crate::provider::SendError;
use ipnet::IpNet;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use std::{
    io,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

type Authority = CertifiedIssuer<'static, KeyPair>;

const TIMEOUT: Duration = Duration::from_secs(5);

/// A resolver that returns each list once, and the last one from then on. It counts the calls.
#[derive(Default)]
struct Answers {
    lists: Vec<Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl Resolver for Answers {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(host.to_owned());
        let place = asked.len().min(self.lists.len());
        Ok(place.checked_sub(1).map(|place| self.lists[place].clone()).unwrap_or_default())
    }
}

fn answers(lists: &[&[&str]]) -> Arc<Answers> {
    let list = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
    Arc::new(Answers { lists: lists.iter().map(list).collect(), ..Answers::default() })
}

fn outbound(allowed: &[&str], lists: &[&[&str]]) -> (Outbound, Arc<Answers>) {
    let allowed: Vec<IpNet> = allowed.iter().map(|text| text.parse().unwrap()).collect();
    let resolver = answers(lists);
    (Outbound::build(AddressPolicy::new(allowed, true), resolver.clone(), &[]).unwrap(), resolver)
}

async fn get(outbound: &Outbound, url: &str) -> Result<Reply, OutboundError> {
    outbound.call(Request::new(Method::GET, Url::parse(url).unwrap(), TIMEOUT)).await
}

async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn received(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn an_answer_is_given_back_with_the_wait_it_asks_for() {
    let answer = ResponseTemplate::new(503).insert_header("retry-after", "7").set_body_string("{\"a\":1}");
    let server = server(answer).await;
    let (outbound, _) = outbound(&["127.0.0.1/32"], &[]);
    let request = Request::new(Method::POST, Url::parse(&server.uri()).unwrap(), TIMEOUT)
        .header(header::AUTHORIZATION, "Bearer hunter2".parse().unwrap())
        .body("application/json", b"{}".to_vec());
    assert!(!format!("{request:?}{outbound:?}").contains("hunter2"));
    let reply = outbound.call(request).await.unwrap();
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.retry_after, Some(Duration::from_secs(7)));
    assert_eq!(reply.json().unwrap()["a"], 1);
    assert_eq!(format!("{reply:?}"), "Reply { status: 503, .. }");
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["content-type"], "application/json");
    assert_eq!(requests[0].body, b"{}");
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_not_called() {
    let server = server(ResponseTemplate::new(200)).await;
    let port = server.address().port();
    // The client calls this machine in no spelling: neither an address nor a name.
    let (none, _) = outbound(&["10.0.0.0/8"], &[&["127.0.0.1"]]);
    let hosts =
        ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "0", "[::1]"];
    for host in hosts {
        for scheme in ["http", "https"] {
            let error = get(&none, &format!("{scheme}://{host}:{port}/")).await.unwrap_err();
            assert!(matches!(error, OutboundError::Blocked), "{host} {error:?}");
            assert!(error.is_surely_unsent());
        }
        let error = none.connect(host, port, TIMEOUT).await.unwrap_err();
        assert!(matches!(error, OutboundError::Blocked), "{host} {error:?}");
    }
    let error = none.connect_tls("localhost", port, TIMEOUT).await.unwrap_err();
    assert!(matches!(error, OutboundError::Blocked));
    assert_eq!(received(&server).await, 0);
}

#[tokio::test]
async fn of_several_addresses_only_those_allowed_are_tried() {
    let server = server(ResponseTemplate::new(200)).await;
    let port = server.address().port();
    let (outbound, _) = outbound(&["127.0.0.1/32"], &[&["169.254.169.254", "10.0.0.1", "127.0.0.1"]]);
    assert_eq!(get(&outbound, &format!("http://sms.example:{port}/")).await.unwrap().status, 200);
    outbound.connect("sms.example", port, TIMEOUT).await.unwrap();
}

#[tokio::test]
async fn a_name_that_changes_its_meaning_wins_nothing() {
    // The name is allowed at the first lookup and forbidden from then on. If check and connection looked it
    // up separately, the first call would reach 127.0.0.2.
    let allowed = server(ResponseTemplate::new(200).insert_header("connection", "close")).await;
    let port = allowed.address().port();
    let forbidden = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let url = format!("http://sms.example:{port}/");
    let (outbound, resolver) = outbound(&["127.0.0.1/32"], &[&["127.0.0.1"], &["127.0.0.2"]]);
    assert_eq!(get(&outbound, &url).await.unwrap().status, 200);
    assert_eq!(resolver.asked.lock().unwrap().len(), 1, "one look for one connection");
    for _ in 0..3 {
        assert!(matches!(get(&outbound, &url).await, Err(OutboundError::Blocked)));
        let error = outbound.connect("sms.example", port, TIMEOUT).await.unwrap_err();
        assert!(matches!(error, OutboundError::Blocked));
    }
    let accepted = tokio::time::timeout(Duration::from_millis(100), forbidden.accept()).await;
    assert!(accepted.is_err(), "nobody reached the forbidden address");
    assert_eq!(received(&allowed).await, 1);
}

#[tokio::test]
async fn plain_http_needs_an_allowed_network() {
    let (plain, _) = outbound(&["127.0.0.1/32"], &[&["93.184.215.14"]]);
    // The name is public: https may call it, and http may not.
    assert!(matches!(get(&plain, "http://sms.example/").await, Err(OutboundError::Blocked)));
    assert!(matches!(plain.parse_url("http://93.184.215.14/"), Err(OutboundError::Insecure)));
    assert!(plain.parse_url("http://127.0.0.1/").is_ok() && plain.parse_url("https://sms.example/").is_ok());
    let never = Outbound::new(AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()], false)).unwrap();
    assert!(matches!(never.parse_url("http://127.0.0.1/"), Err(OutboundError::Insecure)));
    for url in ["ftp://sms.example/", "https://u:hunter2@sms.example/", "https://sms.example/#x", "sms", ""] {
        assert!(matches!(never.parse_url(url), Err(OutboundError::Url)), "{url}");
    }
    assert!(matches!(never.parse_url("https://10.0.0.1/"), Err(OutboundError::Blocked)));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = server(ResponseTemplate::new(200)).await;
    let (outbound, _) = outbound(&["127.0.0.1/32"], &[]);
    for status in [301, 302, 303, 307, 308] {
        let first = server(ResponseTemplate::new(status).insert_header("location", target.uri())).await;
        assert_eq!(get(&outbound, &first.uri()).await.unwrap().status, status);
    }
    assert_eq!(received(&target).await, 0);
}

#[tokio::test]
async fn long_bodies_end_the_call() {
    let long = server(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; MAX_BYTES + 1])).await;
    let (outbound, _) = outbound(&["127.0.0.1/32"], &[]);
    let error = get(&outbound, &long.uri()).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge) && !error.is_surely_unsent());
    assert_eq!(SendError::from(error), SendError::unknown("the answer is too long"));
    let whole = server(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; MAX_BYTES])).await;
    assert_eq!(get(&outbound, &whole.uri()).await.unwrap().body.len(), MAX_BYTES);

    let before = received(&long).await;
    let request = Request::new(Method::POST, Url::parse(&long.uri()).unwrap(), TIMEOUT);
    let error = outbound.call(request.body("text/plain", vec![b'x'; MAX_BYTES + 1])).await.unwrap_err();
    assert!(matches!(error, OutboundError::Request) && error.is_surely_unsent());
    assert_eq!(received(&long).await, before);
}

#[tokio::test]
async fn a_failure_says_whether_the_request_may_have_gone_out() {
    let (outbound, _) = outbound(&["127.0.0.0/8"], &[]);
    // Port 1 of the loopback address: nobody without privileges can listen on it.
    let error = get(&outbound, "http://127.0.0.1:1/").await.unwrap_err();
    assert!(matches!(error, OutboundError::Connect) && error.is_surely_unsent());
    assert_eq!(SendError::from(error), SendError::retry("connection failed"));

    let slow = server(ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).await;
    let request = Request::new(Method::GET, Url::parse(&slow.uri()).unwrap(), Duration::from_millis(200));
    let before = Instant::now();
    let error = outbound.call(request).await.unwrap_err();
    assert!(matches!(error, OutboundError::Timeout { sent: true }) && !error.is_surely_unsent());
    assert_eq!(SendError::from(error), SendError::unknown("no answer in time"));
    assert!(before.elapsed() < TIMEOUT);

    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "nonsense\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (reply, ()) = tokio::join!(get(&outbound, &url), serve);
        let error = reply.unwrap_err();
        assert!(matches!(error, OutboundError::Broken), "{answer:?} {error:?}");
        assert_eq!(SendError::from(error), SendError::unknown("connection broken"));
    }
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_carried_nothing() {
    // The server accepts the connection and stays silent, so the TLS handshake never ends.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let (outbound, _) = outbound(&["127.0.0.1/32"], &[&[]]);
    let error = get(&outbound, &format!("https://127.0.0.1:{port}/")).await.unwrap_err();
    assert!(matches!(error, OutboundError::Timeout { sent: false }), "{error:?}");
    assert_eq!(SendError::from(error), SendError::retry("no answer in time"));
    let within = Duration::from_millis(100);
    let error = outbound.connect_tls("127.0.0.1", port, within).await.unwrap_err();
    assert!(matches!(error, OutboundError::Timeout { sent: false }), "{error:?}");
    // A name without any address.
    let error = get(&outbound, "https://sms.example/").await.unwrap_err();
    assert!(matches!(error, OutboundError::Connect), "{error:?}");
}

/// A tenant chooses the names of its providers and webhooks, and sees how calls to them end.
#[tokio::test]
async fn a_name_inside_and_a_name_of_nobody_end_alike() {
    let ends = async |addresses: &[&str]| {
        let (outbound, _) = outbound(&[], &[addresses]);
        let error = get(&outbound, "https://db.example/").await.unwrap_err();
        (error.told(), SendError::from(error))
    };
    let nobody = ends(&[]).await;
    assert_eq!(nobody, ("connection failed".to_owned(), SendError::retry("connection failed")));
    for inside in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "fd00::1"] {
        assert_eq!(ends(&[inside]).await, nobody, "{inside}");
    }
}

/// A server for `sms.example` that answers 204 to all, its port, and the authority that signed for it.
async fn tls_server() -> (JoinHandle<()>, u16, Authority) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["sms.example".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            }
        }
    });
    (serving, port, authority)
}

#[tokio::test]
async fn a_tls_stream_is_for_the_name_asked_for() {
    let (serving, port, authority) = tls_server().await;
    let policy = AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()], false);
    let build = |roots: &[CertificateDer<'static>]| {
        Outbound::build(policy.clone(), answers(&[&["127.0.0.1"]]), roots).unwrap()
    };
    let trusting = build(&[authority.der().clone()]);
    let mut stream = trusting.connect_tls("sms.example", port, TIMEOUT).await.unwrap();
    let mut begin = [0; 8];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1");
    assert_eq!(get(&trusting, &format!("https://sms.example:{port}/")).await.unwrap().status, 204);
    for (outbound, host) in [(&trusting, "other.example"), (&build(&[]), "sms.example")] {
        let error = outbound.connect_tls(host, port, TIMEOUT).await.unwrap_err();
        assert!(matches!(error, OutboundError::Connect), "{host}");
        let error = get(outbound, &format!("https://{host}:{port}/")).await.unwrap_err();
        assert!(matches!(error, OutboundError::Connect) && error.is_surely_unsent(), "{host}");
    }
    serving.abort();
}
