//! Statements that are one transaction.

use super::{Row, Statement, Value};
use countersign_core::ports::error::StoreError;

/// Statements that happen together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) steps: Vec<Step>,
}

/// One statement of a batch.
#[derive(Debug)]
pub(super) struct Step {
    pub statement: &'static Statement,
    pub values: Vec<Value>,
    touches: Option<u64>,
    otherwise: Otherwise,
}

/// What it means that a statement does not touch as many rows as it must.
#[derive(Clone, Copy, Debug)]
enum Otherwise {
    Conflict,
    /// What the caller read before the batch has changed since.
    Moved,
    /// There is more of something than there may be.
    Full(&'static str, u32),
}

impl Batch {
    /// Adds a statement that may touch any number of rows.
    pub fn run(self, statement: &'static Statement, values: Vec<Value>) -> Self {
        self.add(None, Otherwise::Conflict, statement, values)
    }

    /// Adds a statement that must touch exactly `rows` rows, else all rolls
    /// back and the batch answers `Conflict`.
    pub fn run_touching(self, rows: u64, statement: &'static Statement, values: Vec<Value>) -> Self {
        self.add(Some(rows), Otherwise::Conflict, statement, values)
    }

    /// Adds a statement that must give one row, else all rolls back and the
    /// batch answers that there are more than `most` of `what`.
    pub fn run_within(
        self,
        (what, most): (&'static str, u32),
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Self {
        self.add(Some(1), Otherwise::Full(what, most), statement, values)
    }

    /// Adds a statement that must give one row, else all rolls back and the batch answers
    /// that what it was decided by has changed.
    pub fn run_unmoved(self, statement: &'static Statement, values: Vec<Value>) -> Self {
        self.add(Some(1), Otherwise::Moved, statement, values)
    }

    fn add(
        mut self,
        touches: Option<u64>,
        otherwise: Otherwise,
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Self {
        self.steps.push(Step { statement, values, touches, otherwise });
        self
    }
}

/// What a statement did.
pub(super) struct Done {
    pub rows: Vec<Row>,
    pub touched: u64,
}

impl Step {
    /// The rows of the statement, if it touched as many as it must.
    pub fn accept(&self, done: Done) -> Result<Vec<Row>, StoreError> {
        match self.touches {
            Some(expected) if expected != done.touched => Err(match self.otherwise {
                Otherwise::Conflict => StoreError::Conflict,
                Otherwise::Moved => StoreError::Moved,
                Otherwise::Full(what, most) => StoreError::Full { what, most },
            }),
            _ => Ok(done.rows),
        }
    }
}
