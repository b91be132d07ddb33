//! Runs statements on a Postgres server.

mod access;
mod connect;
mod migrate;
mod weeks;

use super::{
    Batch, Kind, Row, Statement, Value,
    batch::Done,
    migration::{self, Applied},
};
use crate::certificates::Certificates;
use access::Access;
pub(super) use connect::{parse_url, refuses_tls, servers};
use countersign_core::ports::error::StoreError;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, Runtime};
use futures_util::{TryStreamExt, future::maybe_done, poll};
use std::{future::Future, pin::pin, time::Duration};
use tokio::time::timeout;
use tokio_postgres::{
    Client, GenericClient, IsolationLevel,
    error::SqlState,
    types::{FromSql, ToSql, Type},
};

/// How long to wait for a free connection, for a new connection, and for each answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The number of connections of one process. A Postgres server has 100 by default, for all its clients.
const CONNECTIONS: usize = 16;
/// A pool of connections to one server.
pub(super) struct Postgres {
    pool: Pool,
    access: Access,
}

impl Postgres {
    pub fn new(url: &str, certificates: Certificates) -> Result<Self, StoreError> {
        let access = Access::new(url, certificates)?;
        // The connector knows the present way; the one that the manager hands it may be older.
        let config = access.current().config.clone();
        let manager = Manager::from_connect(config, access.clone(), ManagerConfig::default());
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map_err(StoreError::unavailable)?;
        Ok(Self { pool, access })
    }

    pub async fn query(&self, statement: &Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut held = self.hold().await?;
        let outcome = answer(run(held.client()?, statement, values)).await;
        held.done(outcome.and_then(|found| found.read(statement))).map(|done| done.rows)
    }

    pub async fn batch(&self, batch: &Batch) -> Result<Vec<Vec<Row>>, StoreError> {
        let mut held = self.hold().await?;
        let outcome = run_batch(held.client()?, batch).await;
        held.done(outcome)
    }

    pub async fn read_applied(&self) -> Result<Vec<Applied>, StoreError> {
        let mut held = self.hold().await?;
        let outcome = read_applied(held.client()?).await;
        held.done(outcome)
    }

    /// See [`Access::change`].
    pub async fn change_access(&self, url: &str, certificates: &Certificates) -> Result<bool, StoreError> {
        self.access.change(url, certificates).await
    }

    async fn hold(&self) -> Result<Held, StoreError> {
        loop {
            let client = self.pool.get().await.map_err(StoreError::unavailable)?;
            if Object::metrics(&client).created >= self.access.current().since {
                return Ok(Held(Some(client)));
            }
            // Opened with a password of before: it is closed, so that a user of before can be dropped.
            drop(Object::take(client));
        }
    }
}

/// A connection in use. After an error of the engine, or when the caller stops waiting, it is closed and does
/// not return to the pool. A statement may still run on it, or after a fail-over it may lead to a server that
/// no longer writes.
struct Held(Option<Object>);

impl Held {
    fn client(&mut self) -> Result<&mut Client, StoreError> {
        let client = self.0.as_mut().map(|client| &mut ***client);
        client.ok_or_else(|| StoreError::unavailable("the connection was given back"))
    }

    fn done<T>(mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if !matches!(outcome, Err(StoreError::Unavailable(_))) {
            drop(self.0.take());
        }
        outcome
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

/// Waits for the server, with a time-out.
async fn answer<T>(wait: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, StoreError> {
    match timeout(PATIENCE, wait).await {
        Ok(outcome) => outcome.map_err(postgres_error),
        Err(_) => Err(StoreError::unavailable("no answer from the database in 5 s")),
    }
}

fn postgres_error(error: tokio_postgres::Error) -> StoreError {
    // Class 23 contains all violated constraints, which SQLite also reports as conflicts. Class 22 is a value
    // that the server cannot store, so a repeat would fail too.
    match error.code().map(SqlState::code) {
        Some(code) if code.starts_with("23") => StoreError::Conflict,
        Some(code) if code.starts_with("22") => {
            StoreError::Corrupt { table: "SQLSTATE", id: code.to_owned() }
        }
        _ => StoreError::unavailable(error),
    }
}

/// Runs one unnamed statement. It takes one round trip, and leaves no statement on the connection that a
/// pooler would give to another client.
async fn run(
    client: &impl GenericClient,
    statement: &Statement,
    values: &[Value],
) -> Result<Found, tokio_postgres::Error> {
    let params = values.iter().zip(statement.params.iter().copied()).map(parameter);
    let mut stream = pin!(client.query_typed_raw(statement.text, params).await?);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(row);
    }
    Ok(Found { rows, touched: stream.rows_affected().unwrap_or(0) })
}

/// The server's answer to a statement.
struct Found {
    rows: Vec<tokio_postgres::Row>,
    touched: u64,
}

impl Found {
    fn read(&self, statement: &Statement) -> Result<Done, StoreError> {
        let rows = self.rows.iter().map(|row| read_row(statement, row)).collect::<Result<_, _>>()?;
        Ok(Done { rows, touched: self.touched })
    }
}

fn read_row(statement: &Statement, row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let values = (0..row.len()).map(|index| row.try_get::<_, Value>(index)).collect::<Result<_, _>>();
    Ok(Row::new(statement, values.map_err(StoreError::unavailable)?))
}

async fn run_batch(client: &mut Client, batch: &Batch) -> Result<Vec<Vec<Row>>, StoreError> {
    let begin = client.build_transaction().isolation_level(IsolationLevel::ReadCommitted);
    let transaction = answer(begin.start()).await?;
    // Send all statements before waiting for the first answer: this takes one round trip in total.
    let mut waits = Vec::with_capacity(batch.steps.len());
    for step in &batch.steps {
        let mut wait = Box::pin(maybe_done(run(&transaction, step.statement, &step.values)));
        let _ = poll!(wait.as_mut());
        waits.push(wait);
    }
    let mut rows = Vec::with_capacity(batch.steps.len());
    for (step, mut wait) in batch.steps.iter().zip(waits) {
        // Each answer has its own time-out, so a long batch may take longer.
        let found = answer(async {
            wait.as_mut().await;
            wait.as_mut().take_output().transpose()
        });
        let found = found.await?.ok_or_else(|| StoreError::unavailable("an answer was lost"))?;
        // After an error the transaction is dropped, and so rolled back. The first error decides; later
        // statements failed because of it.
        rows.push(step.accept(found.read(step.statement)?)?);
    }
    answer(transaction.commit()).await?;
    Ok(rows)
}

async fn read_applied(client: &Client) -> Result<Vec<Applied>, StoreError> {
    const EXISTS: &str = "SELECT to_regclass('schema_migrations') IS NOT NULL";
    let exists = answer(client.query_typed(EXISTS, &[])).await?;
    if !exists.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
        return Ok(Vec::new());
    }
    let rows = answer(client.query_typed(migration::SELECT, &[])).await?;
    let read = |row: &tokio_postgres::Row| Ok(Applied { name: row.try_get(0)?, text: row.try_get(1)? });
    rows.iter().map(read).collect::<Result<_, _>>().map_err(postgres_error)
}

/// A value with its type. A null is also sent with its type.
fn parameter((value, kind): (&Value, Kind)) -> (&(dyn ToSql + Sync), Type) {
    let ty = match kind {
        Kind::Text => Type::TEXT,
        Kind::Int => Type::INT8,
        Kind::Bytes => Type::BYTEA,
    };
    let value: &(dyn ToSql + Sync) = match (value, kind) {
        (Value::Text(text), _) => text,
        (Value::Int(number), _) => number,
        (Value::Bytes(bytes), _) => bytes,
        (Value::Null, Kind::Text) => &None::<&str>,
        (Value::Null, Kind::Int) => &None::<i64>,
        (Value::Null, Kind::Bytes) => &None::<&[u8]>,
    };
    (value, ty)
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match *ty {
            Type::TEXT => String::from_sql(ty, raw).map(Self::Text),
            Type::INT4 => i32::from_sql(ty, raw).map(|number| Self::Int(number.into())),
            Type::INT8 => i64::from_sql(ty, raw).map(Self::Int),
            _ => Vec::from_sql(ty, raw).map(Self::Bytes),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::TEXT | Type::INT4 | Type::INT8 | Type::BYTEA)
    }
}
