//! Stores for tests. A fake implements the parts of a port that its test uses, and says of each of the others
//! that it is without it. The feature `fakes` belongs to tests: the program itself has none of this.

pub mod codes;
pub mod directory;
pub mod gateways;
pub mod history;
pub mod webhooks;

use crate::ports::error::StoreError;

fn not_asked<T>() -> Result<T, StoreError> {
    Err(StoreError::unavailable("no part of this test"))
}
