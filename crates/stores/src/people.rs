//! What signing in needs, in the database of the directory.

pub(crate) mod notices;
mod waits;

pub use waits::{STATEMENTS, SqlSignIn};

use crate::{directory::SqlDirectory, sql::Statement};

/// The statements of the outbox of notices; tests run each one on both engines.
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
}
