//! The thread that writes: acts that arrive while one commit runs share the next.

use countersign_core::ports::error::StoreError;
use rusqlite::Connection;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::{mpsc, oneshot};

/// Acts that share one commit.
const GROUP: usize = 256;

/// An act, and a caller that waits for its answer.
pub(super) trait Act: Send {
    /// Carries it out, also a second time after the first was undone. Whether it succeeded.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Answers, now that what it did is committed or is not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(super) struct Waiting<T, F> {
    pub act: F,
    pub answer: oneshot::Sender<Result<T, StoreError>>,
    /// Set by the writer that begins the act, or by the caller that gives it up: whoever is first.
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
            // Also for an act that failed: it may have seen what is now undone.
            (_, Err(error)) => Err(error),
            (Some(outcome), Ok(())) => outcome,
            // Given up by its caller.
            (None, Ok(())) => return,
        };
        // A caller that went away has no use for the answer.
        let _ = self.answer.send(outcome);
    }
}

/// Writes until nobody can hand over an act any more.
pub(super) fn write_groups(connection: &Connection, mut queue: mpsc::Receiver<Box<dyn Act>>) {
    while let Some(first) = queue.blocking_recv() {
        let others = std::iter::from_fn(|| queue.try_recv().ok());
        let mut group: Vec<_> = std::iter::once(first).chain(others).take(GROUP).collect();
        let committed = write_group(connection, &mut group);
        if let Err(error) = &committed {
            tracing::error!(error = %error, "A group of writes was not committed");
            // Of a failed ROLLBACK the next BEGIN speaks.
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

/// Almost no act fails, so they run without savepoints, which would copy each
/// page that an act changes. If one fails, all is undone, and each runs again
/// in a savepoint of its own: one that fails then undoes itself and nothing else.
fn write_group(connection: &Connection, group: &mut [Box<dyn Act>]) -> rusqlite::Result<()> {
    execute(connection, "BEGIN IMMEDIATE")?;
    // On a full disk SQLite may end the transaction by itself; what came after would be committed alone.
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
    // Of a transaction that was ended this fails, and nobody is told of success.
    execute(connection, "COMMIT")
}

fn roll_back(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_autocommit() { Ok(()) } else { execute(connection, "ROLLBACK") }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}
