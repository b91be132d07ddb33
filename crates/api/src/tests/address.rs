//! Tests where requests come from, and the limit of failures from one address.

use super::*;

fn from(peer: &str) -> TestRequest {
    request(Method::GET, "/v1/keys").peer_addr(peer.parse().unwrap())
}

#[actix_web::test]
async fn a_forwarded_hop_that_is_no_address_is_refused_only_from_a_proxy() {
    let forwarded = ("x-forwarded-for", "198.51.100.1, unknown");
    let proxied = with_key(from("10.0.0.1:4711"), Mode::Live).insert_header(forwarded);
    let answer = send_to(stores::api(Mode::Live, Scopes::all(), false), proxied).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (400, &json!("invalid_request")));
    assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
    let direct = with_key(from("203.0.113.9:4711"), Mode::Live).insert_header(forwarded);
    assert_eq!(send_to(stores::api(Mode::Live, Scopes::all(), false), direct).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn failures_are_counted_by_caller_and_slow_no_valid_key() {
    // Each address may fail once, and once more after a minute.
    let failures = stores::api(Mode::Live, Scopes::all(), false).failures;
    let send = |request: TestRequest| {
        let failures = failures.clone();
        let api = crate::Api { failures, ..stores::api(Mode::Live, Scopes::all(), false) };
        send_to(api, request)
    };
    let wrong = |caller: &str| {
        let wrong = with_key(from("10.0.0.1:4711"), Mode::Test);
        send(wrong.insert_header(("x-forwarded-for", caller)))
    };
    assert_eq!(wrong("198.51.100.1").await.body["code"], "invalid_key");
    let refused = wrong("203.0.113.9, 198.51.100.1").await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (429, &json!("rate_limited")));
    assert_eq!(refused.body["limit"], json!({"name": "auth_failures", "scope": "caller_address"}));
    assert_eq!(refused.header(header::RETRY_AFTER), "60");
    assert_eq!(wrong("198.51.100.2").await.body["code"], "invalid_key");
    let forwarded = ("x-forwarded-for", "198.51.100.1");
    let valid = with_key(from("10.0.0.1:4711"), Mode::Live).insert_header(forwarded);
    assert_eq!(send(valid).await.status, StatusCode::OK);
    let nobody = from("10.0.0.1:4711").insert_header(forwarded);
    assert_eq!(send(nobody).await.status, StatusCode::UNAUTHORIZED, "no key is no guess");
}
