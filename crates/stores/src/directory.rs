//! Tenants, keys and profiles in SQL, and the nodes that serve them.
//!
//! Each write is one batch. It begins by taking the next number from `change_head`. The lock on that row
//! makes the writers wait for each other, so the numbers have the order of the commits and none is missing.
//! (A sequence could give a later number to a transaction that commits first, and a reader that has passed
//! this number would miss the earlier change.) Only an update of the time of last use takes no number.

mod answer;
mod applied;
mod audit;
mod audit_log;
mod audit_restart;
mod basis;
mod change;
mod demo;
mod erasure;
mod invitations;
mod key;
mod last_owner;
mod leaving;
mod limits;
mod member_keys;
mod members;
mod news;
mod node;
mod people;
mod profile;
mod resource;
mod review;
mod setting;
mod statements;
mod stranger;
mod tenant;
mod told;
mod turns;
mod usage;

pub(crate) use audit::Chains;
pub(crate) use change::{lock_number, take_number};
pub(crate) use members::{add_joining, read_member};
pub use node::SqlNodes;
pub(crate) use people::read_person;
pub use statements::{PEOPLE, STATEMENTS, STRANGERS};

use crate::sql::Sql;
use countersign_core::keyring::KeyRing;
use std::sync::Arc;
use turns::Turns;

/// The directory in a database of either engine.
#[derive(Clone)]
pub struct SqlDirectory {
    sql: Sql,
    /// It makes the MACs of the heads of the audit log.
    keyring: Arc<KeyRing>,
    turns: Arc<Turns>,
}

impl SqlDirectory {
    /// Uses this database, whose schema must be up to date.
    /// The key ring makes the MACs of the audit log.
    pub fn new(sql: Sql, keyring: Arc<KeyRing>) -> Self {
        Self { sql, keyring, turns: Arc::default() }
    }

    /// The database, for the stores beside this one that write in the same transactions.
    pub(crate) fn sql(&self) -> &Sql {
        &self.sql
    }

    /// The serving nodes in the same database.
    pub fn nodes(&self) -> SqlNodes {
        SqlNodes::new(self.sql.clone())
    }
}
