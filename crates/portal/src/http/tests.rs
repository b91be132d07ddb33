use super::{csrf, form::Form, guard::guard};
use crate::{asset, dev::tests::fixture, pages::REFUSALS, site::Site};
use actix_web::{
    App,
    body::to_bytes,
    http::{Method, StatusCode, header::HeaderMap},
    middleware::from_fn,
    test::{TestRequest, call_service, init_service},
    web,
};
use countersign_core::{
    access::address::TrustedProxies, people::invitation::LinkSecret, ports::clock::Clock, time::Timestamp,
};
use countersign_web::{State, form::Forms, observe, rng};
use std::{sync::Arc, time::Duration};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const HOST: (&str, &str) = ("host", "portal.example");

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn steady(&self) -> Duration {
        Duration::ZERO
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn state() -> web::Data<State> {
    web::Data::new(State {
        context: fixture().page.context.clone(),
        clock: Arc::new(Noon),
        proxies: TrustedProxies::default(),
        public_url: None,
        secure: true,
        body_timeout: Duration::from_secs(1),
        notices: None,
    })
}

/// Asks a small portal, whose pages answer with the name in their form.
async fn ask(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    static FORMS: [countersign_web::form::Form; 1] = [REFUSALS];
    let site = Site { origin: Some("https://outside.example".to_owned()), support: None };
    let take = |form: Form| async move { form.text("name").to_owned() };
    let app = App::new()
        .app_data(state())
        .app_data(web::Data::new(site))
        .app_data(Forms(&FORMS))
        .wrap(from_fn(observe))
        .service(
            web::scope("/portal")
                .wrap(from_fn(guard))
                .service(
                    web::resource("/take")
                        .route(web::post().to(take))
                        .route(web::get().to(|| async { "page" })),
                )
                .service(web::resource("/reset/{secret}").route(web::get().to(|| async { "page" })))
                .service(web::resource("/assets/{name}").route(web::get().to(asset::send_asset)))
                .default_service(web::to(|| async {
                    Err::<&str, _>(countersign_web::problem::Problem::not_found("There is no such page."))
                })),
        );
    let app = init_service(app).await;
    let mut request = TestRequest::with_uri(path).method(method).set_payload(body.to_owned());
    request = request.peer_addr("192.0.2.7:9".parse().unwrap());
    for header in headers {
        request = request.append_header(*header);
    }
    let answer = call_service(&app, request.to_request()).await;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = to_bytes(answer.into_body()).await.unwrap();
    Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

/// A cookie of a browser, and the token of its forms.
fn browser(name: &str) -> (String, String) {
    let secret = LinkSecret::generate(&mut rng());
    let token = csrf::token(&state().context.management.keyring, &secret);
    (format!("__Host-{name}={}", *secret.expose()), token)
}

async fn post(cookie: &str, token: &str, headers: &[(&str, &str)]) -> Answer {
    let body = format!("name=Ola&form_token={token}");
    ask(Method::POST, "/portal/take", &[&[HOST, FORM, ("cookie", cookie)], headers].concat(), &body).await
}

#[actix_web::test]
async fn a_form_counts_only_with_the_token_of_its_own_browser() {
    for name in ["cs_session", "cs_half", "cs_visit"] {
        let (cookie, token) = browser(name);
        let answer = post(&cookie, &token, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "Ola"), "{name}");
        let (other, _) = browser(name);
        for (cookie, token) in
            [(other.as_str(), token.as_str()), (&cookie, ""), ("x=1", &token), (&cookie, "ab")]
        {
            let answer = post(cookie, token, &[]).await;
            assert_eq!(answer.status, 403, "{cookie} {token}");
            assert!(answer.body.contains("This form is from another sign-in"), "{}", answer.body);
        }
    }
    // A stranger who plants a visit in the browser gains nothing once a session is there.
    let (visit, token) = browser("cs_visit");
    let (session, _) = browser("cs_session");
    assert_eq!(post(&format!("{visit}; {session}"), &token, &[]).await.status, 403);
}

#[actix_web::test]
async fn forms_of_other_sites_are_refused() {
    let (cookie, token) = browser("cs_session");
    let own: [&[(&str, &str)]; 5] = [
        &[("origin", "https://portal.example")],
        &[("origin", "https://outside.example")],
        &[("origin", "https://portal.example"), ("sec-fetch-site", "same-origin")],
        &[("origin", "null"), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ];
    for headers in own {
        assert_eq!(post(&cookie, &token, headers).await.status, 200, "{headers:?}");
    }
    let foreign: [&[(&str, &str)]; 9] = [
        &[("origin", "https://evil.example")],
        &[("origin", "https://portal.example.evil.example")],
        &[("origin", "https://portal.example:8443")],
        &[("origin", "null")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[("origin", "https://portal.example"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://portal.example"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
    ];
    for headers in foreign {
        assert_eq!(post(&cookie, &token, headers).await.status, 403, "{headers:?}");
    }
}

#[actix_web::test]
async fn only_small_forms_are_read() {
    let (cookie, token) = browser("cs_session");
    let kinds = ["text/plain", "application/json", "multipart/form-data; boundary=x", "x"];
    for kind in kinds {
        let headers = [HOST, ("cookie", cookie.as_str()), ("content-type", kind)];
        let answer = ask(Method::POST, "/portal/take", &headers, &format!("form_token={token}")).await;
        assert_eq!(answer.status, 415, "{kind}");
    }
    let headers = [HOST, FORM, ("cookie", cookie.as_str())];
    let large = format!("form_token={token}&name={}", "x".repeat(65_536));
    assert_eq!(ask(Method::POST, "/portal/take", &headers, &large).await.status, 413);
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = ask(method.clone(), "/portal/take", &headers, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD, POST"), "{method}");
    }
}

#[actix_web::test]
async fn each_answer_has_the_headers() {
    let (cookie, _) = browser("cs_session");
    let get = |path: &'static str| ask(Method::GET, path, &[HOST, ("accept-language", "pl")], "");
    let answers = [
        get("/portal/take").await,
        get("/portal/none").await,
        get("/portal/reset/x").await,
        get("/portal/assets/portal.css").await,
        post(&cookie, "", &[]).await,
        post(&cookie, "", &[("origin", "https://evil.example")]).await,
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status.as_u16()), [200, 404, 200, 200, 403, 403]);
    for (number, answer) in answers.iter().enumerate() {
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'; "), "{number}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{number}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
        let caching = if number == 3 { "no-cache" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), caching, "{number}");
        let referrer = if number == 2 { "no-referrer" } else { "same-origin" };
        assert_eq!(answer.header("referrer-policy"), referrer, "{number}");
    }
    let missing = &answers[1];
    assert_eq!(missing.header("content-type"), "text/html; charset=utf-8");
    assert!(missing.body.contains("Nie ma takiej strony"), "{}", missing.body);
    let chosen = ask(Method::GET, "/portal/none?lang=en", &[HOST, ("accept-language", "pl")], "").await;
    assert!(chosen.body.contains("There is no such page"), "{}", chosen.body);
}

#[actix_web::test]
async fn a_head_has_the_headers_of_a_get() {
    let answer = ask(Method::HEAD, "/portal/take", &[HOST], "").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
}
