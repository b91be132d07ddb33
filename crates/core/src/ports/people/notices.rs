//! The outbox of notices.

use crate::{
    id::NoticeId,
    people::notice::{NoticeClaim, SealedNotice, StoredNotice},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

/// The state of the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoticeCounts {
    /// The number of notices that are not sent yet.
    pub waiting: u64,
    /// The number of notices that were ever dropped, because too many of their kind waited for their person.
    pub dropped: u64,
}

/// The notices that are not sent yet. Each method is one transaction.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Adds notices. Other methods of the stores add them in the transaction of a change.
    async fn add_notices(&self, notices: &[SealedNotice]) -> Result<(), StoreError>;

    /// Takes up to `limit` due notices, oldest first, and holds them until `until`. Each counts a try.
    async fn claim_notices(
        &self,
        limit: u16,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<NoticeClaim>, StoreError>;

    /// Deletes a notice that was sent or given up, if the claim is still the newest. Returns whether it was.
    async fn end_notice(&self, claim: &NoticeClaim) -> Result<bool, StoreError>;

    /// Makes a notice due at `at`, if the claim is still the newest. Returns whether it was.
    async fn retry_notice(&self, claim: &NoticeClaim, at: Timestamp) -> Result<bool, StoreError>;

    async fn count_notices(&self) -> Result<NoticeCounts, StoreError>;

    /// The notices after `after` whose content another version of the seal key sealed, sorted by id.
    async fn notices_not_sealed_with(
        &self,
        version: u8,
        after: Option<NoticeId>,
        limit: u16,
    ) -> Result<Vec<StoredNotice>, StoreError>;

    /// The number of notices whose content this version sealed.
    async fn count_notices_sealed_with(&self, version: u8) -> Result<u64, StoreError>;

    /// Replaces the sealed content of a notice by the same content under another key. Returns whether the notice
    /// still had the former content.
    async fn reseal_notice(&self, former: &StoredNotice, sealed: &[u8]) -> Result<bool, StoreError>;
}
