//! A command that changes a key waits until the running servers know the change.

use super::Place;
use countersign_core::{
    id::NodeId,
    keyring::version::{KeyVersion, KeyVersions, Versions},
    ports::{
        clock::Clock,
        nodes::{Node, Nodes},
    },
};
use countersign_stores::{
    directory::SqlNodes,
    sql::Sql,
    sqlite::{Database, Options},
};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_known_to_every_server_when_its_command_ends() {
    let place = Place::new();
    let tenant = place.run("tenant create --name Acme --countries all").await.expect(0, &[]).last();
    let create = format!("key create --tenant {tenant} --name app --scopes settings:read");
    let early = place.run(&create).await.expect(0, &["No server runs"]).last();
    let server = place.serve(false).await;
    assert_eq!(server.status(&early).await, 200, "from its start");

    for _ in 0..2 {
        let ended = place.run(&create).await.expect(0, &["Made key_", "The server that runs knows it."]);
        assert_eq!(server.status(&ended.last()).await, 200, "not a moment later");
    }
    let made = place.run(&create).await;
    let (key, word) = (made.last(), made.said.split_whitespace().find(|word| word.starts_with("key_")));
    let id = word.unwrap().trim_end_matches('.').to_owned();
    place
        .run(&format!("key disable --tenant {tenant} {id}"))
        .await
        .expect(0, &["The server that runs knows it."]);
    assert_eq!(server.status(&key).await, 401);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_s_key_is_made_listed_rotated_and_ended_by_commands() {
    let place = Place::new();
    let create = "key create --operator --name ops --allow 127.0.0.1";
    let key = place.run(create).await.expect(0, &["Made key_"]).last();
    assert!(key.starts_with("cs_live_"), "{key}");
    for (line, said) in [
        ("key create --operator --name ops --test", "cannot be used with"),
        ("key create --operator --name ops --scopes numbers:read", "cannot be used with"),
        (
            "key create --tenant ten_00000000000000000000000000 --name ops --scopes numbers:read",
            "tenant list",
        ),
        ("key create --tenant ten_00000000000000000000000001 --name ops --scopes operator", "--operator"),
    ] {
        place.run(line).await.expect(2, &[said]);
    }
    let server = place.serve(false).await;
    let status = async |key: &str| {
        let asked = server.client.get(format!("{}/v1/tenants", server.base_url)).bearer_auth(key);
        asked.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&key).await, 200);
    assert_eq!(server.status(&key).await, 403, "it reads no keys");

    let listed = place.run("key list --operator").await.expect(0, &[]).last();
    let (id, rest) = listed.split_once('\t').unwrap();
    assert!(rest.starts_with("live\tactive\tops\toperator\t"), "{listed}");
    let rotate = format!("key rotate --operator {id} --overlap-hours 0");
    let next = place.run(&rotate).await.expect(0, &["takes the place of"]).last();
    assert_eq!((status(&key).await, status(&next).await), (401, 200));
    let shown = place.run("allowlist show --operator --key KEY".replace("KEY", id).as_str()).await;
    assert_eq!(shown.expect(0, &[]).last(), "127.0.0.1/32\t");
    place.run("allowlist set --operator --allow 203.0.113.0/24").await.expect(0, &["Replaced."]);
    assert_eq!(status(&next).await, 403, "the operator's list holds for the operator's keys");
    place.run("allowlist set --operator").await.expect(0, &["Replaced."]);
    let listed = place.run("key list --operator").await.expect(0, &[]);
    let id = listed.answer.lines().find(|line| line.contains("\tactive\t")).unwrap();
    let id = id.split_once('\t').unwrap().0.to_owned();
    for (act, after) in [("disable", 401), ("enable", 200), ("delete", 401)] {
        place.run(&format!("key {act} --operator {id}")).await.expect(0, &[]);
        assert_eq!(status(&next).await, after, "{act}");
    }
    place.run(&format!("key disable --operator {id}")).await.expect(1, &["The operator has no key"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_reach_the_database_is_named() {
    let place = Place::new();
    let tenant = place.run("tenant create --name Acme --countries all").await.expect(0, &[]).last();
    let file = place.data().join("directory.sqlite");
    let nodes = SqlNodes::new(Sql::sqlite(Database::open(&file, Options { full_sync: false }).unwrap()));
    let versions = || KeyVersions::new(vec![KeyVersion { number: 1, check: [0; 4] }]);
    let now = countersign::machine::SystemClock.now();
    let ghost = Node {
        id: NodeId::from_bytes([5; 16]),
        started_at: now,
        seen_at: now - Duration::from_secs(20),
        program: "0.1.0".into(),
        versions: Versions { mac: versions(), seal: versions() },
        changed_at: None,
    };
    let server = place.serve(false).await;
    nodes.note_node(&ghost).await.unwrap();
    let create = format!("key create --tenant {tenant} --name app --scopes settings:read");
    let named = format!("{}, last seen 2", ghost.id);
    let ended = place.run(&create).await.expect(0, &["1 of 2 servers that run know it", &named]);
    assert_eq!(server.status(&ended.last()).await, 200, "the other does");
    server.stop().await;
}
