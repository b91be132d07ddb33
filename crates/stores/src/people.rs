//! What persons sign in with, and their sessions, in the database of the directory.
//!
//! A batch that changes a person, or begins or ends a session, begins with the lock on `change_head`. So such
//! batches come one after the other, and none waits for a row that another holds. What only begins something that
//! waits for a code locks the person's row instead: a change of the epoch is then either before it or after it.

mod account;
mod activity;
mod change;
mod codes;
mod devices;
mod ending;
mod entries;
mod forms;
mod links;
pub(crate) mod notices;
mod reminders;
mod sessions;
mod sign_in;
mod statements;
mod waits;

pub use statements::STATEMENTS;

use crate::{
    directory::SqlDirectory,
    sql::{Sql, Statement},
};

/// Every statement of notices; tests run each one on both engines.
pub const NOTICES: &[&Statement] = notices::STATEMENTS;

/// Persons, over the database of the directory.
#[derive(Clone)]
pub struct SqlPeople {
    directory: SqlDirectory,
}

impl SqlPeople {
    pub fn new(directory: SqlDirectory) -> Self {
        Self { directory }
    }

    fn sql(&self) -> &Sql {
        self.directory.sql()
    }
}
