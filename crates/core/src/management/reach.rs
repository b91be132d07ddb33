//! The rights of the actor of a change of members, read again for each attempt.

use crate::{
    access::{
        actor::{Actor, LiveByTest, Who},
        key::Key,
    },
    context::Replica,
    id::{KeyId, MemberId, TenantId},
    people::{
        cover::{NotCovered, Reach},
        invitation::Author,
        member::Member,
    },
    ports::{directory::members::Acting, error::StoreError},
    time::Timestamp,
};
use std::time::{Duration, Instant};

/// How often a change that ends nothing is judged again because the rights of its author, or its object, have
/// moved.
const ROUNDS: usize = 64;
/// How long a change that ends something is judged again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a member or an invitation was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// The tenant has no such member or invitation.
    #[error("no such member or invitation")]
    NotFound,
    /// The address belongs to a member of the tenant, or has an invitation.
    #[error("the address is invited or a member already")]
    Exists,
    /// The invitation was sent as often as it may be.
    #[error("the invitation was sent too often")]
    SentTooOften,
    /// The link is void, belongs to another address, or its author may no longer invite.
    #[error("the link is not good")]
    BadLink,
    /// The actor does not cover the member.
    #[error(transparent)]
    NotCovered(#[from] NotCovered),
    /// The member of the actor was disabled or removed, or an owner acts as it.
    #[error("the actor has no rights over members")]
    NoRights,
    /// A test key tried to change a member.
    #[error(transparent)]
    LiveByTest(#[from] LiveByTest),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// What an actor covers, and the state of its rights by which a change is judged.
pub(crate) struct Rights {
    pub reach: Reach,
    pub acting: Option<Acting>,
}

impl Rights {
    /// Reads the rights of an actor from the directory: the copy in memory may be older than a demotion.
    pub async fn of(replica: &Replica, actor: &Actor, now: Timestamp) -> Result<Self, MemberError> {
        actor.refuse_test()?;
        match (actor.who, actor.member) {
            (Who::Operator(_) | Who::System, _) => Ok(Self { reach: Reach::Operator, acting: None }),
            // An owner who acts as a member changes no members.
            (Who::Member { acted_by: Some(_), .. }, _) | (Who::Member { .. }, None) => {
                Err(MemberError::NoRights)
            }
            (_, Some(id)) => {
                let member =
                    replica.directory.member(actor.tenant, id).await?.ok_or(MemberError::NoRights)?;
                let reach = Reach::of(actor, Some(&member)).ok_or(MemberError::NoRights)?;
                Ok(Self { reach, acting: Some(Acting::Member(id, member.version)) })
            }
            (Who::Key(id), None) => {
                let key = company_key(replica, actor.tenant, id, now).await?;
                let reach = Reach::of(actor, None).ok_or(MemberError::NoRights)?;
                Ok(Self { reach, acting: Some(Acting::Key(id, key.version)) })
            }
        }
    }

    /// The present rights of the author of an invitation.
    pub async fn of_author(
        replica: &Replica,
        tenant: TenantId,
        author: Author,
        now: Timestamp,
    ) -> Result<Self, MemberError> {
        match author {
            Author::Operator => Ok(Self { reach: Reach::Operator, acting: None }),
            Author::Member(id) => {
                let member = replica.directory.member(tenant, id).await?;
                let member = member.filter(|member| !member.disabled).ok_or(MemberError::NoRights)?;
                let acting = Some(Acting::Member(id, member.version));
                Ok(Self { reach: Reach::of_member(&member), acting })
            }
            Author::Key(id) => {
                let key = company_key(replica, tenant, id, now).await?;
                let acting = Some(Acting::Key(id, key.version));
                Ok(Self { reach: Reach::of_company(key.scopes, &key.profiles), acting })
            }
        }
    }
}

async fn company_key(
    replica: &Replica,
    tenant: TenantId,
    id: KeyId,
    now: Timestamp,
) -> Result<Key, MemberError> {
    let key = replica.directory.key(tenant, id).await?;
    key.filter(|key| key.member.is_none() && key.is_usable(now)).ok_or(MemberError::NoRights)
}

/// The author of an invitation that this actor makes.
pub(crate) fn author(actor: &Actor) -> Author {
    match (actor.member, actor.key()) {
        (Some(member), _) => Author::Member(member),
        (None, Some(key)) => Author::Key(key),
        (None, None) => Author::Operator,
    }
}

/// Whether a change ends something. Others cannot keep such a change from being made by many changes of their own:
/// it is repeated for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Yes,
    No,
}

/// Reads, judges and writes, and repeats it while others change the rights or the object meanwhile.
pub(crate) async fn judged<T, F>(ends: Ends, mut round: impl FnMut() -> F) -> Result<T, MemberError>
where
    F: Future<Output = Result<T, MemberError>>,
{
    let began = Instant::now();
    let mut rounds = 0;
    while rounds < ROUNDS || (ends == Ends::Yes && began.elapsed() < PATIENCE) {
        match round().await {
            Err(MemberError::Directory(StoreError::Moved)) => rounds += 1,
            outcome => return outcome,
        }
    }
    Err(StoreError::Busy.into())
}

/// Reads a member from the directory.
pub(crate) async fn stored(replica: &Replica, tenant: TenantId, id: MemberId) -> Result<Member, MemberError> {
    replica.directory.member(tenant, id).await?.ok_or(MemberError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    /// The outcome of a judgement whose first `moved` rounds find that something has moved.
    fn run(ends: Ends, moved: usize) -> Result<(), MemberError> {
        let mut rounds = 0;
        let judged = pin!(judged(ends, || {
            rounds += 1;
            std::future::ready(if rounds <= moved { Err(StoreError::Moved.into()) } else { Ok(()) })
        }));
        match judged.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("no round waits"),
        }
    }

    #[test]
    fn a_change_that_ends_something_is_judged_for_longer() {
        assert!(run(Ends::No, ROUNDS - 1).is_ok());
        assert!(matches!(run(Ends::No, ROUNDS), Err(MemberError::Directory(StoreError::Busy))));
        assert!(run(Ends::Yes, 10 * ROUNDS).is_ok());
    }
}
