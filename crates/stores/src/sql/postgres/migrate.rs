//! Applies migrations to a Postgres server, in one process at a time.
//!
//! Most migrations run in a transaction of their own. A migration with the line `-- no-transaction` is a
//! single statement that runs outside one: an index on a large table is created CONCURRENTLY, so that nobody
//! waits while it is built.

mod concurrently;

use super::{PATIENCE, Postgres, answer, read_applied};
use crate::sql::migration::{self, Migration};
use concurrently::create_index;
use countersign_core::ports::error::StoreError;
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{
    Client,
    types::{ToSql, Type},
};

/// The longest time for a migration in a transaction, and for waiting while another process migrates.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(600);
/// The longest time for a migration outside a transaction, which blocks nobody.
const OUTSIDE_PATIENCE: Duration = Duration::from_secs(24 * 3_600);
/// The time between two requests for the lock. Waiting inside `pg_advisory_lock` would hold a snapshot, and
/// the lock's holder would wait for that snapshot in `CREATE INDEX CONCURRENTLY`.
const LOCK_POLL: Duration = Duration::from_millis(50);
/// The number of the advisory lock, chosen by this application: "counters" in ASCII.
const LOCK: i64 = 0x636f_756e_7465_7273;
/// How often the test for a pooler is repeated.
const LOOKS: usize = 3;

impl Postgres {
    /// Uses a connection of its own: closing it frees the lock in every case.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        // If there is nothing to apply, no lock is needed, and a pooler is allowed.
        if migration::pending(migration::POSTGRES, &self.read_applied().await?)?.is_empty() {
            return Ok(Vec::new());
        }
        let work = |mut client, other| async move {
            refuse_pooler(&client, &other).await?;
            drop(other);
            migrate(&mut client).await
        };
        self.with_session(|client| self.with_session(|other| work(client, other))).await
    }

    /// Refuses a URL over which no migration could run.
    pub async fn refuse_pooler(&self) -> Result<(), StoreError> {
        let look = |client, other| async move { refuse_pooler(&client, &other).await };
        self.with_session(|client| self.with_session(|other| look(client, other))).await
    }

    async fn with_session<T, F>(&self, work: impl FnOnce(Client) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let way = self.access.current();
        let (client, connection) = answer(way.config.connect(way.tls.clone())).await?;
        let connection = tokio::spawn(connection);
        let outcome = work(client).await;
        // All answers have arrived; a connection that does not close by itself is aborted.
        let stop = connection.abort_handle();
        if timeout(PATIENCE, connection).await.is_err() {
            stop.abort();
        }
        outcome
    }
}

/// Refuses a pooler in transaction mode: it gives one server session to two connections, or two sessions to
/// one. Then a session's lock protects nothing.
async fn refuse_pooler(client: &Client, other: &Client) -> Result<(), StoreError> {
    let own = session(client).await?;
    for _ in 0..LOOKS {
        answer(other.batch_execute("BEGIN")).await?;
        let (second, still) = (session(other).await?, session(client).await?);
        answer(other.batch_execute("COMMIT")).await?;
        if second == own || still != own {
            return Err(StoreError::unavailable(
                "migrations need a session of their own, but this URL leads through a pooler in transaction \
                 mode; run `countersign migrate` with COUNTERSIGN__DATABASE__URL set to the server's own URL",
            ));
        }
    }
    Ok(())
}

async fn session(client: &Client) -> Result<i32, StoreError> {
    let rows = answer(client.query_typed("SELECT pg_backend_pid()", &[])).await?;
    let pid = rows.first().map(|row| row.try_get(0)).transpose().map_err(StoreError::unavailable)?;
    pid.ok_or_else(|| StoreError::unavailable("the server does not name its session"))
}

async fn migrate(client: &mut Client) -> Result<Vec<String>, StoreError> {
    wait_for_lock(client).await?;
    answer(client.batch_execute(migration::POSTGRES_TABLE)).await?;
    let pending = migration::pending(migration::POSTGRES, &read_applied(client).await?)?;
    for migration in &pending {
        let applied = if migration.outside() {
            timeout(OUTSIDE_PATIENCE, apply_outside(client, migration)).await
        } else {
            timeout(MIGRATION_PATIENCE, apply(client, migration)).await
        };
        let applied = applied.map_err(|error| migration.failed(error))?;
        applied.map_err(|error| migration.failed(error))?;
    }
    Ok(pending.into_iter().map(|migration| migration.name.to_owned()).collect())
}

async fn wait_for_lock(client: &Client) -> Result<(), StoreError> {
    let deadline = Instant::now() + MIGRATION_PATIENCE;
    while Instant::now() < deadline {
        let asked = client.query_typed("SELECT pg_try_advisory_lock($1)", &[(&LOCK, Type::INT8)]);
        if answer(asked).await?.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
            return Ok(());
        }
        sleep(LOCK_POLL).await;
    }
    Err(StoreError::unavailable("another process holds the lock for migrations"))
}

async fn apply(client: &mut Client, migration: &Migration) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(migration.text).await?;
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&migration.name, Type::TEXT), (&migration.text, Type::TEXT)];
    transaction.execute_typed(migration::INSERT, &params).await?;
    transaction.commit().await
}

/// A process may die before the migration is recorded, and then the statement is repeated. So it must be
/// repeatable.
async fn apply_outside(client: &Client, migration: &Migration) -> Result<(), tokio_postgres::Error> {
    match migration.concurrent_index() {
        Some(index) => create_index(client, &index).await?,
        None => client.batch_execute(migration.text).await?,
    }
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&migration.name, Type::TEXT), (&migration.text, Type::TEXT)];
    client.execute_typed(migration::INSERT, &params).await.map(drop)
}
