//! What signing in needs. It is never in the copy in memory: without the database nobody signs in.

use crate::{
    people::waits::{WaitCount, Waiting},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

/// Counts of wrong passwords.
#[async_trait]
pub trait Waits: Send + Sync {
    /// Counts a try in all counts, before the server looks at the password. If one of them makes the caller
    /// wait, counts nothing and returns the longest wait.
    async fn count_try(
        &self,
        counts: &[WaitCount],
        now: Timestamp,
    ) -> Result<Result<(), Waiting>, StoreError>;

    /// Gives tries back that were counted at `now`, and counts one in each of `counts`. If one of these makes the
    /// caller wait, changes nothing and returns the longest wait.
    async fn exchange_try(
        &self,
        given_back: &[WaitCount],
        counts: &[WaitCount],
        now: Timestamp,
    ) -> Result<Result<(), Waiting>, StoreError>;

    /// Gives back a try that was counted at `now`, because the password was right.
    async fn give_back(&self, counts: &[WaitCount], now: Timestamp) -> Result<(), StoreError>;

    /// Removes a count: its next failures are free again.
    async fn reset_wait(&self, count: &WaitCount) -> Result<(), StoreError>;

    /// Deletes up to `limit` counts whose last failure was before `before`. Returns their number.
    async fn forget_waits(&self, before: Timestamp, limit: u16) -> Result<u64, StoreError>;
}
