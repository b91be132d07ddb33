//! `keyring retire` lists everything that still needs a version.

use super::{Place, eventually};
use serde_json::{Value, json};

#[tokio::test]
async fn the_first_key_ring_is_made_with_its_folder_and_never_replaced() {
    let place = Place::new();
    let made = place.run("keyring create").await.expect(0, &["Give this very file to every node"]);
    assert_eq!(made.last(), place.data().join("keyring.toml").to_string_lossy());
    place.run("keyring create").await.expect(1, &["is there already"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_needs_a_version_is_named_with_its_end() {
    let place = Place::new();
    let server = place.serve(true).await;
    let key = server.demo.clone().unwrap();
    let post = async |path: &str, body: Value| {
        let asked = server.client.post(format!("{}{path}", server.base_url)).bearer_auth(&key).json(&body);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201, "{}", answer.text().await.unwrap());
    };
    post("/v1/verifications", json!({"to": "+48500600801"})).await;
    let settings = crate::delivery::settings("https://sms.example");
    post("/v1/providers", json!({"name": "main", "kind": "http", "settings": settings})).await;
    post("/v1/webhooks", json!({"name": "events", "url": "https://events.example/"})).await;
    eventually(async || {
        let list =
            server.client.get(format!("{}/v1/verifications", server.base_url)).bearer_auth(&key).send();
        let list: Value = list.await.unwrap().json().await.unwrap();
        list["data"].as_array().filter(|rows| !rows.is_empty()).map(drop)
    })
    .await;
    server.stop().await;

    place.run("keyring add").await.expect(0, &[]);
    place.run("keyring retire 2").await.expect(1, &["was never primary"]);
    place.run("keyring promote").await.expect(0, &[]);
    let all = [
        "Nothing was retired: version 1 is still needed.",
        "live verifications made with mac version 1 may stand until 20",
        "live verifications made with seal version 1 may stand until 20",
        "the history: numbers sealed with version 1: 1; none was sealed anew yet: no server runs",
        "settings of providers: 1; they are sealed anew each minute: no server runs",
        "secrets of webhooks: 1",
        "inbox.sqlite",
    ];
    place.run("keyring retire 1").await.expect(1, &all);
    let mac = place.run("keyring retire --mac 1").await.expect(1, &["mac version 1 may stand until 20"]);
    assert!(!mac.said.contains("history"), "only a seal key seals: {mac:?}");
    place.run("keyring retire 3").await.expect(1, &["has no version 3"]);

    // A server with the new key ring goes through the history.
    let server = place.serve(true).await;
    let said = eventually(async || {
        let ended = place.run("keyring retire --seal 1").await;
        ended.said.contains("all are looked at again from 20").then_some(ended.said)
    })
    .await;
    let parts = ["numbers sealed with version 1: 0;", "a running worker"];
    assert!(parts.iter().all(|part| said.contains(part)) && !said.contains("providers"), "{said}");
    server.stop().await;
}
