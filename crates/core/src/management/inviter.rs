//! The author of an invitation, as the invited person sees it.

use crate::{
    context::Management,
    id::{MemberId, TenantId},
    locale::Locale,
    people::{
        invitation::{Author, Invitation},
        notice::Words,
        person::PersonName,
    },
    ports::error::StoreError,
};

/// Who made an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inviter {
    Operator,
    /// A member, by the name of its person, or a key of the company, by the name of the key.
    Named {
        name: PersonName,
        /// The language of the member. A key has none.
        language: Option<Locale>,
    },
    /// The author is gone, or this server cannot read its name.
    Unknown,
}

impl Inviter {
    pub async fn of(management: &Management, invitation: &Invitation) -> Result<Self, StoreError> {
        let tenant = invitation.tenant;
        match invitation.author {
            Author::Operator => Ok(Self::Operator),
            Author::Member(member) | Author::KeyOf(_, member) => {
                Self::of_member(management, (tenant, member)).await
            }
            Author::Key(key) => {
                let key = management.directory.key(tenant, key).await?;
                let name = key.and_then(|key| PersonName::parse(Words::new(&key.name).as_str()));
                Ok(name.map_or(Self::Unknown, |name| Self::Named { name, language: None }))
            }
        }
    }

    async fn of_member(
        management: &Management,
        (tenant, member): (TenantId, MemberId),
    ) -> Result<Self, StoreError> {
        let Some(member) = management.directory.member(tenant, member).await? else {
            return Ok(Self::Unknown);
        };
        let person = management.directory.person(member.person).await?;
        let named = person.and_then(|person| {
            let name = person.open(&management.keyring)?.name;
            Some(Self::Named { name, language: Some(person.language) })
        });
        Ok(named.unwrap_or(Self::Unknown))
    }
}
