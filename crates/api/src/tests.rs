//! Tests the whole API over stores that contain one key.

mod address;
mod document;
pub mod stores;

use crate::{Api, configure, fallback};
use actix_web::{
    App, HttpResponse,
    body::to_bytes,
    dev::Service,
    http::{Method, StatusCode, header, header::HeaderMap},
    middleware::from_fn,
    test::{TestRequest, init_service},
    web,
};
use countersign_core::{
    access::scope::{Scope, Scopes},
    mode::Mode,
};
use countersign_web::{
    deprecation::{Deprecation, Table},
    observe,
};
use serde_json::{Value, json};
use std::sync::Arc;
use stores::key_text;

/// The end of an id that no verification or key has.
const NOBODY: &str = "01jz0w8e9c4t6yv2k5n3m7p8qr";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
    body: Value,
}

impl Answer {
    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

async fn panics() -> HttpResponse {
    panic!("on purpose")
}

/// An error of actix-web, as a page outside the API might return it.
async fn fails() -> Result<HttpResponse, actix_web::Error> {
    Err(actix_web::error::ErrorInternalServerError("the engine's own words"))
}

async fn send_to(api: Api, request: TestRequest) -> Answer {
    send_deprecated(api, &[], request).await
}

/// Sends a request to an API in which these operations are deprecated.
async fn send_deprecated(api: Api, table: &'static [Deprecation], request: TestRequest) -> Answer {
    let app = App::new()
        .wrap(from_fn(observe))
        .configure(configure(api))
        .app_data(Table(table))
        .route("/panic", web::get().to(panics))
        .route("/error", web::get().to(fails))
        .default_service(web::to(fallback));
    let app = init_service(app).await;
    let response = match app.call(request.to_request()).await {
        Ok(response) => response.into_parts().1,
        Err(error) => error.error_response(),
    };
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body()).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
}

fn request(method: Method, uri: &str) -> TestRequest {
    TestRequest::default().method(method).uri(uri)
}

fn with_key(request: TestRequest, mode: Mode) -> TestRequest {
    request.insert_header((header::AUTHORIZATION, format!("Bearer {}", key_text(mode))))
}

async fn call(mode: Mode, scopes: Scopes, request: TestRequest) -> Answer {
    send_to(stores::api(mode, scopes, false), with_key(request, mode)).await
}

#[actix_web::test]
async fn a_start_answers_the_verification_with_its_number() {
    let body = json!({"to": "+48 500 500 500", "profile": null, "metadata": {"order": "7"}});
    let asked = request(Method::POST, "/v1/verifications").set_json(body);
    let answer = call(Mode::Test, Scopes::all(), asked).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let id = answer.body["id"].as_str().unwrap();
    assert_eq!(answer.header(header::LOCATION), format!("/v1/verifications/{id}"));
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert!(answer.header("x-request-id").starts_with("req_"));
    let mut body = answer.body.clone();
    body.as_object_mut().unwrap().remove("id");
    let expected = json!({
        "profile": "default", "status": "pending", "to": "+48500500500",
        "created_at": "2027-01-15T08:00:00.000Z", "expires_at": "2027-01-15T08:05:00.000Z",
        "resend_at": "2027-01-15T08:00:30.000Z", "attempts_left": 5, "sends_left": 4,
        "delivery": "queued", "metadata": {"order": "7"}, "livemode": false,
    });
    assert_eq!(body, expected);
}

#[actix_web::test]
async fn a_number_alone_names_its_problem_and_others_come_together() {
    let start =
        |body| call(Mode::Live, Scopes::all(), request(Method::POST, "/v1/verifications").set_json(body));
    let alone = start(json!({"to": "500500500"})).await;
    assert_eq!(alone.body["code"], "invalid_phone_number");
    assert_eq!(alone.body["errors"][0]["field"], "to");
    let landline = start(json!({"to": "+48 22 694 00 00"})).await;
    assert_eq!(landline.body["code"], "number_cannot_receive_sms");
    let all = start(json!({"to": "x", "code_length": 3, "nope": 1, "metadata": {"a": 1}})).await;
    assert_eq!((all.status, &all.body["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
    let fields: Vec<_> = all.body["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
    assert_eq!(fields, ["to", "code_length", "metadata.a", "nope"]);
    let profile = start(json!({"to": "+48500500500", "profile": "shop"})).await;
    assert_eq!(profile.body["errors"][0]["field"], "profile");
}

#[actix_web::test]
async fn a_note_that_stands_twice_and_a_time_too_late_are_told_by_their_field() {
    let post = |uri, body: &'static str| {
        let json = (header::CONTENT_TYPE, "application/json");
        call(Mode::Live, Scopes::all(), request(Method::POST, uri).insert_header(json).set_payload(body))
    };
    let told = |answer: Answer| (answer.status.as_u16(), answer.body["errors"].clone());
    let twice = r#"{"to": "+48500500500", "metadata": {"a": "1", "a": "2"}}"#;
    let error = json!([{"field": "metadata.a", "code": "duplicate", "message": "must stand once"}]);
    assert_eq!(told(post("/v1/verifications", twice).await), (400, error));
    let late = r#"{"name": "n", "scopes": ["keys:write"], "expires_at": "9999-12-31T23:59:59Z"}"#;
    let message = "must not be after 9999-12-30T22:00:00Z";
    let error = json!([{"field": "expires_at", "code": "out_of_range", "message": message}]);
    assert_eq!(told(post("/v1/keys", late).await), (400, error));
}

#[actix_web::test]
async fn a_body_has_a_type_and_a_size() {
    let post = || request(Method::POST, "/v1/verifications");
    let json = ("content-type", "application/json; charset=utf-8");
    for (asked, status) in [
        (post().set_payload("{}"), 415),
        (post().insert_header((header::CONTENT_TYPE, "text/plain")).set_payload("{}"), 415),
        (post().insert_header(json).set_payload(vec![b' '; 65_537]), 413),
        (post().insert_header(json).set_payload("{"), 400),
        (request(Method::POST, "/v1/verifications?dry=1").insert_header(json).set_payload("{}"), 400),
        (request(Method::POST, &format!("/v1/verifications/ver_{NOBODY}/resend")).set_payload("{}"), 415),
        (request(Method::POST, &format!("/v1/verifications/ver_{NOBODY}/resend")), 404),
    ] {
        assert_eq!(call(Mode::Live, Scopes::all(), asked).await.status.as_u16(), status);
    }
}

#[actix_web::test]
async fn who_is_not_known_is_told_how_to_present_a_key() {
    let read = || request(Method::GET, "/v1/keys");
    let api = |disabled| stores::api(Mode::Live, Scopes::all(), disabled);
    let nobody = send_to(api(false), read()).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert_eq!(nobody.header(header::WWW_AUTHENTICATE), r#"Bearer realm="countersign""#);
    let invalid = r#"Bearer realm="countersign", error="invalid_token""#;
    let disabled = send_to(api(true), with_key(read(), Mode::Live)).await;
    let other_mode = send_to(api(false), with_key(read(), Mode::Test)).await;
    let twice = with_key(read(), Mode::Live).append_header((header::AUTHORIZATION, "Bearer x"));
    for answer in [disabled, other_mode, send_to(api(false), twice).await] {
        assert_eq!((answer.status.as_u16(), answer.header(header::WWW_AUTHENTICATE)), (401, invalid));
        assert_eq!(answer.body["code"], "invalid_key");
        assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
    }
}

#[actix_web::test]
async fn an_accepted_key_is_noted_and_a_refused_one_is_not() {
    let api = stores::api(Mode::Live, Scopes::all(), false);
    let uses = api.key_uses.clone();
    send_to(api, request(Method::GET, "/v1/keys")).await;
    assert_eq!(uses.drain().len(), 0);
    let mut api = stores::api(Mode::Live, Scopes::all(), false);
    api.key_uses = uses.clone();
    send_to(api, with_key(request(Method::GET, "/v1/keys"), Mode::Live)).await;
    assert_eq!(uses.drain().len(), 1);
}

#[actix_web::test]
async fn keys_grant_only_what_they_hold() {
    let some: Scopes = [Scope::KeysWrite, Scope::VerificationsStart].into_iter().collect();
    let create = |mode, body: Value| call(mode, some, request(Method::POST, "/v1/keys").set_json(body));
    let made = create(Mode::Live, json!({"name": "n", "scopes": ["verifications:start"]})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert!(made.body["secret"].as_str().unwrap().starts_with("cs_live_"));
    let beyond = create(Mode::Live, json!({"name": "n", "scopes": ["numbers:read"]})).await;
    assert_eq!((beyond.status.as_u16(), &beyond.body["code"]), (403, &json!("insufficient_scope")));
    let live = create(Mode::Test, json!({"name": "n", "scopes": ["verifications:start"]})).await;
    assert_eq!(live.status, StatusCode::FORBIDDEN);
    let broken = json!({"name": "", "scopes": [], "expires_at": "tomorrow", "mode": "both"});
    assert_eq!(create(Mode::Live, broken).await.body["errors"].as_array().unwrap().len(), 4);
}

#[actix_web::test]
async fn a_key_cannot_lock_itself_out() {
    let id = countersign_core::id::KeyId::from_bytes([9; 16]);
    let uri = format!("/v1/keys/{id}");
    let send = |asked| call(Mode::Live, Scopes::all(), asked);
    assert_eq!(send(request(Method::DELETE, &uri)).await.status, StatusCode::CONFLICT);
    let disable = request(Method::PATCH, &uri).set_json(json!({"disabled": true}));
    assert_eq!(send(disable).await.body["code"], "conflict");
    let rename = request(Method::PATCH, &uri)
        .insert_header((header::CONTENT_TYPE, "application/merge-patch+json"))
        .set_payload(r#"{"name": "two", "expires_at": null}"#);
    assert_eq!(send(rename).await.body["name"], "two");
    let null = request(Method::PATCH, &uri).set_json(json!({"name": null}));
    assert_eq!(send(null).await.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn pages_follow_each_other() {
    let list =
        |query: &str| call(Mode::Live, Scopes::all(), request(Method::GET, &format!("/v1/keys{query}")));
    let page = list("?limit=2").await;
    assert_eq!(page.body["data"].as_array().unwrap().len(), 2);
    let cursor = page.body["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(list(&format!("?cursor={cursor}")).await.body["data"].as_array().unwrap().len(), 20);
    for bad in ["?limit=0", "?limit=101", "?limit=", "?limit=+5", "?cursor=x", "?page=2", "?limit=1&limit=1"]
    {
        assert_eq!(list(bad).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[actix_web::test]
async fn stores_that_are_away_say_so_without_their_own_words() {
    let check = request(Method::POST, &format!("/v1/verifications/ver_{NOBODY}/check"));
    let away = call(Mode::Live, Scopes::all(), check.set_json(json!({"code": "123456"}))).await;
    assert_eq!((away.status.as_u16(), &away.body["code"]), (503, &json!("codes_unavailable")));
    assert_eq!(away.header(header::RETRY_AFTER), "1");
    assert!(!away.body.to_string().contains("engine"));
    let ready = call(Mode::Live, Scopes::all(), request(Method::GET, "/health/ready")).await;
    assert_eq!(
        ready.body,
        json!({"status": "ok"}),
        "the codes answer, and the copy of the directory is fresh"
    );
    let mut api = stores::api(Mode::Live, Scopes::all(), false);
    let mut state = Arc::into_inner(api.state.into_inner()).unwrap();
    state.context.management.replica.snapshot = Arc::default();
    api.state = web::Data::new(state);
    let unread = send_to(api, request(Method::GET, "/health/ready")).await;
    assert_eq!((unread.status.as_u16(), &unread.body["code"]), (503, &json!("directory_unavailable")));
    let live = call(Mode::Live, Scopes::all(), request(Method::GET, "/health/live")).await;
    assert_eq!(live.body, json!({"status": "ok"}));
}

#[actix_web::test]
async fn a_panic_or_a_foreign_error_is_a_problem_with_the_id_of_its_request() {
    for uri in ["/panic", "/error"] {
        let answer = call(Mode::Live, Scopes::all(), request(Method::GET, uri)).await;
        assert_eq!((answer.status.as_u16(), &answer.body["code"]), (500, &json!("internal")), "{uri}");
        assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        assert!(!answer.text.contains("engine"), "{uri}");
    }
}

#[actix_web::test]
async fn the_pages_for_people_load_nothing_from_outside() {
    let page = |name: &str| call(Mode::Live, Scopes::all(), request(Method::GET, &format!("/docs/{name}")));
    for name in ["", "swagger-initializer.js"] {
        let page = page(name).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.text.contains("http:") && !page.text.contains("https:"), "{}", page.text);
    }
    let settings = page("swagger-initializer.js").await.text;
    assert!(settings.contains(r#""validatorUrl": "none""#), "{settings}");
    for name in ["nothing.js", "swagger-ui.js", "../Cargo.toml", "%2e%2e/"] {
        let missing = page(name).await;
        assert_eq!((missing.status.as_u16(), &missing.body["code"]), (404, &json!("not_found")), "{name}");
        assert_eq!(missing.header(header::CONTENT_TYPE), "application/problem+json");
    }
    let moved = call(Mode::Live, Scopes::all(), request(Method::GET, "/docs")).await;
    assert_eq!(moved.header(header::LOCATION), "/docs/");
    let document = call(Mode::Live, Scopes::all(), request(Method::GET, "/openapi.json")).await;
    assert_eq!(document.body, serde_json::to_value(crate::openapi()).unwrap());
}

#[actix_web::test]
async fn each_answer_of_an_operation_that_will_go_says_so() {
    const OLD: Deprecation = Deprecation {
        method: "POST",
        path: "/v1/verifications/{id}/check",
        since: jiff::civil::date(2026, 1, 1),
        sunset: jiff::civil::date(2027, 1, 1),
        link: "https://example.com/docs/versioning",
    };
    const TABLE: &[Deprecation] = &[OLD, Deprecation { method: "GET", path: "/health/live", ..OLD }];
    let check = |method| request(method, &format!("/v1/verifications/ver_{NOBODY}/check"));
    let send = |asked| send_deprecated(stores::api(Mode::Live, Scopes::all(), false), TABLE, asked);
    let says = |answer: &Answer| {
        [
            header::HeaderName::from_static("deprecation"),
            header::HeaderName::from_static("sunset"),
            header::LINK,
        ]
        .map(|name| answer.header(name).to_owned())
    };
    let told = ["@1767225600", "Fri, 01 Jan 2027 00:00:00 GMT"].map(str::to_owned);
    let body = json!({"code": "123456"});
    for (asked, status) in [
        (request(Method::GET, "/health/live"), 200),
        // These stores cannot carry out checks.
        (with_key(check(Method::POST), Mode::Live).set_json(&body), 503),
        (with_key(check(Method::POST), Mode::Live), 415),
        (check(Method::POST).set_json(&body), 401),
    ] {
        let answer = send(asked).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        let [since, sunset, link] = says(&answer);
        assert_eq!([since, sunset], told);
        assert_eq!(link, r#"<https://example.com/docs/versioning>; rel="deprecation"; type="text/html""#);
    }
    for other in [
        with_key(check(Method::GET), Mode::Live),
        with_key(request(Method::POST, "/v1/checks"), Mode::Live),
        request(Method::GET, "/health/ready"),
    ] {
        assert_eq!(says(&send(other).await), ["", "", ""].map(str::to_owned));
    }
}
