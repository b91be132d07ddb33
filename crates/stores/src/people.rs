//! What the portal needs of persons, in the database of the directory.

pub(crate) mod notices;

use crate::{directory::SqlDirectory, sql::Statement};

/// Every statement; tests run each one on both engines.
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
