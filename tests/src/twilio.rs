//! The Twilio-compatible API over HTTP, in cases that Twilio's own clients cannot produce: credentials,
//! hosts, time, races.

mod spec;

use crate::{
    app::{Answer, TestApp, TestKey, answer},
    codes::{number, seconds},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign_core::{
    access::scope::{Scope, Scopes},
    mode::Mode,
};
use reqwest::Method;
use serde_json::{Value, json};

fn sid(prefix: &str, bytes: &[u8; 16]) -> String {
    format!("{prefix}{:032x}", u128::from_be_bytes(*bytes))
}

fn account(key: &TestKey) -> String {
    sid("AC", key.caller.tenant.bytes())
}

/// A server, a tenant and the SID of its service.
struct Bench {
    app: TestApp,
    key: TestKey,
    service: String,
}

impl Bench {
    async fn new() -> Self {
        let app = TestApp::spawn().await;
        let key = app.tenant("Acme").await;
        let mut bench = Self { app, key, service: String::new() };
        let services = bench.get("/v2/Services").await.json();
        bench.service = services["services"][0]["sid"].as_str().unwrap().to_owned();
        bench
    }

    async fn send(&self, key: &TestKey, method: Method, path: &str, form: Option<&[(&str, &str)]>) -> Answer {
        let mut request = self.app.client.request(method, format!("{}{path}", self.app.base_url));
        request = request.basic_auth(account(key), Some(&key.text));
        if let Some(form) = form {
            let encoded = reqwest::Url::parse_with_params("http://form", form).unwrap();
            let body = encoded.query().unwrap_or_default().to_owned();
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        answer(request).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(&self.key, Method::GET, path, None).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(&self.key, Method::POST, path, Some(form)).await
    }

    async fn start(&self, to: &str, more: &[(&str, &str)]) -> Answer {
        let form = [&[("To", to), ("Channel", "sms")], more].concat();
        self.post(&format!("/v2/Services/{}/Verifications", self.service), &form).await
    }

    async fn check(&self, form: &[(&str, &str)]) -> Answer {
        self.post(&format!("/v2/Services/{}/VerificationCheck", self.service), form).await
    }

    /// The code of a verification, as it arrived on the phone.
    async fn code(&self, verification: &Value) -> String {
        let bytes = u128::from_str_radix(&verification["sid"].as_str().unwrap()[2..], 16).unwrap();
        let id = countersign_core::id::VerificationId::from_bytes(bytes.to_be_bytes());
        self.app.message(&id.to_string()).await.code
    }
}

/// The status, and the code in the body, which must have exactly Twilio's form.
fn refusal(answer: &Answer) -> (u16, u64) {
    let body = answer.json();
    assert_eq!(answer.header("content-type"), "application/json", "{answer:?}");
    let names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["code", "message", "more_info", "status"], "{answer:?}");
    assert_eq!(body["status"], answer.status, "{answer:?}");
    assert!(answer.header("x-request-id").starts_with("req_"));
    (answer.status, body["code"].as_u64().unwrap())
}

#[tokio::test]
async fn the_user_must_belong_to_the_key() {
    let bench = Bench::new().await;
    let stranger = bench.app.tenant("Stranger").await;
    let (user, key) = (account(&bench.key), bench.key.text.as_str());
    let by_key = sid("SK", bench.key.caller.key().unwrap().bytes());
    let header = |text: String| format!("Basic {}", STANDARD.encode(text));
    let ask = async |authorization: Vec<String>| {
        let mut request = bench.app.client.get(format!("{}/v2/Services", bench.app.base_url));
        for value in authorization {
            request = request.header("authorization", value);
        }
        answer(request).await
    };
    for good in [
        header(format!("{user}:{key}")),
        header(format!("{by_key}:{key}")),
        header(format!("{}:{key}", user.to_uppercase())),
        header(format!("{user}:{key}")).replace("Basic", "bAsIc"),
        header(format!("{user}:{}", key.replace('_', ""))),
        header(format!("{by_key}:{}", key.replace('_', ""))),
    ] {
        assert_eq!(ask(vec![good.clone()]).await.status, 200, "{good}");
    }
    let right = header(format!("{user}:{key}"));
    for bad in [
        vec![],
        vec![header(format!("{}:{key}", account(&stranger)))],
        vec![header(format!("{}:{}", account(&stranger), bench.key.text))],
        vec![header(format!("{}:{key}", sid("SK", stranger.caller.key().unwrap().bytes())))],
        vec![header(format!("{}:{key}", bench.key.caller.tenant))],
        vec![header(format!(":{key}"))],
        vec![header(key.to_owned())],
        vec![header(format!("{user}:{key}x"))],
        vec![header(format!("{user}: {key}"))],
        vec![header(format!("{user}:{}", key.replacen('_', "", 1)))],
        vec![header(format!("{user}:{}", key.replacen('_', "", 2)))],
        vec![header(format!("{user}:{}", key.replace('_', "-")))],
        vec![header(format!("{user}:{}", key.replace('_', "").to_uppercase()))],
        vec![header(format!("{user}:{}", key.replace('_', "").replace("cslive", "cstest")))],
        vec![header(format!("{}:{}", account(&stranger), key.replace('_', "")))],
        vec![header(format!("{user}:"))],
        vec![header(format!("{key}:{user}"))],
        vec![format!("Bearer {key}")],
        vec!["Basic".into()],
        vec!["Basic ".into()],
        vec!["Basic !!!".into()],
        vec![format!("Basic {}", STANDARD.encode(b"\xff\xfe:x"))],
        vec![right.clone(), right.clone()],
        vec![format!("Basic {}", "A".repeat(4_000))],
    ] {
        let refused = ask(bad.clone()).await;
        assert_eq!(refusal(&refused), (401, 20003), "{bad:?}");
        assert_eq!(refused.header("www-authenticate"), r#"Basic realm="countersign""#);
    }
    // Basic authentication does not work for the API's own paths, even with a valid key.
    let native = bench.app.client.get(format!("{}/v1/keys", bench.app.base_url));
    assert_eq!(answer(native.header("authorization", right)).await.problem(), (401, "invalid_key".into()));
    // The spelling without underscores is accepted only as a password.
    let plain = key.replace('_', "");
    let elsewhere = [("GET", "/v1/keys"), ("POST", "/mfa/codes"), ("GET", "/v2/Services")];
    for (method, path) in elsewhere.into_iter().chain([("POST", "/one-time-password-sms/v1/send-code")]) {
        assert_eq!(bench.app.send(method, path, Some(&plain), None).await.status, 401, "{path}");
    }
}

/// A service that is created again under its old name is a new one.
#[tokio::test]
async fn a_new_service_has_nothing_of_the_old_one_of_its_name() {
    let bench = Bench::new().await;
    let make = async || {
        let made = bench.post("/v2/Services", &[("FriendlyName", "My Shop")]).await;
        made.json()["sid"].as_str().unwrap().to_owned()
    };
    let old = make().await;
    let form = [("To", "+48500500501"), ("Channel", "sms")];
    let started = bench.post(&format!("/v2/Services/{old}/Verifications"), &form).await.json();
    let sid = started["sid"].as_str().unwrap();
    let code = bench.code(&started).await;
    assert_eq!(
        bench.send(&bench.key, Method::DELETE, &format!("/v2/Services/{old}"), None).await.status,
        204
    );
    let new = make().await;
    assert_ne!(old, new);
    let path = format!("/v2/Services/{new}/Verifications/{sid}");
    assert_eq!(refusal(&bench.send(&bench.key, Method::GET, &path, None).await), (404, 20404));
    assert_eq!(refusal(&bench.post(&path, &[("Status", "canceled")]).await), (404, 20404));
    let check = [("VerificationSid", sid), ("Code", &code)];
    let checked = bench.post(&format!("/v2/Services/{new}/VerificationCheck"), &check).await;
    assert_eq!(refusal(&checked), (404, 20404));
}

#[tokio::test]
async fn one_scope_and_the_allowlists_decide() {
    let bench = Bench::new().await;
    let without: Scopes = Scope::ALL.into_iter().filter(|scope| *scope != Scope::CompatTwilio).collect();
    let other = bench.app.key_for(&bench.key.caller, Mode::Live, without).await;
    let path = "/v2/Services";
    assert_eq!(refusal(&bench.send(&other, Method::GET, path, None).await), (403, 20403));
    let only = bench.app.key_with(&bench.key.caller, Scope::CompatTwilio).await;
    assert_eq!(bench.send(&only, Method::GET, path, None).await.status, 200);
    let list = json!({ "entries": [{ "range": "192.0.2.0/24" }], "confirm": true });
    let set = bench.app.send("PUT", "/v1/allowlists/api", Some(&bench.key.text), Some(&list)).await;
    assert_eq!(set.status, 200, "{set:?}");
    assert_eq!(refusal(&bench.send(&only, Method::GET, path, None).await), (403, 20403));
}

#[tokio::test]
async fn failures_are_counted_as_everywhere() {
    let app = TestApp::spawn_with(|settings| {
        settings.server.auth_failures = std::num::NonZeroU32::new(5).unwrap();
    })
    .await;
    let key = app.tenant("Acme").await;
    let url = format!("{}/v2/Services", app.base_url);
    for n in 0..6 {
        let refused = answer(app.client.get(&url).basic_auth(account(&key), Some("wrong"))).await;
        let expected = if n < 5 { (401, 20003) } else { (429, 20429) };
        assert_eq!(refusal(&refused), expected);
        assert_eq!(refused.header("retry-after"), "", "Java's client would hang for it");
    }
    assert_eq!(answer(app.client.get(&url).basic_auth(account(&key), Some(&key.text))).await.status, 200);
}

#[tokio::test]
async fn a_second_start_sends_the_same_code_until_all_messages_are_used() {
    let bench = Bench::new().await;
    let to = number(1);
    let first = bench.start(&to, &[]).await;
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.json();
    let code = bench.code(&first).await;
    for wait in [30, 40, 60, 90] {
        bench.app.clock.turn(seconds(wait) - std::time::Duration::from_millis(1));
        let soon = bench.start(&to, &[]).await;
        assert_eq!(refusal(&soon), (429, 60212));
        assert_eq!(soon.header("retry-after"), "");
        bench.app.clock.turn(seconds(1));
        let again = bench.start(&to, &[]).await;
        assert_eq!((again.status, &again.json()["sid"]), (201, &first["sid"]), "{again:?}");
        assert_eq!(bench.code(&first).await, code);
    }
    let last = bench.get(&format!("/v2/Services/{}/Verifications/{to}", bench.service)).await.json();
    let attempts = last["send_code_attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 5);
    assert_eq!(last["date_created"], first["date_created"]);
    assert!(last["date_updated"].as_str().unwrap() > first["date_updated"].as_str().unwrap());
    bench.app.clock.turn(seconds(90));
    let exhausted = bench.start(&to, &[]).await;
    assert_eq!(refusal(&exhausted), (429, 60203));
    assert_eq!(exhausted.header("retry-after"), "");
    assert_eq!(bench.check(&[("To", &to), ("Code", &code)]).await.json()["valid"], true);
}

#[tokio::test]
async fn a_code_lives_ten_minutes_and_is_gone_then() {
    let bench = Bench::new().await;
    let (to, early) = (number(2), number(3));
    let started = bench.start(&to, &[]).await.json();
    let code = bench.code(&started).await;
    let early_one = bench.start(&early, &[]).await.json();
    let early_code = bench.code(&early_one).await;
    bench.app.clock.turn(seconds(599));
    assert_eq!(bench.check(&[("To", &early), ("Code", &early_code)]).await.json()["status"], "approved");
    bench.app.clock.turn(seconds(1));
    assert_eq!(refusal(&bench.check(&[("To", &to), ("Code", &code)]).await), (404, 20404));
    let fetched = bench.get(&format!("/v2/Services/{}/Verifications/{to}", bench.service)).await.json();
    assert_eq!((&fetched["status"], &fetched["valid"]), (&json!("expired"), &json!(false)));
    let anew = bench.start(&to, &[]).await.json();
    assert_ne!(anew["sid"], started["sid"]);
    // A profile with another value than the default is obeyed.
    let short = json!({ "expires_in": 60 });
    bench.app.send("PATCH", "/v1/profiles/default", Some(&bench.key.text), Some(&short)).await;
    let to = number(4);
    let brief = bench.start(&to, &[]).await.json();
    let code = bench.code(&brief).await;
    bench.app.clock.turn(seconds(60));
    assert_eq!(refusal(&bench.check(&[("To", &to), ("Code", &code)]).await), (404, 20404));
}

/// Twilio's library for Java waits for as long as `Retry-After` says, and then repeats the request by itself.
#[tokio::test]
async fn only_a_short_wait_of_a_limit_is_told() {
    let bench = Bench::new().await;
    for (window, n, told) in [(3, 20, "3"), (3_600, 30, "")] {
        let limit = json!({ "buckets": [{ "max": 1, "window": window }] });
        bench.app.send("PUT", "/v1/limits/tenant", Some(&bench.key.text), Some(&limit)).await;
        bench.app.context.refresh().await.unwrap();
        assert_eq!(bench.start(&number(n), &[]).await.status, 201);
        let limited = bench.start(&number(n + 1), &[]).await;
        assert_eq!((refusal(&limited), limited.header("retry-after")), ((429, 20429), told));
    }
    let bench = Bench::new().await;
    let to = number(40);
    // The third check has to wait, because of wrong codes in a row.
    for _ in 0..3 {
        let started = bench.start(&to, &[]).await.json();
        let code = bench.code(&started).await;
        let wrong: String = code.chars().map(|c| if c == '7' { '9' } else { '7' }).collect();
        let mut last = 0;
        while last != 429 {
            let checked = bench.check(&[("To", &to), ("Code", &wrong)]).await;
            last = checked.status;
            if last == 429 {
                assert_eq!((refusal(&checked), checked.header("retry-after")), ((429, 60202), ""));
            }
        }
    }
}

/// A text that cannot be a code is refused, whatever the state of the verification.
#[tokio::test]
async fn the_form_of_a_code_is_judged_before_anything_else() {
    let bench = Bench::new().await;
    let to = number(50);
    let refused = async || {
        for bad in ["1", "123", "12345678901", "12_456", "٣٤٥٦٧٨"] {
            assert_eq!(refusal(&bench.check(&[("To", &to), ("Code", bad)]).await), (400, 60200), "{bad}");
        }
    };
    refused().await;
    let started = bench.start(&to, &[]).await.json();
    refused().await;
    let code = bench.code(&started).await;
    assert_eq!(bench.check(&[("To", &to), ("Code", &code)]).await.json()["status"], "approved");
    refused().await;
    bench.start(&to, &[]).await;
    bench.app.clock.turn(seconds(600));
    refused().await;
}

#[tokio::test]
async fn what_others_have_does_not_exist() {
    let bench = Bench::new().await;
    let stranger = bench.app.tenant("Stranger").await;
    let test = bench.app.key_for(&bench.key.caller, Mode::Test, Scopes::all()).await;
    let made = bench.post("/v2/Services", &[("FriendlyName", "Other")]).await.json();
    let (service, other) = (&bench.service, made["sid"].as_str().unwrap());
    let to = number(5);
    let started = bench.start(&to, &[]).await.json();
    let (sid, code) = (started["sid"].as_str().unwrap(), bench.code(&started).await);
    let native = bench.app.start(&bench.key, &to).await;
    let get = async |key: &TestKey, path: String| bench.send(key, Method::GET, &path, None).await;
    for which in [sid, to.as_str()] {
        let path = |service: &str| format!("/v2/Services/{service}/Verifications/{which}");
        assert_eq!(refusal(&get(&stranger, path(service)).await), (404, 20404));
        assert_eq!(refusal(&get(&bench.key, path(other)).await), (404, 20404), "another service's");
        assert_eq!(refusal(&get(&test, path(service)).await), (404, 20404), "the other mode's");
        assert_eq!(get(&bench.key, path(service)).await.json()["sid"], sid, "not the one of /v1");
        let cancel: &[(&str, &str)] = &[("Status", "canceled")];
        let canceled = bench.send(&bench.key, Method::POST, &path(other), Some(cancel)).await;
        assert_eq!(refusal(&canceled), (404, 20404));
    }
    let check = async |service: &str, form: &[(&str, &str)]| {
        bench.post(&format!("/v2/Services/{service}/VerificationCheck"), form).await
    };
    let by_sid: &[(&str, &str)] = &[("VerificationSid", sid), ("Code", &code)];
    assert_eq!(refusal(&check(other, by_sid).await), (404, 20404));
    let elsewhere = number(6);
    let both: &[(&str, &str)] = &[("VerificationSid", sid), ("Code", &code), ("To", &elsewhere)];
    assert_eq!(refusal(&check(service, both).await), (404, 20404), "of another number");
    assert_eq!(check(service, by_sid).await.json()["status"], "approved");
    let untouched = bench.app.get(&format!("/v1/verifications/{native}"), &bench.key).await.json();
    assert_eq!((&untouched["status"], &untouched["attempts_left"]), (&json!("pending"), &json!(5)));
    for path in [
        format!("/v2/Services/{service}x"),
        format!("/v2/Services/AC{}", &service[2..]),
        format!("/v2/Services/{service}/Verifications/VE{}", "0".repeat(32)),
        format!("/v2/Services/{service}/Verifications/%2B"),
        format!("/v2/Services/{service}/Verifications/%00"),
        format!("/v2/Services/{service}/Verifications/..%2f..%2f"),
        format!("/v2/Services/{service}/RateLimits/RK{}", "0".repeat(32)),
        "/v2/Services/%2e%2e".to_owned(),
        "/v2/Nothing".to_owned(),
        "/v2".to_owned(),
    ] {
        assert_eq!(refusal(&bench.get(&path).await), (404, 20404), "{path}");
    }
}

#[tokio::test]
async fn lists_name_the_host_that_was_asked_and_no_header_s() {
    let bench = Bench::new().await;
    let url = format!("{}/v2/Services", bench.app.base_url);
    let ask = |name: &'static str, value: &'static str| {
        let request = bench.app.client.get(&url).basic_auth(account(&bench.key), Some(&bench.key.text));
        answer(request.header(name, value))
    };
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-host", "evil.example"),
    ] {
        let first = ask(name, value).await.json()["meta"]["first_page_url"].as_str().unwrap().to_owned();
        assert!(first.starts_with(&url), "{name}: {first}");
    }
    let settings = |settings: &mut countersign::Settings| {
        settings.server.public_url = Some("https://sms.example.com".to_owned());
    };
    let app = TestApp::spawn_with(settings).await;
    let key = app.tenant("Acme").await;
    let get = |path: &str| {
        let request = app.client.get(format!("{}{path}", app.base_url));
        answer(request.basic_auth(account(&key), Some(&key.text)))
    };
    let list = get("/v2/Services?PageSize=1").await.json();
    assert_eq!(list["meta"]["first_page_url"], "https://sms.example.com/v2/Services?PageSize=1&Page=0");
    assert!(
        list["services"][0]["url"].as_str().unwrap().starts_with("https://sms.example.com/v2/Services/VA")
    );
    let refused = get("/v2/Nothing").await;
    assert_eq!(refused.json()["more_info"], "https://sms.example.com/docs/twilio.md");
    let page = answer(app.client.get(format!("{}/docs/twilio.md", app.base_url))).await;
    assert!(page.status == 200 && page.text.contains("60212"));
}

#[tokio::test]
async fn bodies_and_methods_are_bounded_and_refused_in_the_same_form() {
    let bench = Bench::new().await;
    let path = format!("/v2/Services/{}/Verifications", bench.service);
    let url = format!("{}{path}", bench.app.base_url);
    let post = || bench.app.client.post(&url).basic_auth(account(&bench.key), Some(&bench.key.text));
    assert_eq!(refusal(&answer(post().json(&json!({ "To": "+48500500500" }))).await), (415, 415));
    let large = post().header("content-type", "application/x-www-form-urlencoded").body("A=".repeat(40_000));
    assert_eq!(refusal(&answer(large).await), (413, 413));
    let not_utf8 = post().header("content-type", "application/x-www-form-urlencoded").body(vec![b'T', 0xff]);
    assert_eq!(refusal(&answer(not_utf8).await), (400, 60200));
    assert_eq!(refusal(&answer(post()).await), (400, 60200));
    let put = bench.app.client.put(&url).basic_auth(account(&bench.key), Some(&bench.key.text));
    let refused = answer(put).await;
    assert_eq!((refusal(&refused), refused.header("allow")), ((405, 20004), "POST"));
    let to = number(7);
    let twice = bench.start(&to, &[("To", "+48500500501")]).await;
    assert_eq!(refusal(&twice), (400, 60200));
    let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
    let wide = format!("{{{}}}", (0..1_500).map(|n| format!("\"k{n}\":\"\"")).collect::<Vec<_>>().join(","));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(200));
    let nested = r#"{"a":{"b":"c"}}"#;
    for bomb in [&deep, &wide, &long, nested, r#"{"a":"1","a":"2"}"#, "[]", "1", "null", "{", r#"{"a":null}"#]
    {
        for name in ["RateLimits", "Tags"] {
            assert_eq!(refusal(&bench.start(&to, &[(name, bomb)]).await), (400, 60200), "{name}: {bomb:.40}");
        }
    }
    for page in ["PageSize=0", "PageSize=1001", "PageSize=99999999999", "Page=-1", "PageToken=PAx"] {
        assert_eq!(refusal(&bench.get(&format!("/v2/Services?{page}")).await), (400, 60200), "{page}");
    }
}

#[tokio::test]
async fn rate_limits_made_at_once_are_all_there() {
    let bench = Bench::new().await;
    let limits = format!("/v2/Services/{}/RateLimits", bench.service);
    let names: Vec<_> = (0..8).map(|n| format!("limit_{n}")).collect();
    let made = futures_util::future::join_all(names.iter().map(|name| {
        let (bench, limits) = (&bench, &limits);
        async move {
            let made = bench.post(limits, &[("UniqueName", name)]).await;
            assert_eq!(made.status, 201, "{made:?}");
            let buckets = format!("{limits}/{}/Buckets", made.json()["sid"].as_str().unwrap());
            let bucket = bench.post(&buckets, &[("Max", "5"), ("Interval", "60")]).await;
            assert_eq!(bucket.status, 201, "{bucket:?}");
        }
    }));
    made.await;
    let profile = bench.app.get("/v1/profiles/default", &bench.key).await.json();
    let kept: Vec<_> = profile["limits"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(kept, names);
    assert_eq!(bench.get(&limits).await.json()["rate_limits"].as_array().unwrap().len(), 8);
    for n in 8..20 {
        let name = format!("limit_{n}");
        assert_eq!(bench.post(&limits, &[("UniqueName", &name)]).await.status, 201);
    }
    assert_eq!(refusal(&bench.post(&limits, &[("UniqueName", "more")]).await), (400, 60207));
    let first = bench.get(&limits).await.json()["rate_limits"][0]["sid"].as_str().unwrap().to_owned();
    let buckets = format!("{limits}/{first}/Buckets");
    let rest = 5 - bench.get(&buckets).await.json()["buckets"].as_array().unwrap().len();
    for n in 0..rest {
        let interval = (n + 100).to_string();
        assert_eq!(bench.post(&buckets, &[("Max", "5"), ("Interval", &interval)]).await.status, 201);
    }
    assert_eq!(refusal(&bench.post(&buckets, &[("Max", "5"), ("Interval", "7")]).await), (400, 60210));
}

#[tokio::test]
async fn services_made_at_once_have_names_of_their_own() {
    let bench = Bench::new().await;
    let made = futures_util::future::join_all((0..8).map(|_| {
        let bench = &bench;
        async move { bench.post("/v2/Services", &[("FriendlyName", "My Shop")]).await }
    }));
    let sids: std::collections::BTreeSet<_> =
        made.await.iter().map(|made| made.json()["sid"].as_str().unwrap().to_owned()).collect();
    assert_eq!(sids.len(), 8);
    let profiles = bench.app.get("/v1/profiles", &bench.key).await.json();
    let names: Vec<_> = profiles["data"].as_array().unwrap().iter().map(|p| p["name"].clone()).collect();
    assert_eq!(names[..3], ["default", "my-shop", "my-shop-2"]);
    assert!(profiles["data"].as_array().unwrap()[1..].iter().all(|p| p["display_name"] == "My Shop"));
}

#[tokio::test]
async fn numbers_in_paths_reach_no_log() {
    let log = crate::secrets::capture();
    let bench = Bench::new().await;
    let to = "+48503987412";
    let started = bench.start(to, &[("Payee", "Geheimladen"), ("Amount", "€987654321.07")]).await.json();
    let code = bench.code(&started).await;
    for which in [to.to_owned(), to.replace('+', "%2B"), to.replace("412", "413")] {
        let path = format!("/v2/Services/{}/Verifications/{which}", bench.service);
        bench.get(&path).await;
        bench.get(&format!("{path}/more?To={which}&Code={code}")).await;
        bench.post(&path, &[("Status", &which)]).await;
    }
    bench.check(&[("To", to), ("Code", &format!("{code}1")), ("Payee", "Geheimladen")]).await;
    let logged = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("/v2/Services/{service}/Verifications/{verification}"));
    let secret = STANDARD.encode(format!("{}:{}", account(&bench.key), bench.key.text));
    for kept in ["48503987412", "48503987413", "Geheimladen", "987654321.07", &bench.key.text, &secret] {
        assert!(!logged.contains(kept), "{kept}");
    }
}
