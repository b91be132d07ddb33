//! Mails that time makes due, and what was told already.

use crate::{
    id::{MemberId, PersonId, TenantId},
    people::{account::Account, member::Member, notice::SealedNotice},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;
use std::time::Duration;

/// A member with a pool.
#[derive(Clone, Debug)]
pub struct Pooled {
    pub member: Member,
    /// The month and the size of the pool of which the owners know.
    pub told: Option<String>,
}

#[async_trait]
pub trait Reminders: Send + Sync {
    /// The persons after `after` who are enabled members of the tenant, whose password is older than `age`, and who
    /// got no mail on it since it last became due. It becomes due each time that it is a multiple of `age` old.
    /// Sorted by id.
    async fn people_to_remind(
        &self,
        tenant: TenantId,
        (age, now): (Duration, Timestamp),
        after: Option<PersonId>,
        limit: u16,
    ) -> Result<Vec<Account>, StoreError>;

    /// Stores a mail on an old password, unless the person got one since `due`, or has another password now. Returns
    /// whether it was stored.
    async fn remind(
        &self,
        account: &Account,
        (due, now): (Timestamp, Timestamp),
        notice: &SealedNotice,
    ) -> Result<bool, StoreError>;

    /// The enabled members of all tenants after `after` who have a pool, sorted by id.
    async fn members_with_pools(
        &self,
        after: Option<MemberId>,
        limit: u16,
    ) -> Result<Vec<Pooled>, StoreError>;

    /// Stores mails on a pool, unless the owners know of `mark`, or the member has another pool now. Returns whether
    /// they were stored.
    async fn tell_of_pool(
        &self,
        member: &Member,
        mark: &str,
        notices: &[SealedNotice],
    ) -> Result<bool, StoreError>;
}
