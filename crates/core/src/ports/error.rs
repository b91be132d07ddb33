//! The errors of stores.

use crate::{pack::UnpackError, tenant::system::NotOfSystem};

/// A store did not carry out what it was asked. A missing thing is `None` and not an error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is unreachable, too slow, full or closed. The caller does not know whether anything
    /// happened.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another write came first, or the thing already exists.
    #[error("the store holds a conflicting value")]
    Conflict,
    /// The state that the caller read before it decided on the write has changed since. Nothing was written.
    #[error("what the write was decided by was changed meanwhile")]
    Moved,
    /// Other writers were first in each of many rounds. Nothing was written.
    #[error("too many changes of one tenant at once")]
    Busy,
    /// The tenant has the maximum number of these things. Nothing was written.
    #[error("a tenant has at most {most} {what}")]
    Full {
        what: &'static str,
        /// The maximum number.
        most: u32,
    },
    /// A tenant that had an owner would have none afterwards. Nothing was written.
    #[error("the tenant would be left without an owner")]
    LastOwner,
    /// The tenant is one of the server itself, which does not have this. Nothing was read or written.
    #[error(transparent)]
    NotOfSystem(#[from] NotOfSystem),
    /// A stored value cannot be read: it is damaged, or a newer release wrote it.
    #[error("{table} {id} cannot be read")]
    Corrupt {
        /// The table or key space of the value.
        table: &'static str,
        /// The id of the value; never a phone number or a secret.
        id: String,
    },
}

impl StoreError {
    /// Wraps any failure of the engine.
    pub fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }

    /// The error for a packed record that cannot be read. The caller logs the reason.
    pub fn unreadable(table: &'static str, id: impl ToString, error: UnpackError) -> Self {
        Self::Corrupt { table, id: format!("{}: {error}", id.to_string()) }
    }
}
