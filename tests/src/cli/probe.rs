//! `probe`.

use super::Place;
use crate::tls::{Authority, files};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_asks_what_a_client_asks() {
    let place = Place::new();
    let probe = format!("probe http://127.0.0.1:{}/", place.ports[0]);
    place.run(&probe).await.expect(1, &["/health/ready does not answer"]);

    let server = place.serve(false).await;
    let tenant = place.run("tenant create --name Acme --countries PL").await.expect(0, &[]).last();
    let file = place.folder.path().join("key");
    let probe_with = format!("{probe} --key-file {}", file.display());
    place.run(&probe_with).await.expect(1, &["key cannot be read"]);
    let make = async |more: &str| {
        let line = format!("key create --tenant {tenant} --name probe {more}");
        std::fs::write(&file, place.run(&line).await.expect(0, &[]).last()).unwrap();
    };

    let made =
        place.run(&probe).await.expect(0, &["--test --scopes verifications:start,verifications:check"]);
    assert!(made.answer.contains("ready\nversion\t0.") && !made.answer.contains("started"), "{made:?}");
    make("--test --scopes verifications:start,verifications:check").await;
    let whole = place.run(&probe_with).await.expect(0, &[]);
    assert!(
        whole.answer.contains("started\tver_") && whole.last().starts_with("approved\tver_"),
        "{whole:?}"
    );
    make("--test --scopes verifications:start").await;
    place.run(&probe_with).await.expect(1, &["The check got 403", "insufficient_scope"]);
    make("--scopes verifications:start,verifications:check").await;
    let live = place.run(&probe_with).await.expect(1, &["has no test key"]);
    assert!(!live.said.contains("cs_live_") && !live.answer.contains("ready"), "{live:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_takes_a_foreign_certificate_only_when_it_is_told() {
    let place = Place::new();
    Authority::new().issue(place.folder.path());
    let pair = files(place.folder.path());
    let place = place
        .with("server.tls.certificate", pair.certificate.to_string_lossy())
        .with("server.tls.key", pair.key.to_string_lossy());
    let server = place.serve(false).await;
    let probe = format!("probe https://127.0.0.1:{}", place.ports[0]);
    place.run(&probe).await.expect(1, &["does not answer", "certificate"]);
    place.run(&format!("{probe} --any-certificate")).await.expect(0, &[]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_reads_no_more_than_it_needs() {
    let place = Place::new();
    let key = place.folder.path().join("key");
    std::fs::write(&key, "cs_test_any").unwrap();
    let version = format!(r#"{{"info":{{"version":"{}"}}}}"#, env!("CARGO_PKG_VERSION"));
    for (document, started, told) in [
        (4 * 1024 * 1024, 0, "An answer with 200 OK is longer than 4096 KiB"),
        (0, 64 * 1024, "An answer with 201 Created is longer than 64 KiB"),
        // What is within the bound is read whole.
        (4 * 1024 * 1024 - version.len(), 64 * 1024 - 2, "The start got no id"),
    ] {
        let server = MockServer::start().await;
        let answers = [
            ("GET", "/health/ready", 200, String::new()),
            ("GET", "/openapi.json", 200, version.clone() + &" ".repeat(document)),
            ("POST", "/v1/verifications", 201, "{}".to_owned() + &" ".repeat(started)),
        ];
        for (verb, at, status, body) in answers {
            let answer = ResponseTemplate::new(status).set_body_string(body);
            Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(&server).await;
        }
        let probe = format!("probe {} --key-file {}", server.uri(), key.display());
        place.run(&probe).await.expect(1, &[told]);
    }
}
