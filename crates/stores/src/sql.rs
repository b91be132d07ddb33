//! One SQL for two engines. Each statement is written once, in the dialect that SQLite and Postgres share,
//! and either driver runs it.
//!
//! A transaction is a [`Batch`] of statements. It is never interactive, so no lock is held while this process
//! computes, and both engines run it alike. A statement of a batch may require a number of rows; if it
//! touches another number, the whole batch is rolled back. Features of only one engine belong in
//! `migrations/`.

mod batch;
mod lite;
mod migration;
mod postgres;
#[cfg(test)]
pub(crate) mod rules;
mod value;

pub use batch::Batch;
pub use value::{Row, Value};

use crate::{certificates::Certificates, sqlite::Database};
use countersign_core::ports::error::StoreError;
use std::sync::Arc;

/// The type of a parameter. A parameter of any type may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `text`.
    Text,
    /// `bigint`; also times (microseconds) and booleans (0 or 1).
    Int,
    /// `bytea` or `BLOB`.
    Bytes,
}

/// One statement in the shared dialect, with `$1` to `$n` for its parameters.
#[derive(Debug)]
pub struct Statement {
    /// The table whose rows the statement returns, for error messages. The first column of such a row is its
    /// id, and never a secret.
    pub table: &'static str,
    /// The SQL text. `$` occurs only in parameters.
    pub text: &'static str,
    /// The types of `$1` to `$n`. They are sent to Postgres explicitly, so no statement needs to be prepared.
    pub params: &'static [Kind],
}

/// Checks that values have the types of the statement. A difference is a mistake in this crate, caught before
/// it reaches the engine.
fn check_values(statement: &Statement, values: &[Value]) -> Result<(), StoreError> {
    let fit = statement.params.len() == values.len()
        && values.iter().zip(statement.params).all(|(value, kind)| value.fits(*kind));
    if fit { Ok(()) } else { Err(StoreError::unavailable("the values do not fit the statement")) }
}

/// Refuses an unusable URL of a Postgres server, without connecting. The error does not repeat the URL, which
/// may contain a password.
pub fn check_postgres_url(url: &str) -> Result<(), StoreError> {
    postgres::parse_url(url).map(drop)
}

/// Returns whether a usable URL of a Postgres server refuses TLS.
pub fn postgres_refuses_tls(url: &str) -> bool {
    postgres::parse_url(url).is_ok_and(|config| postgres::refuses_tls(&config))
}

/// The hosts and the database of a usable URL, without the user.
pub fn postgres_servers(url: &str) -> Option<String> {
    postgres::parse_url(url).ok().as_ref().map(postgres::servers)
}

/// The result of arranging the weekly partitions of the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weeks {
    /// The number of weekly partitions created.
    pub made: u64,
    /// The number of weekly partitions dropped.
    pub dropped: u64,
    /// The number of rows outside any weekly partition, counted up to a bound.
    pub strays: u64,
    /// When the oldest partition that must stay begins; `None` without partitions.
    pub oldest: Option<i64>,
}

/// A database of either engine. Clones share it.
#[derive(Clone)]
pub struct Sql {
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Database),
    Postgres(Arc<postgres::Postgres>),
}

impl Sql {
    pub fn sqlite(database: Database) -> Self {
        Self { engine: Engine::Sqlite(database) }
    }

    /// A Postgres server at `postgres://user:password@host:port/database`. A server on another machine is
    /// reached only with TLS, unless the URL says `sslmode=disable`. With `certificates`, one on this machine is
    /// too. This makes no connection yet. The error for a bad URL does not repeat it, because it may contain
    /// the password.
    pub fn postgres(url: &str, certificates: Option<&Certificates>) -> Result<Self, StoreError> {
        let certificates = certificates.cloned().unwrap_or_default();
        Ok(Self { engine: Engine::Postgres(Arc::new(postgres::Postgres::new(url, certificates)?)) })
    }

    /// Reaches the same server with another password, user or certificates from now on, once a connection could be
    /// opened so; whether it is another one. Until then, and after an error, connections are opened as before.
    pub async fn change_access(&self, url: &str, certificates: &Certificates) -> Result<bool, StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(false),
            Engine::Postgres(postgres) => postgres.change_access(url, certificates).await,
        }
    }

    /// Runs one statement that only reads.
    pub async fn query(
        &self,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        check_values(statement, &values)?;
        match &self.engine {
            Engine::Sqlite(database) => {
                Ok(database.peek(|connection| lite::run(connection, statement, &values)).await?.rows)
            }
            Engine::Postgres(postgres) => postgres.query(statement, &values).await,
        }
    }

    /// Runs one statement that writes.
    pub async fn execute(&self, statement: &'static Statement, values: Vec<Value>) -> Result<(), StoreError> {
        self.batch(Batch::default().run(statement, values)).await.map(drop)
    }

    /// Runs the batch as one transaction. Returns the rows of each statement, in order.
    pub async fn batch(&self, batch: Batch) -> Result<Vec<Vec<Row>>, StoreError> {
        for step in &batch.steps {
            check_values(step.statement, &step.values)?;
        }
        match &self.engine {
            Engine::Sqlite(database) => {
                database.write(move |connection| lite::run_batch(connection, &batch)).await
            }
            Engine::Postgres(postgres) => postgres.batch(&batch).await,
        }
    }

    /// Brings the schema up to date and returns the names of the migrations that this call applied. Any
    /// number of processes may call this at once. On Postgres the URL must not lead through a transaction
    /// pooler, because the lock belongs to the session.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        match &self.engine {
            Engine::Sqlite(database) => database.write(lite::migrate).await,
            Engine::Postgres(postgres) => postgres.migrate().await,
        }
    }

    /// Refuses a URL over which [`Sql::migrate`] could not work: one that leads through a transaction pooler.
    pub async fn refuse_pooler(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(postgres) => postgres.refuse_pooler().await,
        }
    }

    /// The names of the migrations that [`Sql::migrate`] would apply.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let applied = match &self.engine {
            Engine::Sqlite(database) => database.read(lite::read_applied).await?,
            Engine::Postgres(postgres) => postgres.read_applied().await?,
        };
        let pending = migration::pending(self.migrations(), &applied)?;
        Ok(pending.into_iter().map(|migration| migration.name.to_owned()).collect())
    }

    /// Returns whether no migration was ever applied, so the database contains no data of ours.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        Ok(self.pending_migrations().await?.len() == self.migrations().len())
    }

    /// The SQLite file, if the database is one.
    pub fn file(&self) -> Option<&Database> {
        match &self.engine {
            Engine::Sqlite(database) => Some(database),
            Engine::Postgres(_) => None,
        }
    }

    /// Creates the weekly partitions that the history will need, and drops those whose rows were all made
    /// before `before`. Both times are in microseconds. Any number of nodes may call this at once, also
    /// through a pooler. SQLite has no partitions.
    pub async fn arrange_weeks(&self, now: i64, before: i64) -> Result<Weeks, StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(Weeks::default()),
            Engine::Postgres(postgres) => postgres.arrange_weeks(now, before).await,
        }
    }

    fn migrations(&self) -> &'static [migration::Migration] {
        match &self.engine {
            Engine::Sqlite(_) => migration::SQLITE,
            Engine::Postgres(_) => migration::POSTGRES,
        }
    }
}
