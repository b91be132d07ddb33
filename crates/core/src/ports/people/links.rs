//! Links in mails.

use crate::{
    access::key::HashedSecret,
    id::PersonId,
    people::{
        link::{Link, LinkKind},
        notice::SealedNotice,
    },
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

#[async_trait]
pub trait Links: Send + Sync {
    /// Stores a link with the notice that contains it. A link for set-up replaces the former one. Returns `Full`
    /// if the person got as many of this kind in the last hour as it may, used ones included, and `Moved` if the
    /// person is gone or, for a kind that ends with the epoch, has another epoch.
    async fn add_link(&self, link: &Link, notices: &[SealedNotice]) -> Result<(), StoreError>;

    /// The newest link of a kind that a person could still use.
    async fn newest_link(
        &self,
        person: PersonId,
        kind: LinkKind,
        now: Timestamp,
    ) -> Result<Option<Link>, StoreError>;

    /// The link with this secret, if it was not used, has not expired, and, if its kind says so, its person still
    /// has its epoch.
    async fn link(&self, secret: HashedSecret, now: Timestamp) -> Result<Option<Link>, StoreError>;
}
