//! `config check --connect`.

use super::{Place, files, free_port};
use crate::{
    codes::engine::{server, try_command},
    directory::Base,
};
use anyhow::Result;
use countersign::keyfile;
use redis::Value;
use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    process::Stdio,
    time::{Duration, Instant},
};

const CHECK: &str = "config check --connect";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_one_machine_from_serving_is_named_at_once_and_nothing_is_changed() {
    let place = Place::new();
    let fresh = place.run(CHECK).await.expect(0, &["the first start makes the key ring", "no_route"]);
    assert!(fresh.answer.contains("configuration is fine, and everything"), "{fresh:?}");
    assert!(!place.data().exists(), "a look makes no folder");

    let running = place.serve(false).await;
    let ports = place.ports.map(|port| format!("port {port} is taken on 127.0.0.1"));
    let all = [
        "3 reasons",
        "data.folder: Another countersign process serves",
        &format!("server.bind: {}", ports[0]),
        &format!("server.operator_bind: {}", ports[1]),
    ];
    place.run(CHECK).await.expect(1, &all);
    running.stop().await;

    // A server in this process closes its last connections to the files a moment after it has stopped.
    let mut before = files(&place.data());
    super::eventually(async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let last = std::mem::replace(&mut before, files(&place.data()));
        (last == before).then_some(())
    })
    .await;
    place.run(CHECK).await.expect(0, &[]);
    let names = |files: &[(std::ffi::OsString, Vec<u8>)]| {
        files.iter().map(|(name, bytes)| format!("{name:?} {}", bytes.len())).collect::<Vec<_>>()
    };
    let after = files(&place.data());
    assert_eq!(names(&after), names(&before), "a look makes and removes no file");
    assert!(after == before, "and changes none");

    let place = place.with("server.tls.certificate", "no.crt").with("server.tls.key", "no.key");
    std::fs::write(place.data().join("codes.sqlite"), "no database").unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(place.data().join(format!("codes.sqlite{end}")));
    }
    let ring = place.data().join("keyring.toml");
    std::fs::set_permissions(&ring, Permissions::from_mode(0o644)).unwrap();
    let broken = ["server.tls: ", "codes.url: ", "not a database", "keyring.file: ", "chmod 600"];
    place.run(CHECK).await.expect(1, &broken);

    let place = Place::new().with("codes.partitions", "0");
    place.run(CHECK).await.expect(2, &["codes.partitions"]);
    let file = Place::new();
    std::fs::write(file.data(), "in the way").unwrap();
    file.run(CHECK).await.expect(1, &["data.folder: ", "is not a folder"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_dev_is_refused_as_serve_refuses_it() {
    let place = Place::new();
    place.serve(true).await.stop().await;
    place.run(CHECK).await.expect(1, &["data.folder: ", "belongs to `countersign dev`"]);
}

/// An installation that uses servers, with a key ring of its own.
fn on_servers(database: &str, codes: &str) -> Place {
    let place = Place::new().with("database.url", database).with("codes.url", codes);
    std::fs::create_dir(place.data()).unwrap();
    keyfile::create(&place.data().join("keyring.toml"), 64, &mut rand::rng()).unwrap();
    place
}

async fn size(url: &str) -> Value {
    try_command(url, &redis::cmd("DBSIZE")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_a_node_from_its_servers_is_named_and_nothing_is_changed() -> Result<()> {
    let (direct, pooled) = (Base::empty_postgres().await?, Base::pgbouncer().await?);
    let redis = format!("{}/994", server("COUNTERSIGN_TEST_REDIS"));
    try_command(&redis, &redis::cmd("FLUSHDB")).await.unwrap();
    let url = direct.server_url().unwrap();

    // First the schema and the claim are missing; later the key ring is not the installation's.
    let place = on_servers(&url, &redis);
    let older = place.run(CHECK).await;
    older.expect(1, &["database.url: The database is older", "countersign migrate", "first start claims it"]);
    assert!(!direct.sql.pending_migrations().await?.is_empty(), "a look migrates nothing");
    assert_eq!(size(&redis).await, Value::Int(0), "a look claims nothing");
    direct.sql.migrate().await?;
    let fine = place.run(CHECK).await.expect(0, &["no_route"]);
    assert!(fine.answer.contains("database  Postgres"), "{fine:?}");
    place.serve(false).await.stop().await;
    let claimed = size(&redis).await;
    place.run(CHECK).await.expect(0, &[]);
    let role = place.run("config check --connect --role worker").await;
    role.expect(0, &[]);
    let place = on_servers(&url, &redis).with("codes.partitions", "64");
    place.run(CHECK).await.expect(
        1,
        &["1 reason", "codes.url: The codes store cannot be opened", "another key ring: give this node"],
    );
    assert_eq!(size(&redis).await, claimed);

    // Everything but a migration works through a pooler.
    let pooler = format!("{}/{}", std::env::var("COUNTERSIGN_TEST_PGBOUNCER")?, pooled.name().unwrap());
    let codes = format!("{}/993", server("COUNTERSIGN_TEST_VALKEY"));
    try_command(&codes, &redis::cmd("FLUSHDB")).await.unwrap();
    on_servers(&pooler, &codes).run(CHECK).await.expect(0, &[]);
    direct.close().await?;
    pooled.close().await?;
    let direct = Base::empty_postgres().await?;
    let pooler = format!("{}/{}", std::env::var("COUNTERSIGN_TEST_PGBOUNCER")?, direct.name().unwrap());
    on_servers(&pooler, &codes).run(CHECK).await.expect(
        1,
        &["2 reasons", "database.url: The database is older", "database.url: ", "through a pooler"],
    );
    direct.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_away_or_forget_are_named_in_bounded_time() {
    let (database, codes) = (free_port(), free_port());
    let began = Instant::now();
    let away = on_servers(
        &format!("postgres://u:hunter2@127.0.0.1:{database}/d"),
        &format!("redis-cluster://u:hunter2@127.0.0.1:{codes}"),
    );
    let all = [
        "2 reasons",
        "database.url: The database does not answer",
        "codes.url: The codes store cannot be reached",
    ];
    let ended = away.run(CHECK).await.expect(1, &all);
    assert!(!ended.said.contains("hunter2"), "{ended:?}");
    assert!(began.elapsed() < Duration::from_secs(45), "{:?}", began.elapsed());

    let place = on_servers("sqlite://directory.sqlite", &format!("redis://127.0.0.1:{codes}"));
    let mut forgetful = std::process::Command::new("redis-server")
        .args([
            "--port",
            &codes.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--maxmemory-policy",
            "allkeys-lru",
        ])
        .current_dir(place.folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let url = format!("redis://127.0.0.1:{codes}");
    super::eventually(async || try_command(&url, &redis::cmd("PING")).await.ok()).await;
    let ended = place.run(CHECK).await;
    let unchecked = place.with("codes.persistence", "unchecked").run(CHECK).await;
    forgetful.kill().unwrap();
    forgetful.wait().unwrap();
    ended.expect(1, &["codes.url: The codes store may forget", "appendonly yes", "allkeys-lru"]);
    unchecked.expect(0, &["note: The codes store may forget"]);
}

/// Other tests decide which installation the store belongs to. This test checks that it is reached and read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_codes_store_is_tried() {
    let ca = std::env::var("COUNTERSIGN_TEST_POSTGRES_CA").unwrap();
    for (variable, ca) in [
        ("COUNTERSIGN_TEST_REDIS_CLUSTER", None),
        ("COUNTERSIGN_TEST_SENTINEL", None),
        ("COUNTERSIGN_TEST_REDIS_TLS", Some(&ca)),
    ] {
        let place = on_servers("sqlite://directory.sqlite", &server(variable));
        let trusting = match ca {
            None => place,
            Some(ca) => {
                place
                    .run(CHECK)
                    .await
                    .expect(1, &["codes.url: The codes store cannot be reached", "certificate"]);
                place.with("codes.ca_file", ca)
            }
        };
        let ended = trusting.with("codes.persistence", "unchecked").run(CHECK).await;
        let claimed = ended.code == 1 && ended.said.contains("another key ring");
        assert!(claimed || (ended.code == 0 && ended.said.contains("claims it")), "{variable}: {ended:#?}");
    }
}
