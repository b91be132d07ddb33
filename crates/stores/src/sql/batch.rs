//! Batches: statements that form one transaction.

use super::{Row, Statement, Value};
use countersign_core::ports::error::StoreError;

/// Statements that all take effect, or none of them.
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

/// The meaning of a statement that touches more or fewer rows than required.
#[derive(Clone, Copy, Debug)]
enum Otherwise {
    Conflict,
    /// The state that the caller read before the batch has changed since.
    Moved,
    /// Rows of this table contradict each other.
    Corrupt(&'static str),
    /// The batch would create more objects of a kind than allowed: the kind and the maximum.
    Full(&'static str, u32),
    /// The batch would take the last owner from a tenant.
    LastOwner,
}

impl Batch {
    /// Adds a statement that may touch any number of rows.
    pub fn run(self, statement: &'static Statement, values: Vec<Value>) -> Self {
        self.add(None, Otherwise::Conflict, statement, values)
    }

    #[cfg(test)]
    pub fn texts(&self) -> Vec<&'static str> {
        self.steps.iter().map(|step| step.statement.text).collect()
    }

    /// Adds a statement that must touch exactly `rows` rows. Otherwise the batch is rolled back and returns
    /// `Conflict`.
    pub fn run_touching(self, rows: u64, statement: &'static Statement, values: Vec<Value>) -> Self {
        self.add(Some(rows), Otherwise::Conflict, statement, values)
    }

    /// Adds a statement that must return one row. Otherwise the batch is rolled back, and its error says that
    /// there are more than `most` of `what`.
    pub fn run_within(
        self,
        (what, most): (&'static str, u32),
        statement: &'static Statement,
        values: Vec<Value>,
    ) -> Self {
        self.add(Some(1), Otherwise::Full(what, most), statement, values)
    }

    /// Adds a statement that must return one row. Otherwise the batch is rolled back, and its error says that
    /// the state that the caller read before has changed.
    pub fn run_unmoved(self, statement: &'static Statement, values: Vec<Value>) -> Self {
        self.add(Some(1), Otherwise::Moved, statement, values)
    }

    /// Adds a statement that must return one row. Otherwise the batch is rolled back, and its error says that a
    /// tenant would be left without an owner.
    pub fn run_owned(self, statement: &'static Statement, values: Vec<Value>) -> Self {
        self.add(Some(1), Otherwise::LastOwner, statement, values)
    }

    /// The place of the next statement among the results of the batch.
    pub fn next_place(&self) -> usize {
        self.steps.len()
    }

    /// Adds a statement that must touch one row. Otherwise the batch is rolled back, and its error says that
    /// the statement's table is corrupt.
    pub fn run_sound(self, statement: &'static Statement, values: Vec<Value>) -> Self {
        self.add(Some(1), Otherwise::Corrupt(statement.table), statement, values)
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

/// The result of a statement.
pub(super) struct Done {
    pub rows: Vec<Row>,
    pub touched: u64,
}

impl Step {
    /// Returns the rows of the statement if it touched as many rows as required.
    pub fn accept(&self, done: Done) -> Result<Vec<Row>, StoreError> {
        match self.touches {
            Some(expected) if expected != done.touched => Err(match self.otherwise {
                Otherwise::Conflict => StoreError::Conflict,
                Otherwise::Moved => StoreError::Moved,
                Otherwise::LastOwner => StoreError::LastOwner,
                Otherwise::Corrupt(table) => StoreError::Corrupt { table, id: "rows".to_owned() },
                Otherwise::Full(what, most) => StoreError::Full { what, most },
            }),
            _ => Ok(done.rows),
        }
    }
}
