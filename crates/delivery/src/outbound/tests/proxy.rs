use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};

const PUBLIC: &str = "93.184.215.14";
const OTHER: &str = "93.184.215.15";

/// A proxy that leads each tunnel to one port of this machine, whatever is asked for, and remembers that.
struct Tunnels {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Drop for Tunnels {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// `judge` gives the status for the head of a request.
async fn tunnels(to: u16, judge: impl Fn(&str) -> u16 + Send + Sync + 'static) -> Tunnels {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, asked, judge) = (listener.local_addr().unwrap().port(), Arc::default(), Arc::new(judge));
    let heard: Arc<Mutex<Vec<String>>> = Arc::clone(&asked);
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (heard, judge) = (Arc::clone(&heard), Arc::clone(&judge));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                heard.lock().unwrap().push(head.split(' ').nth(1).unwrap().to_owned());
                let status = judge(&head);
                let answer = format!("HTTP/1.1 {status} so\r\nVia: a proxy\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                if status == 200 {
                    let mut inner = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut inner).await;
                }
            });
        }
    });
    Tunnels { port, asked, serving }
}

impl Tunnels {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn way(&self, user: &str, resolves: bool, authority: &Authority) -> Way {
        let url = format!("http://{user}127.0.0.1:{}", self.port);
        way(&url, resolves, authority)
    }
}

fn way(url: &str, resolves: bool, authority: &Authority) -> Way {
    let proxy = Some(Proxy::parse(url, resolves).unwrap());
    Way { proxy, authorities: Some(authority.pem().into_bytes()) }
}

#[tokio::test]
async fn the_proxy_is_told_the_address_that_was_judged() {
    let (serving, port, authority) = tls_server().await;
    let proxy = tunnels(port, |_| 200).await;
    let (outbound, resolver) = outbound(&["127.0.0.0/8"], &[&[PUBLIC], &["10.0.0.1"], &["127.0.0.1"]]);
    let clone = outbound.clone();
    assert!(outbound.change(proxy.way("", false, &authority)).unwrap());
    assert!(!clone.change(proxy.way("", false, &authority)).unwrap(), "it is the same");
    // The certificate is judged by the name, the address by the policy.
    assert_eq!(get(&clone, "https://sms.example/").await.unwrap().status, 204);
    assert_eq!(proxy.asked(), [format!("{PUBLIC}:443")]);
    // What is not public is refused here, however much the proxy would reach.
    for url in [
        "https://sms.example/",
        "https://10.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/",
    ] {
        let error = get(&outbound, url).await.unwrap_err();
        assert!(matches!(error, OutboundError::Blocked), "{url} {error:?}");
    }
    // The networks of the operator are not behind the proxy.
    assert_eq!(get(&outbound, &format!("https://sms.example:{port}/")).await.unwrap().status, 204);
    let inside = super::server(ResponseTemplate::new(200)).await;
    assert_eq!(get(&outbound, &inside.uri()).await.unwrap().status, 200);
    assert_eq!(proxy.asked(), [""; 0]);
    assert_eq!(resolver.asked.lock().unwrap().len(), 3);
    serving.abort();
}

#[tokio::test]
async fn a_proxy_that_looks_names_up_is_given_no_name_of_this_network() {
    let (serving, port, authority) = tls_server().await;
    let proxy = tunnels(port, |_| 200).await;
    let (outbound, resolver) = outbound(&["10.0.0.0/8"], &[]);
    outbound.change(proxy.way("", true, &authority)).unwrap();
    assert_eq!(get(&outbound, "https://sms.example:8443/").await.unwrap().status, 204);
    assert_eq!(proxy.asked(), ["sms.example:8443"]);
    for host in ["localhost", "x.localhost.", "metadata.google.internal", "db", "172.16.0.1", "[::1]"] {
        let error = get(&outbound, &format!("https://{host}/")).await.unwrap_err();
        assert!(matches!(error, OutboundError::Blocked), "{host} {error:?}");
    }
    assert!(proxy.asked().is_empty() && resolver.asked.lock().unwrap().is_empty());
    serving.abort();
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_away_is_no_fault_of_the_provider() {
    let (serving, port, authority) = tls_server().await;
    let expected = format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode("app:s3:cret"));
    let proxy = tunnels(port, move |head| if head.contains(&expected) { 200 } else { 407 }).await;
    let (outbound, _) = outbound(&[], &[&[PUBLIC, OTHER]]);
    for user in ["", "app:wrong@"] {
        outbound.change(proxy.way(user, false, &authority)).unwrap();
        let error = get(&outbound, "https://sms.example/").await.unwrap_err();
        assert!(matches!(&error, OutboundError::Proxy(_)) && error.is_surely_unsent(), "{error:?}");
        assert_eq!(SendError::from(error), SendError::retry("connection failed").local());
        assert_eq!(proxy.asked().len(), 1, "another address would find the same proxy");
    }
    outbound.change(proxy.way("app:s3%3Acret@", false, &authority)).unwrap();
    assert_eq!(get(&outbound, "https://sms.example/").await.unwrap().status, 204);

    outbound.change(way("http://127.0.0.1:1", false, &authority)).unwrap();
    let error = get(&outbound, "https://sms.example/").await.unwrap_err();
    assert_eq!(SendError::from(error), SendError::retry("connection failed").local());
    serving.abort();
}

#[tokio::test]
async fn what_the_proxy_does_not_reach_is_tried_at_its_next_address() {
    let (serving, port, authority) = tls_server().await;
    let proxy = tunnels(port, |head| if head.contains(OTHER) { 200 } else { 502 }).await;
    let (outbound, _) = outbound(&[], &[&[PUBLIC, OTHER], &[PUBLIC]]);
    outbound.change(proxy.way("", false, &authority)).unwrap();
    assert_eq!(get(&outbound, "https://sms.example:1/").await.unwrap().status, 204);
    assert_eq!(proxy.asked(), [format!("{PUBLIC}:1"), format!("{OTHER}:1")]);
    let error = get(&outbound, "https://sms.example:2/").await.unwrap_err();
    assert_eq!(SendError::from(error), SendError::retry("connection failed"));
    serving.abort();

    // Says nothing, or something else.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    outbound.change(way(&url, false, &authority)).unwrap();
    let error = get(&outbound, "https://sms.example:3/").await.unwrap_err();
    assert!(matches!(error, OutboundError::Timeout { sent: false }), "{error:?}");
    let odd = super::server(ResponseTemplate::new(200)).await;
    drop(silent);
    outbound.change(way(&odd.uri(), false, &authority)).unwrap();
    assert!(get(&outbound, "https://sms.example:4/").await.unwrap_err().is_surely_unsent());
}

#[tokio::test]
async fn a_bundle_of_authorities_is_trusted_beside_those_of_the_machine() {
    let (serving, port, authority) = tls_server().await;
    let (outbound, _) = outbound(&["127.0.0.1/32"], &[&["127.0.0.1"]]);
    let url = format!("https://sms.example:{port}/");
    assert!(matches!(get(&outbound, &url).await, Err(OutboundError::Connect)));
    for bundle in [&b""[..], b"none", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"] {
        let way = Way { proxy: None, authorities: Some(bundle.to_vec()) };
        assert!(matches!(outbound.change(way), Err(OutboundError::Setup(_))), "{bundle:?}");
    }
    let way = Way { proxy: None, authorities: Some(authority.pem().into_bytes()) };
    outbound.change(way).unwrap();
    assert_eq!(get(&outbound, &url).await.unwrap().status, 204);
    outbound.connect_tls("sms.example", port, TIMEOUT).await.unwrap();
    serving.abort();
}
