//! Passwords, phones and recovery codes of persons.

use crate::{
    access::{change::Change, key::HashedSecret},
    id::{PersonId, SessionId},
    people::{
        account::{Account, AccountChange},
        notice::SealedNotice,
        password::PasswordText,
        person::EmailMark,
        recovery::RecoveryMark,
    },
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

/// What a change of an account uses up. If one of them is used or gone already, nothing is changed.
#[derive(Clone, Copy, Debug)]
pub enum Consumed<'a> {
    /// The proof of a session for an act, its object and the digest of its form.
    Proof(SessionId, &'a str, &'a str, [u8; 32]),
    Link(HashedSecret),
    RecoveryCode(RecoveryMark),
}

/// What goes into the transaction of a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Along<'a> {
    pub consumes: &'a [Consumed<'a>],
    /// The session of the browser that makes the change, and the hash of its new secret. It goes on under the new
    /// epoch.
    pub kept: Option<(SessionId, HashedSecret)>,
    pub notices: &'a [SealedNotice],
}

#[async_trait]
pub trait Accounts: Send + Sync {
    async fn account(&self, person: PersonId) -> Result<Option<Account>, StoreError>;

    async fn find_account(&self, email: EmailMark) -> Result<Option<Account>, StoreError>;

    /// The former passwords that the person cannot choose again, the newest first. With the present one, which is
    /// not among them, there are at most `REMEMBERED`.
    async fn former_passwords(&self, person: PersonId) -> Result<Vec<PasswordText>, StoreError>;

    /// The number of recovery codes that are left.
    async fn count_recovery_codes(&self, person: PersonId) -> Result<u32, StoreError>;

    /// Changes an account. The person must still have the epoch and the version of `account`; else the error is
    /// `Moved`. It is also `Moved` if something that the change consumes is gone, and `Conflict` if a new e-mail
    /// address is taken. The entries in the audit logs of the person's tenants are in the same transaction.
    async fn change_account(
        &self,
        account: &Account,
        change: &AccountChange,
        along: Along<'_>,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// Makes the operator's first person from the link of the set-up, as an owner of the tenant of the operator.
    /// Returns `Moved` if the link is gone or a person exists already.
    async fn set_up(
        &self,
        link: HashedSecret,
        joining: crate::ports::directory::members::Joining<'_>,
        by: &Change,
    ) -> Result<(), StoreError>;

    /// Whether a person has ever existed.
    async fn ever_had_people(&self) -> Result<bool, StoreError>;

    /// The persons whose reset of the second factor is due, oldest first.
    async fn due_resets(&self, now: Timestamp, limit: u16) -> Result<Vec<Account>, StoreError>;

    /// The persons after `after` with a phone that another version of the seal key sealed, sorted by id.
    async fn phones_not_sealed_with(
        &self,
        version: u8,
        after: Option<PersonId>,
        limit: u16,
    ) -> Result<Vec<Account>, StoreError>;

    /// The number of persons with a phone that this version sealed.
    async fn count_phones_sealed_with(&self, version: u8) -> Result<u64, StoreError>;

    /// The number of links, proofs and late forms with a content that this version sealed. They are never sealed
    /// again, because they live at most a week.
    async fn count_pending_sealed_with(&self, version: u8) -> Result<u64, StoreError>;

    /// Replaces the sealed phone of a person by the same number under another key. Returns whether the person
    /// still had the former one.
    async fn reseal_phone(&self, former: &Account, sealed: &[u8]) -> Result<bool, StoreError>;
}
