//! What the portal needs of persons, in the database of the directory: what signing in needs, and notices.

pub(crate) mod notices;
mod waits;

use crate::{directory::SqlDirectory, sql::Statement};
pub use waits::{STATEMENTS, SqlSignIn};

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
