//! A connection after a conflict, and after the end of the thread that opened it.

use super::{Base, is_conflict};
use anyhow::{Context, Result, ensure};
use countersign_stores::sql::{Batch, Kind, Sql, Statement};
use futures_util::future::join_all;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// The number of reads at once, so that as many connections are opened.
const TOGETHER: usize = 8;

const NOBODY: Statement = Statement {
    table: "tenants",
    text: "UPDATE tenants SET name = $2 WHERE id = $1",
    params: &[Kind::Text, Kind::Text],
};

const DOUBLED: Statement = Statement {
    table: "tenants",
    text: "INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3)",
    params: &[Kind::Text, Kind::Text, Kind::Int],
};

const COUNT: Statement = Statement {
    table: "tenants",
    text: "SELECT CAST(count(*) AS bigint) FROM tenants WHERE id = 'ten_doubled'",
    params: &[],
};

/// Collects the log lines of this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Batches that a constraint or a guard refuses, with more statements after the refused one.
async fn conflict(sql: &Sql) -> Result<()> {
    let insert = |name: &str| vec!["ten_doubled".into(), name.into(), 1.into()];
    let doubled = Batch::default().run(&DOUBLED, insert("a")).run(&DOUBLED, insert("b")).run(&COUNT, vec![]);
    ensure!(is_conflict(&sql.batch(doubled).await), "a doubled id");
    let nobody = vec!["ten_nobody".into(), "c".into()];
    let guarded = Batch::default().run_touching(1, &NOBODY, nobody).run(&DOUBLED, insert("d"));
    ensure!(is_conflict(&sql.batch(guarded).await), "a guard");
    Ok(())
}

/// Each thread of the HTTP server has its own runtime, which ends before the last events are recorded.
pub async fn connections_outlive_the_thread_that_opened_them(base: &Base) -> Result<()> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _logged_here = tracing::subscriber::set_default(subscriber);
    let sql = base.sql.clone();
    let worker = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let refused = join_all((0..TOGETHER).map(|_| conflict(&sql))).await;
            refused.into_iter().collect::<Result<Vec<()>>>()
        })
    });
    let ended = tokio::task::spawn_blocking(move || worker.join()).await?;
    ended.ok().context("the thread panicked")??;
    for asked in join_all((0..TOGETHER).map(|_| base.sql.query(&COUNT, vec![]))).await {
        ensure!(asked?[0].int(0)? == 0, "what was refused left nothing");
    }
    let lines = lines.0.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = String::from_utf8_lossy(&lines);
    ensure!(lines.is_empty(), "{lines}");
    Ok(())
}
