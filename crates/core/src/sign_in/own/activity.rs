//! The attempts to sign in: those of the person, and for owners those of their members in this tenant.

use crate::{
    access::{actor::Actor, change::Change},
    id::{MemberId, SessionId, SignInId},
    people::{
        member::Member,
        session::{Session, SignIn},
    },
    ports::error::StoreError,
    sign_in::{
        Entrance,
        own::owners::{NoOwner, owner_of},
        signed_in::SignedIn,
    },
};

/// The maximum number of sessions on the page of a member.
const MOST_SESSIONS: u16 = 100;

/// The attempts to sign in as this person, newest first.
pub async fn list_own(
    own: &SignedIn<'_>,
    before: Option<SignInId>,
    limit: u16,
) -> Result<Vec<SignIn>, StoreError> {
    own.people().list_sign_ins(own.session.person, before, limit).await
}

/// Why an owner saw or ended nothing.
#[derive(Debug, thiserror::Error)]
pub enum ActivityError {
    #[error(transparent)]
    NoOwner(#[from] NoOwner),
    #[error("no such member")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an owner sees of a member: its sign-ins and sessions in this tenant, and nothing of other tenants.
#[derive(Debug)]
pub struct MemberActivity {
    pub member: Member,
    pub sign_ins: Vec<SignIn>,
    pub sessions: Vec<Session>,
}

/// The activity of a member in the owner's tenant, newest first.
pub async fn list_of_member(
    entrance: &Entrance,
    actor: &Actor,
    member: MemberId,
    before: Option<SignInId>,
    limit: u16,
) -> Result<MemberActivity, ActivityError> {
    let (tenant, people) = (actor.tenant, &entrance.people);
    let member = member_of(entrance, actor, member).await?;
    let sign_ins = people.list_tenant_sign_ins(tenant, member.person, before, limit).await?;
    let sessions = people.list_tenant_sessions(tenant, Some(member.person), MOST_SESSIONS).await?;
    Ok(MemberActivity { member, sign_ins, sessions })
}

/// Ends the sessions of a member that are in the owner's tenant. Returns their number.
pub async fn end_sessions_of_member(
    entrance: &Entrance,
    actor: &Actor,
    member: MemberId,
    by: &Change,
) -> Result<u64, ActivityError> {
    let member = member_of(entrance, actor, member).await?;
    Ok(entrance.people.end_tenant_sessions(member.person, actor.tenant, by).await?)
}

/// Ends one session of a member that is in the owner's tenant. Returns whether there was one.
pub async fn end_session_of_member(
    entrance: &Entrance,
    actor: &Actor,
    (member, session): (MemberId, SessionId),
    by: &Change,
) -> Result<bool, ActivityError> {
    let member = member_of(entrance, actor, member).await?;
    Ok(entrance.people.end_session(member.person, session, Some(actor.tenant), by).await?)
}

async fn member_of(entrance: &Entrance, actor: &Actor, member: MemberId) -> Result<Member, ActivityError> {
    owner_of(entrance, actor).await??;
    let member = entrance.context.directory.member(actor.tenant, member).await?;
    member.ok_or(ActivityError::NotFound)
}
