//! Tenants, keys and profiles in SQL, and the nodes that serve them.
//!
//! Each write is one batch. It begins by taking the next number from `change_head`. The lock on that row
//! makes the writers wait for each other, so the numbers have the order of the commits and none is missing.
//! (A sequence could give a later number to a transaction that commits first, and a reader that has passed
//! this number would miss the earlier change.) Only an update of the time of last use takes no number.

mod answer;
mod applied;
mod basis;
mod change;
mod erasure;
mod key;
mod news;
mod node;
mod profile;
mod resource;
mod review;
mod setting;
mod statements;
mod tenant;
mod told;
mod usage;

pub use statements::STATEMENTS;

use crate::sql::Sql;

/// The directory in a database of either engine.
#[derive(Clone)]
pub struct SqlDirectory {
    sql: Sql,
}

impl SqlDirectory {
    /// Uses this database, whose schema must be up to date.
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}
