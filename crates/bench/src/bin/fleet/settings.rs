//! Changes of settings, each with its entry in the audit log.

use crate::Fleet;
use anyhow::{Context, Result, ensure};
use countersign_bench::api::Api;
use countersign_stores::sql::{Batch, Kind, Sql, Statement};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::task::JoinSet;

/// The number of clients that change settings of one tenant at once.
const CLIENTS: usize = 8;

/// The floor of a change: one transaction that takes a number, and appends a row.
const TAKE: Statement = Statement {
    table: "floor_head",
    text: "UPDATE floor_head SET n = n + 1 WHERE n >= $1",
    params: &[Kind::Int],
};
const APPEND: Statement = Statement {
    table: "floor_log",
    text: "INSERT INTO floor_log (state) VALUES ($1)",
    params: &[Kind::Text],
};

/// As many bytes as the entry of a change of a limit takes.
const ENTRY: &str =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Calls `change` with 0, 1, 2 ... and so on, from as many tasks as there are clients. Returns the changes a second.
async fn at_once<F: Future<Output = Result<()>> + Send + 'static>(
    changes: usize,
    change: impl Fn(usize) -> F + Clone + Send + 'static,
) -> Result<f64> {
    let (next, since) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..CLIENTS {
        let (next, change) = (Arc::clone(&next), change.clone());
        tasks.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= changes {
                    return anyhow::Ok(());
                }
                change(n).await?;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(changes as f64 / since.elapsed().as_secs_f64())
}

async fn floor(sql: Sql) -> Result<()> {
    let batch = Batch::default().run(&TAKE, vec![0.into()]).run(&APPEND, vec![ENTRY.into()]);
    Ok(sql.batch(batch).await.map(drop)?)
}

async fn put(api: Arc<Api>, n: usize) -> Result<()> {
    let name = ["key", "tenant", "country", "prefix"][n % 4];
    // Each value is new: what changes nothing is no change.
    let body = json!({ "buckets": [{ "max": 1_000 + n, "window": 3_600 }] });
    let answer = api.put(&format!("/v1/limits/{name}"), &body).await;
    let answer = answer.ok().context("no answer")?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}

impl Fleet {
    /// Measures how fast the settings of one tenant can be changed, beside the floor.
    pub async fn settings(&mut self) -> Result<()> {
        let changes = (self.arguments.pairs / 10).clamp(100, 2_000);
        self.psql(
            "CREATE TABLE floor_head (n bigint NOT NULL); INSERT INTO floor_head VALUES (0);
            CREATE TABLE floor_log (n bigserial PRIMARY KEY, state text NOT NULL)",
        )?;
        let tenant = self.installation.make_tenant("settings")?;
        let key = self.installation.make_key(&tenant, "settings:write", false)?;
        let node = self.serve("api", Vec::new()).await?;
        let (api, sql) = (Arc::new(Api::new(&node.base_url, &key)?), self.sql()?);
        let (mut bare, mut audited) = (0.0, 0.0);
        // The first round warms caches and is not counted. The values of its changes do not come again.
        for (round, changes) in [changes / 10, changes].into_iter().enumerate() {
            let (sql, api) = (sql.clone(), Arc::clone(&api));
            bare = at_once(changes, move |_| floor(sql.clone())).await?;
            audited = at_once(changes, move |n| put(Arc::clone(&api), n + round * 10_000)).await?;
        }
        let count = format!("SELECT count(*) FROM audit WHERE tenant_id = '{tenant}'");
        let entries: usize = self.psql(&count)?.parse()?;
        ensure!(entries >= changes, "{entries} entries for {changes} changes");
        println!();
        println!(
            "Settings of one tenant, changed by {CLIENTS} clients at once over HTTP: {audited:.0} changes/s with their entries in the audit log; a bare transaction of one update and one insert: {bare:.0}/s; ratio {:.2}",
            audited / bare
        );
        self.psql("DROP TABLE floor_head, floor_log")?;
        Ok(())
    }
}
