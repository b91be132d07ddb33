//! Why a store did not answer.

use crate::pack::UnpackError;

/// Why a store did not do what it was asked. Absence is no error but `None`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not reached, too slow, full, or closed: nothing is known to have happened.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another write came first, or the thing exists already.
    #[error("the store holds a conflicting value")]
    Conflict,
    /// What the write was decided by is not as it was read any more; nothing was changed.
    #[error("what the write was decided by was changed meanwhile")]
    Moved,
    /// The tenant has as many of these as it may have; nothing was changed.
    #[error("a tenant has at most {most} {what}")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many it may have.
        most: u32,
    },
    /// A stored value cannot be read: damaged, or from a newer release.
    #[error("{table} {id} cannot be read")]
    Corrupt {
        /// The table or key space.
        table: &'static str,
        /// Which one; never a number or a secret.
        id: String,
    },
}

impl StoreError {
    /// Any failure of the engine below.
    pub fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }

    /// A packed record that cannot be read; the reason goes to the log by its caller.
    pub fn unreadable(table: &'static str, id: impl ToString, error: UnpackError) -> Self {
        Self::Corrupt { table, id: format!("{}: {error}", id.to_string()) }
    }
}
