//! Members of tenants, and the keys of members.

use crate::{
    access::{change::Change, key::Key},
    id::{KeyId, MemberId, PersonId, TenantId},
    people::{
        invitation::Invitation, member::Member, notice::SealedNotice, password::PasswordText, person::Person,
    },
    ports::error::StoreError,
    snapshot::ends::KeyEnd,
};
use async_trait::async_trait;

/// Whose rights a change was judged by, as the caller read them. The change is made only if they are still the
/// same: each row is enabled and has this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acting {
    /// A member who signed in.
    Member(MemberId, i64),
    /// A key of the company.
    Key(KeyId, i64),
    /// A key of a member.
    KeyOf((KeyId, i64), (MemberId, i64)),
}

/// A person who becomes a member.
#[derive(Clone, Copy, Debug)]
pub struct Joining<'a> {
    pub member: &'a Member,
    /// The person, if it is not stored yet.
    pub person: Option<&'a Person>,
    /// The password of the person, if it is not stored yet.
    pub password: Option<&'a PasswordText>,
    /// The invitation that the person accepts.
    pub invitation: Option<&'a Invitation>,
}

/// Members of tenants. No change leaves a tenant without an enabled owner if it had one before: then the error
/// is `LastOwner`. If the rights of the author or the object have changed since the caller read them, the error
/// is `Moved`; the caller reads and judges again. The notices report the change, and are in its transaction.
#[async_trait]
pub trait Members: Send + Sync {
    async fn member(&self, tenant: TenantId, member: MemberId) -> Result<Option<Member>, StoreError>;

    /// The person's membership of the tenant.
    async fn membership(&self, tenant: TenantId, person: PersonId) -> Result<Option<Member>, StoreError>;

    /// The members of the tenant before `before`, newest first.
    async fn list_members(
        &self,
        tenant: TenantId,
        before: Option<MemberId>,
        limit: u16,
    ) -> Result<Vec<Member>, StoreError>;

    /// Adds a member. Returns `Conflict` if the person is a member already, or if the new person's e-mail
    /// address is taken; and `Full` if the tenant has too many members.
    async fn add_member(
        &self,
        joining: Joining<'_>,
        acting: Option<Acting>,
        notices: &[SealedNotice],
        by: &Change,
    ) -> Result<(), StoreError>;

    /// Replaces the limits and the state of a member. If the member is narrowed, its keys get new versions in
    /// the same transaction. Returns the ends of the former versions.
    async fn update_member(
        &self,
        (former, member): (&Member, &Member),
        acting: Option<Acting>,
        notices: &[SealedNotice],
        by: &Change,
    ) -> Result<Vec<KeyEnd>, StoreError>;

    /// Deletes a member, and the person if this was its last membership. The server refuses the member's keys
    /// until they are moved. Returns the ends of their former versions.
    async fn delete_member(
        &self,
        member: &Member,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<Vec<KeyEnd>, StoreError>;

    /// The person's memberships of all tenants, sorted by id.
    async fn memberships(&self, person: PersonId) -> Result<Vec<Member>, StoreError>;

    /// Deletes a person and all its memberships. Each tenant's audit log gets an entry of its own member, so that
    /// no tenant sees the others. Returns the ends of the former versions of the members' keys. The error is
    /// `LastOwner` if a tenant that had an enabled owner would have none, and `Moved` if these are not all
    /// memberships, or not as the caller read them. `memberships` is not empty.
    async fn delete_person(
        &self,
        person: PersonId,
        memberships: &[Member],
        by: &Change,
    ) -> Result<Vec<KeyEnd>, StoreError>;

    /// The keys of a member, newest first.
    async fn list_member_keys(&self, tenant: TenantId, member: MemberId) -> Result<Vec<Key>, StoreError>;

    /// Gives a key to another member, or to the company. Returns the key's new state.
    async fn move_key(
        &self,
        key: &Key,
        to: Option<MemberId>,
        acting: Option<Acting>,
        by: &Change,
    ) -> Result<Key, StoreError>;
}
