//! Tenants, keys and profiles in SQL, and the nodes that serve them.
//!
//! Each write is one batch that begins by taking the next number from
//! `change_head`: its row lock puts the writers in line, so the order of the
//! numbers is the order of the commits, and none is missing. (A sequence gives
//! a later number to a transaction that commits first, and a reader that has
//! passed it never comes back.) Only the time of last use is no change.

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

/// The directory on a database of either engine.
#[derive(Clone)]
pub struct SqlDirectory {
    sql: Sql,
}

impl SqlDirectory {
    /// The directory in this database, whose schema must be up to date.
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}
