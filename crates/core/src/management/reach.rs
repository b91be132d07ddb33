//! The rights of the actor of a change of members, read again for each attempt.

use crate::{
    access::{
        actor::{Actor, LiveByTest, Who},
        allowlist::Allowlist,
        key::Key,
    },
    context::Replica,
    id::{KeyId, MemberId, TenantId},
    people::{
        bounds::Bounds,
        cover::{NotCovered, Reach},
        invitation::Author,
        member::Member,
    },
    ports::{directory::members::Acting, error::StoreError},
    time::Timestamp,
    verification::idempotency::IdempotencyError,
};
use std::time::{Duration, Instant};

/// How often a change that ends nothing is judged again because the rights of its author, or its object, have
/// moved.
pub(crate) const ROUNDS: usize = 64;
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
    /// An earlier request with the same Idempotency-Key made the invitation, which is not open any more.
    #[error("an earlier request made the invitation, which has ended")]
    MadeBefore,
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The invitation was sent as often as it may be.
    #[error("the invitation was sent too often")]
    SentTooOften,
    /// The last mail of the invitation went out just now. The next one may follow after this time.
    #[error("the invitation was sent just now")]
    SentTooSoon(Duration),
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

/// What an actor covers, and the rows by which a change is judged.
pub(crate) struct Rights {
    /// The actor with the bounds that its key and its member have at present.
    pub actor: Actor,
    /// The actor's member.
    pub own: Option<Member>,
    pub reach: Reach,
    pub acting: Option<Acting>,
}

impl Rights {
    /// Reads the rights of an actor from the directory: the copy in memory may be older than a demotion.
    pub async fn of(replica: &Replica, actor: &Actor, now: Timestamp) -> Result<Self, MemberError> {
        actor.refuse_test()?;
        let key = match actor.key() {
            Some(id) => replica.directory.key(actor.tenant, id).await?,
            None => None,
        };
        Self::with(replica, actor, key, now).await?.ok_or(MemberError::NoRights)
    }

    /// Reads the rights of the actor of a change of keys. A key of the company is read from the copy in memory,
    /// which costs no query: the directory compares its version. Returns `None` if the actor has no rights.
    pub async fn over_keys(
        replica: &Replica,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        let copied = |id| replica.snapshot.key(id).filter(|_| actor.member.is_none());
        let key = match actor.key().map(|id| (id, copied(id))) {
            Some((_, Some(key))) => Some((*key).clone()),
            Some((id, None)) => replica.directory.key(actor.tenant, id).await?,
            None => None,
        };
        Self::with(replica, actor, key, now).await
    }

    /// The rights of an actor. `key` is its key, if it has one.
    async fn with(
        replica: &Replica,
        actor: &Actor,
        key: Option<Key>,
        now: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        let mut actor = actor.clone();
        match actor.who {
            Who::Operator(_) | Who::System => {
                return Ok(Some(Self { actor, own: None, reach: Reach::Operator, acting: None }));
            }
            // An owner who acts as a member changes no members and no keys.
            Who::Member { acted_by: Some(_), .. } => return Ok(None),
            Who::Member { acted_by: None, .. } | Who::Key(_) => {}
        }
        let own = match actor.member {
            Some(id) => replica.directory.member(actor.tenant, id).await?,
            None => None,
        };
        let is_own = |key: &Key| key.tenant == actor.tenant && key.member == actor.member;
        let key = key.filter(|key| is_own(key) && key.is_usable(now));
        let acting = match (actor.who, &key, &own) {
            (Who::Key(_), Some(key), None) => Acting::Key(key.id, key.version),
            (Who::Key(_), Some(key), Some(own)) => {
                Acting::KeyOf((key.id, key.version), (own.id, own.version))
            }
            (Who::Member { .. }, _, Some(own)) => Acting::Member(own.id, own.version),
            _ => return Ok(None),
        };
        if let Some(key) = &key {
            let Some(bounds) = Bounds::of(key, own.as_ref()) else { return Ok(None) };
            actor.grants = actor.grants.within(bounds.grants);
            actor.profiles = actor.profiles.within(&bounds.profiles);
            (actor.until, actor.allowlist) = (key.expires_at, key.allowlist.clone());
        } else if let Some(own) = &own {
            actor.grants = actor.grants.within(own.limits.permissions);
            actor.profiles = actor.profiles.within(&own.limits.shares.profiles);
        }
        let reach = Reach::of(&actor, own.as_ref());
        Ok(reach.map(|reach| Self { actor, own, reach, acting: Some(acting) }))
    }

    /// Refuses a key that expires or has an allowlist. A person does neither: a thief of such a key could invite
    /// himself, and stay.
    pub fn refuse_bound_key(&self) -> Result<(), NotCovered> {
        let Actor { who, until, allowlist, .. } = &self.actor;
        let bound = until.is_some() || !Allowlist::default().is_within(allowlist);
        if matches!(who, Who::Key(_)) && bound { Err(NotCovered::BoundKey) } else { Ok(()) }
    }
}

/// The present rights of the author of an invitation.
pub(crate) struct Granting {
    pub reach: Reach,
    pub acting: Option<Acting>,
}

impl Granting {
    /// Reads the rights of this author.
    pub async fn of(
        replica: &Replica,
        tenant: TenantId,
        author: Author,
        now: Timestamp,
    ) -> Result<Self, MemberError> {
        match author {
            Author::Operator => Ok(Self { reach: Reach::Operator, acting: None }),
            Author::Member(id) => {
                let member = enabled(replica, tenant, id).await?;
                let acting = Some(Acting::Member(id, member.version));
                Ok(Self { reach: Reach::of_member(&member), acting })
            }
            // The link of a key that has ended is void: its thief may have made it.
            Author::KeyOf(id, member) => {
                let key = usable(replica, tenant, (id, Some(member)), now).await?;
                let member = enabled(replica, tenant, member).await?;
                let acting = Some(Acting::KeyOf((id, key.version), (member.id, member.version)));
                Ok(Self { reach: Reach::of_key(&member, &key), acting })
            }
            Author::Key(id) => {
                let key = usable(replica, tenant, (id, None), now).await?;
                let acting = Some(Acting::Key(id, key.version));
                Ok(Self { reach: Reach::of_company(key.scopes, &key.profiles), acting })
            }
        }
    }
}

async fn enabled(replica: &Replica, tenant: TenantId, id: MemberId) -> Result<Member, MemberError> {
    let member = replica.directory.member(tenant, id).await?;
    member.filter(|member| !member.disabled).ok_or(MemberError::NoRights)
}

/// Reads a key that must belong to this member, or to the company, and be in use.
async fn usable(
    replica: &Replica,
    tenant: TenantId,
    (id, member): (KeyId, Option<MemberId>),
    now: Timestamp,
) -> Result<Key, MemberError> {
    let key = replica.directory.key(tenant, id).await?;
    key.filter(|key| key.member == member && key.is_usable(now)).ok_or(MemberError::NoRights)
}

/// The author of an invitation that this actor makes.
pub(crate) fn author(actor: &Actor) -> Author {
    match (actor.member, actor.key()) {
        (Some(member), Some(key)) => Author::KeyOf(key, member),
        (Some(member), None) => Author::Member(member),
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

impl Ends {
    /// Whether the change is judged once more after so many rounds.
    pub fn repeats(self, rounds: usize, began: Instant) -> bool {
        rounds < ROUNDS || (self == Self::Yes && began.elapsed() < PATIENCE)
    }
}

/// Reads, judges and writes, and repeats it while others change the rights or the object meanwhile.
pub(crate) async fn judged<T, F>(ends: Ends, mut round: impl FnMut() -> F) -> Result<T, MemberError>
where
    F: Future<Output = Result<T, MemberError>>,
{
    let began = Instant::now();
    let mut rounds = 0;
    while ends.repeats(rounds, began) {
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
