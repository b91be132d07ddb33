//! A slot of a Redis Cluster moves to another master while it is in use.

use super::{
    Bench,
    engine::{Engine, nodes, server, try_command},
};
use countersign_core::delivery::places::Places;
use redis::Value;
use std::time::Duration;

async fn ask(node: &str, words: &[&str]) -> Value {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    try_command(node, &command).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

fn text(value: Value) -> String {
    redis::from_redis_value(value).unwrap()
}

/// `redis://host:port` and the id of each master.
async fn masters() -> Vec<(String, String)> {
    let mut masters = Vec::new();
    for node in nodes(&server("COUNTERSIGN_TEST_REDIS_CLUSTER")) {
        if text(ask(&node, &["INFO", "replication"]).await).contains("role:master") {
            let id = text(ask(&node, &["CLUSTER", "MYID"]).await);
            masters.push((node, id));
        }
    }
    masters
}

struct Move {
    slot: String,
    from: (String, String),
    to: (String, String),
    all: Vec<(String, String)>,
}

impl Move {
    /// Begins to move the slot of one message.
    async fn begin() -> Self {
        let all = masters().await;
        let mut found = None;
        for master in &all {
            let Value::Array(names) = ask(&master.0, &["KEYS", "{cs*}d"]).await else { panic!("names") };
            if let Some(name) = names.into_iter().next() {
                let mut command = redis::cmd("CLUSTER");
                let slot = try_command(&master.0, command.arg("KEYSLOT").arg(text(name))).await.unwrap();
                let Value::Int(slot) = slot else { panic!("a slot") };
                found = Some((slot.to_string(), master.clone()));
            }
        }
        let (slot, from) = found.expect("a message waits");
        let to = all.iter().find(|master| **master != from).cloned().expect("another master");
        ask(&to.0, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from.1]).await;
        ask(&from.0, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to.1]).await;
        Self { slot, from, to, all }
    }

    /// Moves the keys whose letter is one of these.
    async fn carry(&self, letters: &[u8]) {
        let Value::Array(names) = ask(&self.from.0, &["CLUSTER", "GETKEYSINSLOT", &self.slot, "100"]).await
        else {
            panic!("names")
        };
        let (host, port) = self.to.0.trim_start_matches("redis://").split_once(':').expect("an address");
        for name in names {
            let Value::BulkString(name) = name else { panic!("a name") };
            // The name is `{cs...}` and the letter.
            if letters.contains(&name[7]) {
                let mut command = redis::cmd("MIGRATE");
                command.arg(host).arg(port).arg(&name).arg(0).arg(5_000);
                try_command(&self.from.0, &command).await.unwrap();
            }
        }
    }

    async fn end(self) {
        self.carry(b"abcdefghijklmnopqrstuvwxyz").await;
        ask(&self.to.0, &["CLUSTER", "SETSLOT", &self.slot, "NODE", &self.to.1]).await;
        for (node, _) in &self.all {
            ask(node, &["CLUSTER", "SETSLOT", &self.slot, "NODE", &self.to.1]).await;
        }
        // The client learns of it with its next call to the old master.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_record_is_still_elsewhere_is_not_dropped() {
    let bench = Bench::new(Engine::cluster().await).await;
    let id = bench.start("+48500500500").await.unwrap().id;
    let moving = Move::begin().await;
    moving.carry(b"de").await;
    let part = id.partition()..id.partition() + 1;
    let claimed = bench.codes().claim(part.clone(), Duration::from_secs(30), Places::of_anybody(10)).await;
    assert!(claimed.is_err(), "{claimed:?}");
    moving.end().await;
    let claimed = bench.codes().claim(part, Duration::from_secs(30), Places::of_anybody(10)).await.unwrap();
    assert_eq!(claimed.iter().map(|claim| claim.key.id).collect::<Vec<_>>(), [id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_code_is_compared_while_the_count_of_wrong_ones_is_still_elsewhere() {
    let bench = Bench::new(Engine::cluster().await).await;
    let id = bench.start("+48500500500").await.unwrap().id;
    let moving = Move::begin().await;
    moving.carry(b"vde").await;
    let wrong = countersign_core::code::Code::parse("000001").unwrap();
    let checked = bench.try_check(id, &wrong).await;
    assert!(checked.is_err(), "{checked:?}");
    moving.end().await;
    let checked = bench.check(id, &wrong).await;
    assert_eq!(checked.attempts_left, 4, "{checked:?}");
}
