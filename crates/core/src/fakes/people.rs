//! The traits about people of a directory that a test does not use.

use super::not_asked;
use crate::{
    access::{change::Change, key::Key},
    id::{InvitationId, MemberId, PersonId, TenantId},
    people::{
        invitation::Invitation,
        member::Member,
        notice::SealedNotice,
        person::{EmailMark, Person},
    },
    ports::{
        directory::{
            invitations::{Invitations, Offer},
            members::{Acting, Joining, Members},
            people::{People, Standing},
        },
        error::StoreError,
    },
    snapshot::ends::KeyEnd,
    time::Timestamp,
};
use async_trait::async_trait;

/// A store whose test never uses its [`People`].
pub trait WithoutPeople: Send + Sync {}

#[async_trait]
impl<T: WithoutPeople> People for T {
    async fn person(&self, _: PersonId) -> Result<Option<Person>, StoreError> {
        not_asked()
    }

    async fn find_person(&self, _: EmailMark) -> Result<Option<Person>, StoreError> {
        not_asked()
    }

    async fn people_of_members(
        &self,
        _: TenantId,
        _: (MemberId, MemberId),
    ) -> Result<Vec<Person>, StoreError> {
        not_asked()
    }

    async fn standing_of_members(
        &self,
        _: TenantId,
        _: (MemberId, MemberId),
    ) -> Result<Vec<Standing>, StoreError> {
        not_asked()
    }

    async fn people_not_sealed_with(
        &self,
        _: u8,
        _: Option<PersonId>,
        _: u16,
    ) -> Result<Vec<Person>, StoreError> {
        not_asked()
    }

    async fn count_people_sealed_with(&self, _: u8) -> Result<u64, StoreError> {
        not_asked()
    }

    async fn reseal_person(&self, _: &Person, _: &[u8]) -> Result<bool, StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Members`].
pub trait WithoutMembers: Send + Sync {}

#[async_trait]
impl<T: WithoutMembers> Members for T {
    async fn member(&self, _: TenantId, _: MemberId) -> Result<Option<Member>, StoreError> {
        not_asked()
    }

    async fn membership(&self, _: TenantId, _: PersonId) -> Result<Option<Member>, StoreError> {
        not_asked()
    }

    async fn list_members(
        &self,
        _: TenantId,
        _: Option<MemberId>,
        _: u16,
    ) -> Result<Vec<Member>, StoreError> {
        not_asked()
    }

    async fn add_member(
        &self,
        _: Joining<'_>,
        _: Option<Acting>,
        _: &[SealedNotice],
        _: &Change,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn update_member(
        &self,
        _: (&Member, &Member),
        _: Option<Acting>,
        _: &[SealedNotice],
        _: &Change,
    ) -> Result<Vec<KeyEnd>, StoreError> {
        not_asked()
    }

    async fn delete_member(
        &self,
        _: &Member,
        _: Option<Acting>,
        _: &Change,
    ) -> Result<Vec<KeyEnd>, StoreError> {
        not_asked()
    }

    async fn memberships(&self, _: PersonId) -> Result<Vec<Member>, StoreError> {
        not_asked()
    }

    async fn delete_person(&self, _: PersonId, _: &[Member], _: &Change) -> Result<Vec<KeyEnd>, StoreError> {
        not_asked()
    }

    async fn list_member_keys(&self, _: TenantId, _: MemberId) -> Result<Vec<Key>, StoreError> {
        not_asked()
    }

    async fn move_key(
        &self,
        _: &Key,
        _: Option<MemberId>,
        _: Option<Acting>,
        _: &Change,
    ) -> Result<Key, StoreError> {
        not_asked()
    }
}

/// A store whose test never uses its [`Invitations`].
pub trait WithoutInvitations: Send + Sync {}

#[async_trait]
impl<T: WithoutInvitations> Invitations for T {
    async fn create_invitation(&self, _: Offer<'_>, _: Option<Acting>, _: &Change) -> Result<(), StoreError> {
        not_asked()
    }

    async fn invitation(&self, _: TenantId, _: InvitationId) -> Result<Option<Invitation>, StoreError> {
        not_asked()
    }

    async fn is_invited(&self, _: EmailMark, _: Timestamp) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn list_invitations(
        &self,
        _: TenantId,
        _: Option<InvitationId>,
        _: u16,
    ) -> Result<Vec<Invitation>, StoreError> {
        not_asked()
    }

    async fn renew_invitation(
        &self,
        _: (&Invitation, &Invitation),
        _: Option<&SealedNotice>,
        _: Option<Acting>,
        _: &Change,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn invitations_not_sealed_with(
        &self,
        _: u8,
        _: Option<InvitationId>,
        _: u16,
    ) -> Result<Vec<Invitation>, StoreError> {
        not_asked()
    }

    async fn count_invitations_sealed_with(&self, _: u8) -> Result<u64, StoreError> {
        not_asked()
    }

    async fn reseal_invitation(&self, _: &Invitation, _: &[u8]) -> Result<bool, StoreError> {
        not_asked()
    }

    async fn withdraw_invitation(
        &self,
        _: &Invitation,
        _: Option<Acting>,
        _: &Change,
    ) -> Result<(), StoreError> {
        not_asked()
    }

    async fn forget_invitations(&self, _: Timestamp) -> Result<(), StoreError> {
        not_asked()
    }
}
