//! Persons.

use crate::{
    id::{MemberId, PersonId, TenantId},
    people::person::{EmailMark, Person},
    ports::error::StoreError,
    time::Timestamp,
};
use async_trait::async_trait;

/// What a tenant learns of how a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub person: PersonId,
    /// Whether the person signs in with a code, too.
    pub two_factor: bool,
    /// When the person was last active in this tenant. `None` if it never was, or if that is forgotten.
    pub last_active_at: Option<Timestamp>,
}

/// Persons. A person is created with the first membership, and deleted with the last one.
#[async_trait]
pub trait People: Send + Sync {
    async fn person(&self, person: PersonId) -> Result<Option<Person>, StoreError>;

    /// The person with this e-mail address.
    async fn find_person(&self, email: EmailMark) -> Result<Option<Person>, StoreError>;

    /// The persons of the members of the tenant whose ids are between these two, or equal to one of them. A page
    /// of members needs no query for each person.
    async fn people_of_members(
        &self,
        tenant: TenantId,
        between: (MemberId, MemberId),
    ) -> Result<Vec<Person>, StoreError>;

    /// How the persons of the same members stand in this tenant.
    async fn standing_of_members(
        &self,
        tenant: TenantId,
        between: (MemberId, MemberId),
    ) -> Result<Vec<Standing>, StoreError>;

    /// The persons after `after` whose content another version of the seal key sealed, sorted by id.
    async fn people_not_sealed_with(
        &self,
        version: u8,
        after: Option<PersonId>,
        limit: u16,
    ) -> Result<Vec<Person>, StoreError>;

    /// The number of persons whose content this version sealed.
    async fn count_people_sealed_with(&self, version: u8) -> Result<u64, StoreError>;

    /// Replaces the sealed content of a person by the same content under another key. Nothing else changes, so
    /// it has no entry in the audit log. Returns whether the person still had the former content.
    async fn reseal_person(&self, former: &Person, sealed: &[u8]) -> Result<bool, StoreError>;
}
