use super::*;
use actix_web::test::TestRequest;
use countersign_web::rng;

fn request(peer: &str, headers: &[(&'static str, String)]) -> HttpRequest {
    let mut request = TestRequest::get().peer_addr(peer.parse().unwrap());
    for header in headers {
        request = request.append_header(header.clone());
    }
    request.to_http_request()
}

fn said(header: &HeaderValue) -> &str {
    header.to_str().unwrap()
}

#[test]
fn cookies_are_secure_but_on_this_machine() {
    let secret = LinkSecret::generate(&mut rng());
    let far = request("192.0.2.1:9", &[("host", "evil.example:1".to_owned())]);
    let text = secret.expose();
    let flags = "Path=/; HttpOnly; SameSite=Lax; Secure";
    assert_eq!(said(&set(&far, Jar::Session, &secret)), format!("__Host-cs_session={}; {flags}", *text));
    assert_eq!(
        said(&set(&far, Jar::Device, &secret)),
        format!("__Host-cs_device={}; {flags}; Max-Age=15552000", *text)
    );
    assert_eq!(said(&clear(&far, Jar::Half)), format!("__Host-cs_half=; {flags}; Max-Age=0"));
    let near = request("127.0.0.1:9", &[("host", "localhost:8080".to_owned())]);
    assert_eq!(
        said(&set(&near, Jar::Visit, &secret)),
        format!("cs_visit_8080={}; Path=/; HttpOnly; SameSite=Lax", *text)
    );
}

#[test]
fn a_cookie_counts_only_under_its_own_name_and_once() {
    let secret = LinkSecret::generate(&mut rng()).expose();
    let read_from = |peer: &str, host: &str, cookie: String| {
        let request = request(peer, &[("host", host.to_owned()), ("cookie", cookie)]);
        read(&request, Jar::Session).map(|secret| secret.expose().to_string())
    };
    let (far, near) = ("192.0.2.1:9", "127.0.0.1:9");
    let secret = secret.as_str();
    assert_eq!(
        read_from(far, "a.example", format!("x=1; __Host-cs_session={secret}")).as_deref(),
        Some(secret)
    );
    assert_eq!(
        read_from(near, "localhost:81", format!("cs_session_81={secret};y=2")).as_deref(),
        Some(secret)
    );
    for (peer, cookie) in [
        (far, format!("cs_session_80={secret}")),
        (far, format!("cs_session={secret}")),
        (far, format!("__Host-cs_half={secret}")),
        (far, format!("__Host-cs_session={secret}; __Host-cs_session={secret}")),
        (far, "__Host-cs_session=short".to_owned()),
        (near, format!("__Host-cs_session={secret}")),
        (near, format!("cs_session_8080={secret}")),
        (near, String::new()),
    ] {
        assert_eq!(read_from(peer, "localhost:80", cookie.clone()), None, "{peer} {cookie}");
    }
}
