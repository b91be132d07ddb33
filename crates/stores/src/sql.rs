//! One SQL for two engines: each statement is written once, in the dialect
//! that SQLite and Postgres share, and run by either driver.
//!
//! A transaction is a [`Batch`] of statements, never interactive: no lock is
//! held while this process thinks, and both engines run it alike. A statement
//! of a batch may state how many rows it must touch; otherwise all of it rolls
//! back. What only one engine can do belongs into `migrations/`.

mod batch;
mod lite;
mod migration;
mod postgres;
#[cfg(test)]
pub(crate) mod rules;
mod value;

pub use batch::Batch;
pub use value::{Row, Value};

use crate::sqlite::Database;
use countersign_core::ports::error::StoreError;
use std::sync::Arc;

/// The type of a parameter; each may also be null.
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
    /// The table whose rows it gives, for the errors about them. The first
    /// column of such a row is its id, never a secret.
    pub table: &'static str,
    /// The text. `$` stands for nothing but parameters.
    pub text: &'static str,
    /// The types of `$1` to `$n`: Postgres gets them explicitly, so nothing is prepared.
    pub params: &'static [Kind],
}

/// Values that do not have the types of the statement: a mistake in this
/// crate, caught before it reaches the engine.
fn check_values(statement: &Statement, values: &[Value]) -> Result<(), StoreError> {
    let fit = statement.params.len() == values.len()
        && values.iter().zip(statement.params).all(|(value, kind)| value.fits(*kind));
    if fit { Ok(()) } else { Err(StoreError::unavailable("the values do not fit the statement")) }
}

/// Refuses a URL of a Postgres server that cannot be used, without reaching
/// for anything. Its error does not repeat the URL, which may hold a password.
pub fn check_postgres_url(url: &str) -> Result<(), StoreError> {
    postgres::parse_url(url).map(drop)
}

/// Where the servers of a usable URL are, and which database is meant, without who asks.
pub fn postgres_servers(url: &str) -> Option<String> {
    postgres::parse_url(url).ok().as_ref().map(postgres::servers)
}

/// What became of the weeks that the history is kept in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weeks {
    /// Weeks made.
    pub made: u64,
    /// Weeks dropped.
    pub dropped: u64,
    /// Rows that belong to no week, counted up to a bound.
    pub strays: u64,
    /// When the oldest week that must stay begins; `None` where there are no weeks.
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
    /// A database in one SQLite file.
    pub fn sqlite(database: Database) -> Self {
        Self { engine: Engine::Sqlite(database) }
    }

    /// A Postgres server at `postgres://user:password@host:port/database`.
    /// Beyond this machine it is reached by TLS alone, unless the URL says
    /// `sslmode=disable`; `ca` is the authority (PEM) of its certificate, if
    /// that is none of the system's. Nothing is connected yet; the error of a bad URL does not repeat it,
    /// for it may hold the password.
    pub fn postgres(url: &str, ca: Option<&[u8]>) -> Result<Self, StoreError> {
        Ok(Self { engine: Engine::Postgres(Arc::new(postgres::Postgres::new(url, ca)?)) })
    }

    /// Reaches the same server with another password, user or authority from now on, once a connection could be
    /// opened so; whether it is another one. Until then, and after an error, connections are opened as before.
    pub async fn change_access(&self, url: &str, ca: Option<&[u8]>) -> Result<bool, StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => Ok(false),
            Engine::Postgres(postgres) => postgres.change_access(url, ca).await,
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

    /// Runs the batch as one transaction and gives the rows of each statement, in order.
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

    /// Brings the schema up to date and gives the names of the migrations that
    /// this call applied. Any number of processes may call it at once; on
    /// Postgres over a direct URL, not through a transaction pooler, for the
    /// lock belongs to the session.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        match &self.engine {
            Engine::Sqlite(database) => database.write(lite::migrate).await,
            Engine::Postgres(postgres) => postgres.migrate().await,
        }
    }

    /// Refuses a way to the database that [`Sql::migrate`] could not take: one through a transaction pooler.
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

    /// Whether no migration was ever applied: nobody has kept anything in it yet.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        Ok(self.pending_migrations().await?.len() == self.migrations().len())
    }

    /// The file, if it is one on this machine.
    pub fn file(&self) -> Option<&Database> {
        match &self.engine {
            Engine::Sqlite(database) => Some(database),
            Engine::Postgres(_) => None,
        }
    }

    /// Makes room for what the history gets, and drops as a whole what was made
    /// before `before`, both in microseconds. Any number of nodes may call it
    /// at once, also through a pooler. SQLite keeps the history in one piece.
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
