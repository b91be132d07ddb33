//! The keys of members. A subuser governs only keys of its own. An owner governs all keys of the tenant, makes
//! keys of the company, and moves keys.

use crate::{
    access::{actor::Actor, change::Change, key::Key, scope::Scopes, share::Share},
    context::Replica,
    id::{KeyId, MemberId, ProfileId},
    management::reach::{Ends, MemberError, Rights, judged, stored},
    people::{
        cover::{NotCovered, Reach},
        member::Role,
    },
    ports::error::StoreError,
    snapshot::ends::KeyEnd,
};

/// The keys of a member, newest first: those that end if the member is removed.
pub async fn list_member_keys(
    replica: &Replica,
    actor: &Actor,
    id: MemberId,
) -> Result<Vec<Key>, MemberError> {
    Ok(replica.directory.list_member_keys(actor.tenant, id).await?)
}

/// Gives a key to a member, or to the company. Only an owner or the operator does that, and only if the actor
/// covers the key and the member.
pub async fn move_key(
    replica: &Replica,
    actor: &Actor,
    id: KeyId,
    to: Option<MemberId>,
    by: &Change,
) -> Result<Key, MemberError> {
    let key = judged(Ends::No, || async {
        let rights = Rights::of(replica, actor, by.at).await?;
        if !rights.reach.is_owner() {
            return Err(NotCovered::Owners.into());
        }
        let key = replica.directory.key(actor.tenant, id).await?.ok_or(MemberError::NotFound)?;
        if key.member == to {
            return Ok(key);
        }
        rights.reach.covers_key(key.scopes, &key.profiles)?;
        match to {
            None => rights.reach.covers_company_key(key.scopes, &key.profiles)?,
            // An owner may take a key over.
            Some(to) if actor.member == Some(to) => {}
            Some(to) => {
                let member = stored(replica, actor.tenant, to).await?;
                rights.reach.covers(Some(to), &[&member.limits])?;
            }
        }
        Ok(replica.directory.move_key(&key, to, rights.acting, by).await?)
    })
    .await?;
    replica.tell_end(KeyEnd::of_former_versions(key.id, key.version)).await;
    Ok(key)
}

/// Returns whether the actor may make a key of the company with these scopes and profiles: an owner whose limits
/// allow all that the key may do, a key of the company, or the operator.
pub(crate) async fn may_make_company_key(
    replica: &Replica,
    actor: &Actor,
    scopes: Scopes,
    profiles: &Share<ProfileId>,
) -> Result<bool, StoreError> {
    let Some(id) = actor.member else { return Ok(true) };
    let member = replica.directory.member(actor.tenant, id).await?;
    let reach = Reach::of(actor, member.as_ref()).filter(Reach::is_owner);
    Ok(reach.is_some_and(|reach| reach.covers_company_key(scopes, profiles).is_ok()))
}

/// Whether an actor may change, rotate and delete a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Governed {
    Yes,
    /// The key is of another member or of the company, and the actor is no owner.
    NotOwn,
    /// The key reaches profiles that the actor does not reach.
    BeyondProfiles,
}

/// Judges whether the actor governs a key, apart from the key's scopes.
pub(crate) async fn governed(replica: &Replica, actor: &Actor, key: &Key) -> Result<Governed, StoreError> {
    let Some(id) = actor.member else { return Ok(within_profiles(&key.profiles, actor)) };
    let member = replica.directory.member(actor.tenant, id).await?;
    let Some(member) = member.filter(|member| !member.disabled) else { return Ok(Governed::NotOwn) };
    if key.member == Some(id) {
        return Ok(within_profiles(&key.profiles.within(&member.limits.shares.profiles), actor));
    }
    match member.limits.role {
        Role::Owner => Ok(within_profiles(&key.profiles, actor)),
        Role::Subuser => Ok(Governed::NotOwn),
    }
}

fn within_profiles(profiles: &Share<ProfileId>, actor: &Actor) -> Governed {
    if profiles.is_within(&actor.profiles) { Governed::Yes } else { Governed::BeyondProfiles }
}
