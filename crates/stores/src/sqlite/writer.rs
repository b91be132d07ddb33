//! The writer thread: operations that arrive while one commit runs share the next.

use countersign_core::ports::error::StoreError;
use rusqlite::Connection;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::{mpsc, oneshot};

/// The maximum number of operations that share one commit.
const GROUP: usize = 256;

/// An operation, with a caller that waits for its answer.
pub(super) trait Act: Send {
    /// Carries the operation out. It may run a second time after the first was undone. Returns whether it
    /// succeeded.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Answers the caller after the commit or its failure.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(super) struct Waiting<T, F> {
    pub act: F,
    pub answer: oneshot::Sender<Result<T, StoreError>>,
    /// Set by the first of two: the writer that begins the operation, or the caller that gives it up.
    pub taken: Arc<AtomicBool>,
    /// Whether the writer was first, once that is known.
    pub begun: Option<bool>,
    pub outcome: Option<Result<T, StoreError>>,
}

impl<T: Send, F: FnMut(&Connection) -> Result<T, StoreError> + Send> Act for Waiting<T, F> {
    fn run(&mut self, connection: &Connection) -> bool {
        let taken = &self.taken;
        if !*self.begun.get_or_insert_with(|| !taken.swap(true, Ordering::SeqCst)) {
            return true;
        }
        let outcome = (self.act)(connection);
        self.outcome.insert(outcome).is_ok()
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let outcome = match (self.outcome, committed) {
            // This also applies to an operation that failed: it may have seen changes that are now undone.
            (_, Err(error)) => Err(error),
            (Some(outcome), Ok(())) => outcome,
            // The caller has given it up.
            (None, Ok(())) => return,
        };
        // If the caller has gone away, nobody needs the answer.
        let _ = self.answer.send(outcome);
    }
}

/// Writes until no caller can hand over an operation any more.
pub(super) fn write_groups(connection: &Connection, mut queue: mpsc::Receiver<Box<dyn Act>>) {
    while let Some(first) = queue.blocking_recv() {
        let others = std::iter::from_fn(|| queue.try_recv().ok());
        let mut group: Vec<_> = std::iter::once(first).chain(others).take(GROUP).collect();
        let committed = write_group(connection, &mut group);
        if let Err(error) = &committed {
            tracing::error!(error = %error, "A group of writes was not committed");
            // If this ROLLBACK fails, the next BEGIN reports it.
            let _ = roll_back(connection);
        }
        for act in group {
            act.answer(match &committed {
                Ok(()) => Ok(()),
                Err(error) => Err(StoreError::unavailable(error.to_string())),
            });
        }
    }
}

/// Almost no operation fails, so they run without savepoints, which would copy each page that an operation
/// changes. If one fails, the whole transaction is rolled back. Then each operation runs again in its own
/// savepoint, so that the failing one undoes only itself.
fn write_group(connection: &Connection, group: &mut [Box<dyn Act>]) -> rusqlite::Result<()> {
    execute(connection, "BEGIN IMMEDIATE")?;
    // On a full disk SQLite may end the transaction by itself. Later operations would then be committed on
    // their own.
    if group.iter_mut().all(|act| act.run(connection) && !connection.is_autocommit()) {
        return execute(connection, "COMMIT");
    }
    roll_back(connection)?;
    execute(connection, "BEGIN IMMEDIATE")?;
    for act in group {
        if connection.is_autocommit() {
            break;
        }
        execute(connection, "SAVEPOINT act")?;
        if !act.run(connection) && !connection.is_autocommit() {
            execute(connection, "ROLLBACK TO act")?;
        }
        if !connection.is_autocommit() {
            execute(connection, "RELEASE act")?;
        }
    }
    // If SQLite has ended the transaction, this fails, and no caller gets a success.
    execute(connection, "COMMIT")
}

fn roll_back(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_autocommit() { Ok(()) } else { execute(connection, "ROLLBACK") }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
