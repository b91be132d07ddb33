//! The engines on which the contract runs. Each test gets a store of its own.

use super::HandClock;
use countersign_core::{id::RecordKey, ports::codes::Codes, time::Timestamp};
use countersign_stores::{
    embedded::{CodesOptions, SqliteCodes},
    redis::{RedisCodes, RedisOptions, RedisUrl},
};
use redis::Value;
use std::{
    ops::Range,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

pub enum Engine {
    /// A test has opened the store itself.
    Foreign,
    Embedded(TempDir),
    Redis {
        url: String,
        /// A cluster has only one database, so its tests run one after the other.
        _turn: Option<MutexGuard<'static, ()>>,
    },
}

/// The databases of each test server that are handed out. Tests name lower ones themselves.
const DATABASES: Range<usize> = 1_000..3_000;

impl Engine {
    pub async fn embedded() -> Self {
        Self::Embedded(tempfile::tempdir().unwrap())
    }

    pub async fn redis() -> Self {
        Self::database("COUNTERSIGN_TEST_REDIS").await
    }

    pub async fn valkey() -> Self {
        Self::database("COUNTERSIGN_TEST_VALKEY").await
    }

    async fn database(variable: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(DATABASES.start);
        let database = NEXT.fetch_add(1, Ordering::SeqCst);
        assert!(DATABASES.contains(&database));
        let url = format!("{}/{database}", server(variable));
        command(&url, redis::cmd("FLUSHDB").arg("SYNC")).await;
        Self::Redis { url, _turn: None }
    }

    pub async fn cluster() -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let url = server("COUNTERSIGN_TEST_REDIS_CLUSTER");
        for node in nodes(&url) {
            // A replica refuses this, and follows its master.
            let _ = try_command(&node, redis::cmd("FLUSHALL").arg("SYNC")).await;
        }
        Self::Redis { url, _turn: Some(turn) }
    }

    /// Uses the master that the Sentinels name.
    pub async fn sentinel() -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let url = server("COUNTERSIGN_TEST_SENTINEL");
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg("main");
        let sentinel = url.trim_start_matches("redis-sentinel://").split(',').next().unwrap().to_owned();
        let address = command(&format!("redis://{sentinel}"), &ask).await;
        let (host, port): (String, String) = redis::from_redis_value(address).unwrap();
        command(&format!("redis://{host}:{port}"), redis::cmd("FLUSHALL").arg("SYNC")).await;
        Self::Redis { url, _turn: Some(turn) }
    }

    /// Opens the store, or opens it again.
    pub async fn open(&self, clock: &Arc<HandClock>, event_budget: u64) -> Arc<dyn Codes> {
        match self {
            Self::Foreign => panic!("only its test can open it"),
            Self::Embedded(_) => {
                let options = CodesOptions { full_sync: false, event_budget };
                Arc::new(SqliteCodes::open(&self.file(), clock.clone(), options).await.unwrap())
            }
            Self::Redis { url, .. } => {
                let options = RedisOptions {
                    partitions: 64,
                    event_budget,
                    confirm_replicas: 0,
                    identity: Vec::new(),
                    clock: Some(clock.clone()),
                };
                Arc::new(RedisCodes::open(&RedisUrl::parse(url, None).unwrap(), options).await.unwrap())
            }
        }
    }

    /// Opens the store as another node does. `None` if it belongs to one process.
    pub async fn open_another(&self, clock: &Arc<HandClock>) -> Option<Arc<dyn Codes>> {
        match self {
            Self::Redis { .. } => Some(self.open(clock, 1 << 30).await),
            _ => None,
        }
    }

    fn file(&self) -> PathBuf {
        let Self::Embedded(folder) = self else { panic!("only the embedded engine has a file") };
        folder.path().join("codes.sqlite")
    }

    /// How long the longest-lived data of tenants stays. All data expires.
    pub async fn longest_kept(&self, now: Timestamp) -> Duration {
        match self {
            Self::Foreign => panic!("only its test can look"),
            Self::Embedded(_) => {
                let connection = rusqlite::Connection::open(self.file()).unwrap();
                let sql = "SELECT max(until) FROM (SELECT kept_until AS until FROM verifications
                    UNION ALL SELECT kept_until FROM numbers UNION ALL SELECT full_at FROM buckets
                    UNION ALL SELECT kept_until FROM outcomes UNION ALL SELECT kept_until FROM pools
                    UNION ALL SELECT kept_until FROM provider_messages)";
                let until: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
                Timestamp::from_micros(until).since(now)
            }
            Self::Redis { url, .. } => {
                let mut longest = 0;
                for node in nodes(url) {
                    for letter in ["v", "n", "b", "o", "s", "m", "q"] {
                        let names = command(&node, redis::cmd("KEYS").arg(format!("{{cs*}}{letter}*"))).await;
                        let Value::Array(names) = names else { panic!("no names") };
                        for name in names {
                            let Value::BulkString(name) = name else { panic!("a key") };
                            // A replica may hold the key too, or answer that it has moved.
                            let Ok(left) = try_command(&node, redis::cmd("PTTL").arg(&name)).await else {
                                continue;
                            };
                            let Value::Int(left) = left else { panic!("a time") };
                            assert!(left > 0, "{letter}: without an end");
                            longest = longest.max(left);
                        }
                    }
                }
                Duration::from_millis(longest as u64)
            }
        }
    }

    /// Overwrites the first byte of a stored record.
    pub async fn set_format(&self, key: RecordKey, format: u8) {
        match self {
            Self::Foreign => panic!("only its test can change it"),
            Self::Embedded(_) => {
                let connection = rusqlite::Connection::open(self.file()).unwrap();
                let sql =
                    "UPDATE verifications SET record = CAST(?1 || substr(record, 2) AS BLOB) WHERE key = ?2";
                let changed = connection.execute(sql, (&[format][..], &key.bytes()[..])).unwrap();
                assert_eq!(changed, 1);
            }
            Self::Redis { url, .. } => {
                let mut changed = 0;
                for node in nodes(url) {
                    let Ok(Value::Array(names)) = try_command(&node, redis::cmd("KEYS").arg("{cs*}v*")).await
                    else {
                        continue;
                    };
                    for name in names {
                        let Value::BulkString(name) = name else { panic!("a key") };
                        if name.ends_with(&key.bytes()) {
                            let mut write = redis::cmd("SETRANGE");
                            write.arg(&name).arg(0).arg(&[format][..]);
                            changed += usize::from(try_command(&node, &write).await.is_ok());
                        }
                    }
                }
                assert_eq!(changed, 1);
            }
        }
    }
}

pub fn server(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names no server; ./tests/run.sh starts one"))
}

/// The URL of each server of a URL.
pub fn nodes(url: &str) -> Vec<String> {
    match url.strip_prefix("redis-cluster://") {
        Some(nodes) => nodes.split(',').map(|node| format!("redis://{node}")).collect(),
        None => vec![url.to_owned()],
    }
}

pub async fn try_command(url: &str, command: &redis::Cmd) -> redis::RedisResult<Value> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    command.query_async(&mut connection).await
}

async fn command(url: &str, command: &redis::Cmd) -> Value {
    try_command(url, command).await.unwrap()
}
