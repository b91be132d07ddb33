mod fakes;

use super::{DevPage, configure};
use actix_web::{
    App,
    body::MessageBody,
    dev::{Payload, ServiceResponse},
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use countersign_core::{
    context::{Context, Management, Replica},
    fakes::directory::NoDirectory,
    id::{EventId, MessageId, RecordKey, TenantId, VerificationId},
    keyring::{KeyRing, VersionedKey},
    mode::Mode,
    ports::inbox::{ConsoleMode, InboxMessage},
    tenant::{Tenant, TenantName},
    time::Timestamp,
    verification::event::{Event, EventKind},
};
use fakes::{MemoryInbox, NoHistory, OneTimeline};
use futures_util::stream::pending;
use serde_json::{Value, json};
use std::{future::poll_fn, pin::pin, sync::Arc, time::Duration};

const KEY: &str = "cs_live_00000000000000000000000007_secretsecretsecret1234";

pub(crate) struct Fixture {
    pub(crate) page: web::Data<DevPage>,
    codes: Arc<OneTimeline>,
}

pub(crate) fn fixture() -> Fixture {
    let codes = Arc::new(OneTimeline::default());
    let versioned = |byte| vec![VersionedKey { version: 1, key: [byte; 32] }];
    let management = Management {
        replica: Replica {
            directory: Arc::new(NoDirectory),
            snapshot: Arc::default(),
            peers: Some(codes.clone()),
        },
        keyring: Arc::new(KeyRing::new([1; 32], versioned(2), versioned(3)).unwrap()),
        gateways: Arc::new(countersign_core::fakes::gateways::NoGateways::default()),
        live_route: true,
    };
    let context = Context {
        management,
        codes: codes.clone(),
        history: Arc::new(NoHistory),
        webhooks: Arc::new(countersign_core::fakes::webhooks::NoWebhooks),
        partitions: 64,
    };
    let name = TenantName::parse("Acme <Demo>").unwrap();
    let tenant = Tenant::new(TenantId::from_bytes([7; 16]), name, Timestamp::default());
    let page = DevPage {
        mails: Default::default(),
        context,
        inbox: Arc::new(MemoryInbox::default()),
        switch: Arc::default(),
        tenant,
        key: KEY.to_owned().into(),
        base_url: "http://127.0.0.1:8080".into(),
        stop: Default::default(),
    };
    Fixture { page: web::Data::new(page), codes }
}

fn message(number: u8, to: &str, text: &str) -> InboxMessage {
    InboxMessage {
        id: MessageId::from_bytes([number; 16]),
        verification: VerificationId::from_bytes([number; 16]),
        to: to.into(),
        from: "Acme".into(),
        text: text.into(),
        code: "123456".into(),
        at: Timestamp::from_millis(1_790_000_000_000 + i64::from(number)),
    }
}

fn header<B>(answer: &ServiceResponse<B>, name: &str) -> String {
    answer.headers().get(name).unwrap().to_str().unwrap().to_owned()
}

async fn ask(page: &web::Data<DevPage>, request: TestRequest) -> (u16, String) {
    let app = init_service(App::new().configure(configure(page.clone()))).await;
    let answer = call_service(&app, request.to_request()).await;
    let status = answer.status().as_u16();
    (status, String::from_utf8(read_body(answer).await.to_vec()).unwrap())
}

async fn get(page: &web::Data<DevPage>, path: &str) -> (u16, Value) {
    let (status, body) = ask(page, TestRequest::get().uri(path)).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[actix_web::test]
async fn the_root_leads_to_the_page() {
    let app = init_service(App::new().configure(configure(fixture().page))).await;
    let answer = call_service(&app, TestRequest::get().uri("/").to_request()).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(header(&answer, "location"), "/dev");
}

#[actix_web::test]
async fn the_page_holds_messages_as_text_under_a_strict_policy() {
    let fixture = fixture();
    let text = "123456 <img src=x onerror=alert(1)>";
    fixture.page.inbox.put(&message(1, "+48500500500", text)).await.unwrap();
    let app = init_service(App::new().configure(configure(fixture.page.clone()))).await;
    let answer = call_service(&app, TestRequest::get().uri("/dev").to_request()).await;
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let policy = header(&answer, "content-security-policy");
    assert!(policy.starts_with("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let html = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
    assert!(html.contains("123456 &#60;img"), "a message is escaped");
    assert!(html.contains("Acme &#60;Demo&#62;") && !html.contains("<img"));
    assert!(!html.contains("style=") && !html.contains("onclick") && !html.contains("https://"));
    assert!(html.contains("14:13 UTC"), "the time is readable without script");
    assert!(html.contains("cs_live_0000…1234"), "the key is shown shortened");
}

#[actix_web::test]
async fn messages_are_newest_first_and_by_number() {
    let page = fixture().page;
    for (number, to) in [(1, "+48500500500"), (2, "+447911123456"), (3, "+48500500500")] {
        page.inbox.put(&message(number, to, "123456 is your code.\n\n@a.example #123456")).await.unwrap();
    }
    let (status, all) = get(&page, "/dev/messages").await;
    assert_eq!((status, all.as_array().unwrap().len()), (200, 3));
    assert_eq!(
        all[0],
        json!({
            "id": MessageId::from_bytes([3; 16]).to_string(),
            "verification_id": VerificationId::from_bytes([3; 16]).to_string(),
            "to": "+48500500500",
            "from": "Acme",
            "text": "123456 is your code.\n\n@a.example #123456",
            "code": "123456",
            "at": "2026-09-21T14:13:20.003Z",
        })
    );
    for query in ["+447911123456", "%2B447911123456", "+44%207911%20123456", "00447911123456"] {
        let (status, one) = get(&page, &format!("/dev/messages?to={query}")).await;
        assert_eq!((status, one.as_array().map(Vec::len)), (200, Some(1)), "{query}");
    }
    for query in ["to=500", "to=", "number=%2B48500500500", "to=%2B48500500500&to=%2B48500500500"] {
        let (status, problem) = get(&page, &format!("/dev/messages?{query}")).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_request")), "{query}");
    }
}

#[actix_web::test]
async fn the_timeline_is_in_words_and_of_the_demo_tenant() {
    let Fixture { page, codes } = fixture();
    let id = VerificationId::from_bytes([9; 16]);
    let key = RecordKey { tenant: page.tenant.id, mode: Mode::Live, id };
    let event = Event {
        id: EventId::from_bytes([1; 16]),
        at: Timestamp::from_millis(1_790_000_000_000),
        kind: EventKind::CheckWrong { attempts_left: 4, in_row: 1, wait: None },
        who: None,
    };
    *codes.0.lock().unwrap() = Some((key, vec![event]));
    let line = json!([{ "at": "2026-09-21T14:13:20.000Z", "kind": "check_wrong", "sentence": "Wrong code, 4 tries left" }]);
    assert_eq!(get(&page, &format!("/dev/timeline/{id}")).await, (200, line));
    let other = VerificationId::from_bytes([8; 16]).to_string();
    for missing in [other.as_str(), "ver_1", "x"] {
        assert_eq!(get(&page, &format!("/dev/timeline/{missing}")).await.0, 404, "{missing}");
    }
}

#[actix_web::test]
async fn the_provider_switch_moves() {
    let page = fixture().page;
    let set = |body: &'static str| {
        let request = TestRequest::post().uri("/dev/provider").set_payload(body);
        let page = page.clone();
        async move { ask(&page, request).await.0 }
    };
    for body in ["", "{}", r#"{"mode":"broken"}"#, r#"{"mode":"down","more":1}"#] {
        assert_eq!(set(body).await, 400, "{body}");
    }
    assert_eq!(page.switch.get(), ConsoleMode::Working);
    assert_eq!(set(r#"{"mode":"slow"}"#).await, 200);
    assert_eq!(page.switch.get(), ConsoleMode::Slow);
    assert_eq!(get(&page, "/dev/provider").await, (200, json!({ "mode": "slow" })));
}

#[actix_web::test]
async fn a_body_is_bounded_in_size_and_time() {
    let Fixture { page, .. } = fixture();
    let large = TestRequest::post().uri("/dev/provider").set_payload(vec![b' '; 65_537]);
    assert_eq!(ask(&page, large).await.0, 413);
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let app = init_service(App::new().configure(configure(page))).await;
    let never: Payload = Payload::Stream { payload: Box::pin(pending()) };
    let request = TestRequest::post().uri("/dev/provider").to_request();
    let answer = call_service(&app, request.replace_payload(never).0).await;
    assert_eq!((answer.status().as_u16(), started.elapsed().as_secs()), (400, 10));
}

#[actix_web::test]
async fn the_stream_tells_what_arrives_and_ends_at_shutdown() {
    let page = fixture().page;
    page.inbox.put(&message(1, "+48500500500", "old")).await.unwrap();
    let app = init_service(App::new().configure(configure(page.clone()))).await;
    let answer = call_service(&app, TestRequest::get().uri("/dev/events").to_request()).await;
    assert_eq!(header(&answer, "content-type"), "text/event-stream");
    let mut body = pin!(answer.into_body());
    let mut next = async || {
        let chunk = poll_fn(|context| body.as_mut().poll_next(context));
        let chunk = tokio::time::timeout(Duration::from_secs(5), chunk).await.unwrap();
        chunk.map(|bytes| String::from_utf8(bytes.ok().unwrap().to_vec()).unwrap())
    };
    assert_eq!(next().await.as_deref(), Some("retry: 1000\n\n"));
    for number in [2, 3] {
        page.inbox.put(&message(number, "+48500500500", "a\n\nb")).await.unwrap();
    }
    for number in [2, 3] {
        let event = next().await.unwrap();
        let data = event.strip_prefix("event: message\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["id"], MessageId::from_bytes([number; 16]).to_string());
        assert_eq!(data["text"], "a\n\nb");
    }
    page.stop.cancel();
    assert_eq!(next().await, None);
}

#[actix_web::test]
async fn assets_are_embedded_and_revalidated() {
    let page = fixture().page;
    let app = init_service(App::new().configure(configure(page.clone()))).await;
    for (name, kind) in [
        ("style.css", "text/css; charset=utf-8"),
        ("tokens.css", "text/css; charset=utf-8"),
        ("dev.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let path = format!("/dev/assets/{name}");
        let answer = call_service(&app, TestRequest::get().uri(&path).to_request()).await;
        assert_eq!(header(&answer, "content-type"), kind);
        let etag = header(&answer, "etag");
        let again = TestRequest::get().uri(&path).insert_header(("if-none-match", etag));
        assert_eq!(call_service(&app, again.to_request()).await.status(), 304);
    }
    for name in ["none.js", "..%2Fsrc%2Flib.rs", "%2e%2e%2fCargo.toml"] {
        assert_eq!(get(&page, &format!("/dev/assets/{name}")).await.0, 404, "{name}");
    }
}
