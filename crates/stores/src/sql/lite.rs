//! Runs statements on SQLite.

use super::{
    Batch, Row, Statement, Value,
    batch::{Done, Step},
    migration::{self, Applied},
};
use crate::sqlite::sqlite_error;
use countersign_core::ports::error::StoreError;
use rusqlite::{
    Connection, OptionalExtension, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn read_value(value: ValueRef<'_>) -> Option<Value> {
    match value {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Text(text) => String::from_utf8(text.to_vec()).ok().map(Value::Text),
        ValueRef::Integer(number) => Some(Value::Int(number)),
        ValueRef::Blob(bytes) => Some(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => None,
    }
}

/// Replaces `$1` by `?1`. SQLite numbers `$1` by where it first appears and not by its digit, so `SELECT $2,
/// $1` would swap the values. It numbers `?1` by its digit.
fn numbered(text: &str) -> String {
    text.replace('$', "?")
}

/// Runs one statement. The connection keeps compiled statements.
pub(super) fn run(
    connection: &Connection,
    statement: &Statement,
    values: &[Value],
) -> Result<Done, StoreError> {
    let mut prepared = connection.prepare_cached(&numbered(statement.text)).map_err(sqlite_error)?;
    let columns = prepared.column_count();
    if columns == 0 {
        let touched = prepared.execute(params_from_iter(values)).map_err(sqlite_error)?;
        return Ok(Done { rows: Vec::new(), touched: touched as u64 });
    }
    let mut found = prepared.query(params_from_iter(values)).map_err(sqlite_error)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(sqlite_error)? {
        let mut values = Vec::with_capacity(columns);
        for index in 0..columns {
            match read_value(row.get_ref(index).map_err(sqlite_error)?) {
                Some(value) => values.push(value),
                None => return Err(Row::new(statement, values).corrupt()),
            }
        }
        rows.push(Row::new(statement, values));
    }
    let touched = rows.len() as u64;
    Ok(Done { rows, touched })
}

/// Runs a batch inside the caller's transaction. The caller rolls back on an error.
pub(super) fn run_batch(connection: &Connection, batch: &Batch) -> Result<Vec<Vec<Row>>, StoreError> {
    let run = |step: &Step| step.accept(run(connection, step.statement, &step.values)?);
    batch.steps.iter().map(run).collect()
}

/// Applies pending migrations inside the caller's transaction. Another process that migrates at the same time
/// waits for the file, and then finds nothing to do.
pub(super) fn migrate(connection: &Connection) -> Result<Vec<String>, StoreError> {
    connection.execute_batch(migration::SQLITE_TABLE).map_err(sqlite_error)?;
    let pending = migration::pending(migration::SQLITE, &read_applied(connection)?)?;
    for migration in &pending {
        connection.execute_batch(migration.text).map_err(|error| migration.failed(error))?;
        let insert = numbered(migration::INSERT);
        let columns = (migration.name, migration.text);
        connection.execute(&insert, columns).map_err(|error| migration.failed(error))?;
    }
    Ok(pending.into_iter().map(|migration| migration.name.to_owned()).collect())
}

/// The applied migrations; none for a new file.
pub(super) fn read_applied(connection: &Connection) -> Result<Vec<Applied>, StoreError> {
    const EXISTS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'";
    let exists = connection.query_row(EXISTS, [], |_| Ok(())).optional().map_err(sqlite_error)?;
    if exists.is_none() {
        return Ok(Vec::new());
    }
    let mut select = connection.prepare(migration::SELECT).map_err(sqlite_error)?;
    let rows = select.query_map([], |row| Ok(Applied { name: row.get(0)?, text: row.get(1)? }));
    rows.map_err(sqlite_error)?.collect::<Result<_, _>>().map_err(sqlite_error)
}
