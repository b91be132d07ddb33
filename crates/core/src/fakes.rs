//! Stores for tests. A fake implements the traits that its test uses; every method of the others reports that
//! the test should not call it. Only tests enable the feature `fakes`, so the program itself contains none of
//! this.

pub mod codes;
pub mod directory;
pub mod gateways;
pub mod history;
pub mod people;
pub mod webhooks;

use crate::ports::error::StoreError;

fn not_asked<T>() -> Result<T, StoreError> {
    Err(StoreError::unavailable("no part of this test"))
}
