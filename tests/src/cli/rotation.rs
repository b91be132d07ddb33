//! `keyring retire` lists everything that still needs a version.

use super::{Place, eventually, free_port, members::on_both};
use countersign::keyfile;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_a_person_or_an_invitation_needs_is_not_retired() -> anyhow::Result<()> {
    on_both(async |place| {
        let tenant = place.run("tenant create --name Acme --countries all").await.expect(0, &[]).last();
        let add = format!("member add --tenant {tenant} --role owner --name Anna anna@example.com");
        let member = place.run(&add).await.expect(0, &[]).last();
        let invite = format!("member invite --tenant {tenant} --role owner bob@example.com");
        place.run(&invite).await.expect(0, &[]);
        let head = place.run(&format!("audit verify --tenant {tenant}")).await.expect(0, &[]).last();
        place.run("keyring add").await.expect(0, &[]);
        place.run("keyring promote").await.expect(0, &[]);
        let all = [
            "names and addresses of persons: 1; they are sealed anew each minute: no server runs",
            "addresses of invitations: 1; they are sealed anew each minute: no server runs",
        ];
        place.run("keyring retire --seal 1").await.expect(1, &all);
        let server = place.serve(false).await;
        eventually(async || {
            let ended = place.run("keyring retire --seal 1").await.expect(1, &["still needed"]);
            (!ended.said.contains("persons") && !ended.said.contains("invitations")).then_some(())
        })
        .await;
        server.stop().await;
        // Its entries contain only ids.
        let after = place.run(&format!("audit verify --tenant {tenant}")).await.expect(0, &[]).last();
        assert_eq!(after, head);
        let shown = place.run(&format!("member show --tenant {tenant} {member}")).await.expect(0, &[]);
        assert!(shown.answer.contains("email\tanna@example.com"), "{shown:?}");
        let list = place.run(&format!("member invitations --tenant {tenant}")).await.expect(0, &[]);
        assert!(list.answer.contains("\tbob@example.com\t"), "{list:?}");
        Ok(())
    })
    .await
}

/// As in a pod: the ring is mounted, and a pipe takes what is printed to where it is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_that_no_command_can_write_is_rotated_by_printed_copies() {
    let place = Place::new();
    place.run("keyring create").await.expect(0, &[]);
    let file = place.data().join("keyring.toml");
    let server = place.serve(false).await;
    let read = || std::fs::read_to_string(&file).unwrap();
    // The process of the test writes lines of its own around those of the command.
    let ring = |answer: &str| {
        let from = answer.find("# The keys of this Countersign installation").unwrap();
        answer[from..].to_owned()
    };
    let put = async |text: &str, shown: &str| {
        keyfile::write_private(&file, text.as_bytes()).unwrap();
        eventually(async || place.run("keyring status").await.answer.contains(shown).then_some(())).await;
    };

    let first = read();
    let added = place.run("keyring add --print").await.expect(0, &["added\tmac\t2", "changed nothing"]);
    let added = ring(&added.answer);
    assert_eq!(read(), first, "it only prints");
    let keys = |text: &str| {
        text.lines().filter(|line| line.contains(" = \"")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((keys(&first).len(), keys(&added).len()), (3, 5));
    // A promotion in another copy is refused as long as the node does not have the version.
    let copy = place.data().join("copy.toml");
    keyfile::write_private(&copy, added.as_bytes()).unwrap();
    let other = Place {
        folder: tempfile::tempdir().unwrap(),
        ports: [free_port(), free_port()],
        settings: Vec::new(),
    }
    .with("keyring.file", copy.to_string_lossy())
    .with("database.url", format!("sqlite://{}", place.data().join("directory.sqlite").display()));
    let refused = other.run("keyring promote --print").await.expect(1, &["does not have mac version 2 yet"]);
    assert!(!refused.answer.contains("fingerprint"), "{refused:?}");

    put(&added, "mac\t2\treadable\tread by 1/1").await;
    let promoted = ring(&place.run("keyring promote --print").await.expect(0, &["promoted\tseal\t2"]).answer);
    assert_eq!(read(), added);
    // Another `add` began with a ring that is behind: it would take version 2 from the node.
    keyfile::write_private(&copy, first.as_bytes()).unwrap();
    let behind = other
        .run("keyring add --print")
        .await
        .expect(1, &["Nothing was printed", "mac version 2 that is not"]);
    assert!(!behind.answer.contains("fingerprint"), "{behind:?}");
    put(&promoted, "made by 1/1").await;
    place
        .run("keyring retire 1 --print")
        .await
        .expect(1, &["Nothing was retired: version 1 is still needed"]);
    assert_eq!(read(), promoted);

    // A ring in the environment is never written either.
    let text = Place::new().with("keyring.text", promoted.trim_end());
    let text =
        text.with("database.url", format!("sqlite://{}", place.data().join("directory.sqlite").display()));
    text.run("keyring add").await.expect(1, &["--print shows what to set instead"]);
    text.run("keyring add --print").await.expect(0, &["added\tmac\t3"]);
    server.stop().await;
}
