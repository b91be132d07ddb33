//! Management of members. An actor changes only members that it covers, and never its own membership.

use crate::{
    access::{actor::Actor, change::Change, scope::Scopes, share::Share},
    context::Replica,
    id::{MemberId, ProfileId, SenderId, TemplateId},
    keyring::KeyRing,
    management::reach::{MemberError, Rights, judged, stored},
    people::{
        hours::{Hours, Zone},
        member::{Limits, Member, Role},
        person::Identity,
        shares::{GroupName, Shares},
    },
};

/// A change of limits. Each `None` leaves the value as it is.
#[derive(Clone, Debug, Default)]
pub struct LimitsChange {
    pub role: Option<Role>,
    pub permissions: Option<Scopes>,
    pub zone: Option<Zone>,
    pub hours: Option<Hours>,
    pub senders: Option<Share<SenderId>>,
    pub templates: Option<Share<TemplateId>>,
    pub profiles: Option<Share<ProfileId>>,
    pub groups: Option<Share<GroupName>>,
    /// `Some(None)` removes the bound.
    pub pool: Option<Option<u32>>,
    /// `Some(None)` removes the bound.
    pub most_parts: Option<Option<u8>>,
}

impl LimitsChange {
    /// The limits after the change.
    pub fn apply(&self, old: &Limits) -> Limits {
        let shares = &old.shares;
        Limits {
            role: self.role.unwrap_or(old.role),
            permissions: self.permissions.unwrap_or(old.permissions),
            zone: self.zone.as_ref().unwrap_or(&old.zone).clone(),
            hours: self.hours.unwrap_or(old.hours),
            shares: Shares {
                senders: self.senders.as_ref().unwrap_or(&shares.senders).clone(),
                templates: self.templates.as_ref().unwrap_or(&shares.templates).clone(),
                profiles: self.profiles.as_ref().unwrap_or(&shares.profiles).clone(),
                groups: self.groups.as_ref().unwrap_or(&shares.groups).clone(),
            },
            pool: self.pool.unwrap_or(old.pool),
            most_parts: self.most_parts.unwrap_or(old.most_parts),
        }
    }
}

/// A change of a member.
#[derive(Clone, Debug, Default)]
pub struct MemberChange {
    pub limits: LimitsChange,
    pub disabled: Option<bool>,
}

/// A member of the caller's tenant.
pub async fn read_member(replica: &Replica, actor: &Actor, id: MemberId) -> Result<Member, MemberError> {
    stored(replica, actor.tenant, id).await
}

/// The members of the caller's tenant before `before`, newest first.
pub async fn list_members(
    replica: &Replica,
    actor: &Actor,
    before: Option<MemberId>,
    limit: u16,
) -> Result<Vec<Member>, MemberError> {
    Ok(replica.directory.list_members(actor.tenant, before, limit).await?)
}

/// The name and the address of a member's person. Returns `None` if the key ring cannot open them.
pub async fn identify(
    replica: &Replica,
    keyring: &KeyRing,
    member: &Member,
) -> Result<Option<Identity>, MemberError> {
    let person = replica.directory.person(member.person).await?;
    Ok(person.and_then(|person| person.open(keyring)))
}

/// Changes a member and returns its new state. If the member was narrowed, all nodes refuse its keys until they
/// have read the new limits.
pub async fn update_member(
    replica: &Replica,
    actor: &Actor,
    id: MemberId,
    change: &MemberChange,
    by: &Change,
) -> Result<Member, MemberError> {
    let (member, ends) = judged(|| async {
        let rights = Rights::of(replica, actor, by.at).await?;
        let former = stored(replica, actor.tenant, id).await?;
        let limits = change.limits.apply(&former.limits);
        rights.reach.covers(Some(id), &[&former.limits, &limits])?;
        let disabled = change.disabled.unwrap_or(former.disabled);
        if (&limits, disabled) == (&former.limits, former.disabled) {
            return Ok((former, Vec::new()));
        }
        let member = Member { limits, disabled, version: former.version + 1, ..former.clone() };
        if former.is_narrower_than(&member) {
            rights.refuse_bound_key()?;
        }
        let ends = replica.directory.update_member((&former, &member), rights.acting, by).await?;
        Ok((member, ends))
    })
    .await?;
    replica.tell_ends(ends).await;
    Ok(member)
}

/// Removes a member from the tenant. The server refuses its keys from now on.
pub async fn remove_member(
    replica: &Replica,
    actor: &Actor,
    id: MemberId,
    by: &Change,
) -> Result<(), MemberError> {
    let ends = judged(|| async {
        let rights = Rights::of(replica, actor, by.at).await?;
        let member = stored(replica, actor.tenant, id).await?;
        rights.reach.covers(Some(id), &[&member.limits])?;
        Ok(replica.directory.delete_member(&member, rights.acting, by).await?)
    })
    .await?;
    replica.tell_ends(ends).await;
    Ok(())
}
