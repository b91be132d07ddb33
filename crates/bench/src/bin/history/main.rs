//! Lists and searches a history of millions of verifications on Postgres, with the statements that the API
//! uses. Fails if a read takes too long.
//!
//! It creates its own database on the server in `--url`, fills it by SQL and drops it at the end. `fill.rs`
//! describes the contents.

mod fill;
mod measure;

use anyhow::{Context, Result};
use clap::Parser;
use countersign_core::time::Timestamp;
use countersign_stores::{
    history::SqlHistory,
    sql::{Sql, Statement},
};
use std::{
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Measures lists and searches over a large history on Postgres.
#[derive(Parser)]
struct Arguments {
    /// URL of a database on the server, with a user who may create others
    #[arg(long)]
    url: String,
    /// Number of verifications
    #[arg(long, default_value_t = 10_000_000)]
    verifications: u64,
    /// How often each list is read
    #[arg(long, default_value_t = 200)]
    reads: usize,
    /// The maximum of milliseconds for 99 of 100 reads
    #[arg(long, default_value_t = 50.0)]
    bound: f64,
    /// Keep the database for a closer look
    #[arg(long)]
    keep: bool,
    /// Measure the database that an earlier run kept, instead of filling a new one
    #[arg(long)]
    reuse: Option<String>,
}

/// A statement of this program only. It is never freed.
fn statement(text: String, params: &'static [countersign_stores::sql::Kind]) -> &'static Statement {
    Box::leak(Box::new(Statement { table: "bench", text: text.leak(), params }))
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let Some(name) = &arguments.reuse else { return run_on_new(&arguments).await };
    run(&arguments, name).await
}

async fn run_on_new(arguments: &Arguments) -> Result<ExitCode> {
    let server = Sql::postgres(&arguments.url, None)?;
    let name = format!("countersign_history_{}", std::process::id());
    server.query(statement(format!("CREATE DATABASE {name}"), &[]), vec![]).await?;
    let outcome = run(arguments, &name).await;
    if arguments.keep {
        eprintln!("The database {name} stays");
    } else {
        server.query(statement(format!("DROP DATABASE {name} WITH (FORCE)"), &[]), vec![]).await?;
    }
    outcome
}

async fn run(arguments: &Arguments, name: &str) -> Result<ExitCode> {
    let (address, options) = arguments.url.split_once('?').unwrap_or((&arguments.url, ""));
    let (server, _) = address.rsplit_once('/').context("the URL names no database")?;
    let sql = Sql::postgres(&format!("{server}/{name}?{options}"), None)?;
    let (now, began) = (now(), Instant::now());
    sql.migrate().await?;
    if arguments.reuse.is_none() {
        fill::fill(&sql, arguments.verifications, now).await?;
    }
    eprintln!("migrated and filled in {} s", began.elapsed().as_secs());
    fill::analyze(&sql).await?;
    let figures = measure::measure(&SqlHistory::new(sql.clone()), &sql, arguments.reads, now).await?;
    let (weeks, verifications, bytes) = fill::size(&sql).await?;
    println!(
        "about {verifications} verifications in {weeks} weeks, {} MiB with their indexes; {} reads each\n",
        bytes >> 20,
        arguments.reads
    );
    println!("| list | rows | p50, ms | p99, ms | max, ms |\n|---|---|---|---|---|");
    let mut slow = false;
    for figure in &figures {
        let [p50, p99, max] = [50, 99, 100].map(|percent| figure.percentile(percent));
        slow |= p99 > Duration::from_secs_f64(arguments.bound / 1_000.0);
        let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1_000.0);
        println!("| {} | {} | {} | {} | {} |", figure.name, figure.rows, ms(p50), ms(p99), ms(max));
    }
    if slow {
        eprintln!("A list took longer than {} ms", arguments.bound);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "the history ends at the hour of the run")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or_default())
}
