//! Turns failures of the stores into problems.

use super::{answer::Problem, table::ProblemCode};
use countersign_core::ports::error::StoreError;
use std::{sync::Arc, time::Duration};

/// The wait that a refusal names when a store does not answer.
const STORE_WAIT: Duration = Duration::from_secs(1);

/// The codes store failed.
pub fn codes(error: impl Into<Arc<StoreError>>) -> Problem {
    let error = error.into();
    match *error {
        StoreError::Conflict
        | StoreError::Moved
        | StoreError::Busy
        | StoreError::LastOwner
        | StoreError::NotOfSystem(_)
        | StoreError::Full { .. } => internal("The codes store holds a conflicting value.").caused_by(error),
        // A newer release may have written the record: another node can read it.
        StoreError::Unavailable(_) | StoreError::Corrupt { .. } => codes_unavailable().caused_by(error),
    }
}

/// The directory failed.
pub fn directory(error: impl Into<Arc<StoreError>>) -> Problem {
    let error = error.into();
    match *error {
        StoreError::Unavailable(_) => {
            let detail = "The directory does not answer; nothing was changed.";
            Problem::new(ProblemCode::DirectoryUnavailable, detail).retry_after(STORE_WAIT).caused_by(error)
        }
        StoreError::Conflict | StoreError::Moved => {
            Problem::new(ProblemCode::Conflict, "Another change came first; read it and try again.")
                .caused_by(error)
        }
        StoreError::Busy => {
            let detail = "Too many changes of this tenant came at once; nothing was changed.";
            Problem::new(ProblemCode::Busy, detail).retry_after(STORE_WAIT).caused_by(error)
        }
        StoreError::Full { what, most } => {
            Problem::new(ProblemCode::Conflict, format!("A tenant has at most {most} {what}."))
        }
        StoreError::LastOwner => {
            Problem::new(ProblemCode::Conflict, "The tenant would be left without an owner.").caused_by(error)
        }
        StoreError::NotOfSystem(_) => {
            Problem::new(ProblemCode::NotFound, "A tenant of the server itself has none.").caused_by(error)
        }
        StoreError::Corrupt { .. } => internal("A stored value cannot be read.").caused_by(error),
    }
}

fn internal(detail: &'static str) -> Problem {
    Problem::new(ProblemCode::Internal, detail)
}

/// The server compared no code, and a later attempt may reach a node that can.
pub fn codes_unavailable() -> Problem {
    let detail = "The verification cannot be read or changed now; nothing was evaluated.";
    Problem::new(ProblemCode::CodesUnavailable, detail).retry_after(STORE_WAIT)
}
