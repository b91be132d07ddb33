//! `CREATE INDEX CONCURRENTLY`, also for a partitioned table, for which Postgres itself refuses it. The index
//! is created on each partition, and then attached to one of the whole table.
//!
//! Each step first checks what exists, so an interrupted run can be repeated. An interrupted step leaves an
//! invalid index, which is dropped.

use crate::sql::migration::ConcurrentIndex;
use std::time::Duration;
use tokio::time::sleep;
use tokio_postgres::{
    Client, Error,
    error::SqlState,
    types::{ToSql, Type},
};

/// The lock time-out of the steps that change only the catalogue: sessions that come later wait behind them.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '200ms'";
/// Creating the index waits for old transactions without blocking anybody.
const NO_LOCK_TIMEOUT: &str = "SET lock_timeout = 0";
/// How often a step with a lock time-out is tried, and the pause between.
const TRIES: usize = 600;
const PAUSE: Duration = Duration::from_secs(1);

const IS_PARTITIONED: &str = "SELECT 1 FROM pg_class WHERE oid = to_regclass($1) AND relkind = 'p'";
const PARTITIONS: &str = "SELECT CAST(inhrelid AS regclass)::text FROM pg_inherits
    WHERE inhparent = to_regclass($1) ORDER BY 1";
const INVALID: &str = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid";
const IS_THERE: &str = "SELECT 1 WHERE to_regclass($1) IS NOT NULL";
/// Returns a row if a partition has an index that belongs to the one of the whole table.
const IS_TIED: &str = "SELECT 1 FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid
    WHERE inhparent = to_regclass($1) AND indrelid = to_regclass($2)";

pub(super) async fn create_index(client: &Client, index: &ConcurrentIndex<'_>) -> Result<(), Error> {
    let ConcurrentIndex { name, table, rest } = index;
    if find(client, IS_PARTITIONED, &[table]).await?.is_empty() {
        return create_on(client, name, table, rest).await;
    }
    let whole = format!("CREATE INDEX IF NOT EXISTS {name} ON ONLY {table} {rest}");
    step(client, &whole).await?;
    // A partition that is created from now on gets the index automatically.
    for partition in find(client, PARTITIONS, &[table]).await? {
        if !find(client, IS_TIED, &[name, &partition]).await?.is_empty() {
            continue;
        }
        let own = format!("{partition}_{}", name.strip_prefix(&format!("{table}_")).unwrap_or(name));
        create_on(client, &own, &partition, rest).await?;
        step(client, &format!("ALTER INDEX {name} ATTACH PARTITION {own}")).await?;
    }
    Ok(())
}

async fn create_on(client: &Client, name: &str, table: &str, rest: &str) -> Result<(), Error> {
    client.batch_execute(NO_LOCK_TIMEOUT).await?;
    if !find(client, INVALID, &[name]).await?.is_empty() {
        client.batch_execute(&format!("DROP INDEX CONCURRENTLY {name}")).await?;
    }
    if find(client, IS_THERE, &[name]).await?.is_empty() {
        client.batch_execute(&format!("CREATE INDEX CONCURRENTLY {name} ON {table} {rest}")).await?;
    }
    Ok(())
}

async fn step(client: &Client, text: &str) -> Result<(), Error> {
    client.batch_execute(LOCK_TIMEOUT).await?;
    let mut outcome = client.batch_execute(text).await;
    for _ in 1..TRIES {
        match &outcome {
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {}
            _ => break,
        }
        sleep(PAUSE).await;
        outcome = client.batch_execute(text).await;
    }
    client.batch_execute(NO_LOCK_TIMEOUT).await?;
    outcome
}

/// The first column of each row as text. Some callers only count the rows.
async fn find(client: &Client, text: &str, names: &[&str]) -> Result<Vec<String>, Error> {
    let params: Vec<(&(dyn ToSql + Sync), Type)> = names.iter().map(|name| (name as _, Type::TEXT)).collect();
    let rows = client.query_typed(text, &params).await?;
    Ok(rows.iter().map(|row| row.try_get(0).unwrap_or_default()).collect())
}
