//! The keys of members. A subuser governs only keys of its own. An owner governs all keys of the tenant, makes
//! keys of the company, and moves keys.

use crate::{
    access::{actor::Actor, change::Change, key::Key, scope::Scopes, share::Share},
    context::Replica,
    id::{KeyId, MemberId, ProfileId},
    management::reach::{Ends, MemberError, Rights, judged, stored},
    people::cover::{NotCovered, Reach},
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

/// The keys of a member before `before`, newest first. A tenant has so few keys that the directory reads them all.
pub async fn page_of_member_keys(
    replica: &Replica,
    actor: &Actor,
    id: MemberId,
    before: Option<KeyId>,
    limit: u16,
) -> Result<Vec<Key>, MemberError> {
    let mut keys = list_member_keys(replica, actor, id).await?;
    keys.retain(|key| is_seen(actor, key) && before.is_none_or(|before| key.id < before));
    keys.truncate(limit.into());
    Ok(keys)
}

/// Gives a key to a member, or to the company. Only an owner or the operator does that, and only if the actor
/// covers the key as it is and as it will be.
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
        if key.member.is_none() || to.is_none() {
            rights.reach.covers_company_key(key.scopes, &key.profiles)?;
        }
        if let Some(from) = key.member.filter(|from| actor.member != Some(*from))
            && let Some(from) = replica.directory.member(actor.tenant, from).await?
        {
            rights.reach.covers_key_of(&from, &key)?;
        }
        match to {
            None => {}
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

/// Whether the actor sees a key. An actor with a list of profiles sees the keys of its member, and those that
/// reach no other profiles.
pub(super) fn is_seen(actor: &Actor, key: &Key) -> bool {
    let own = actor.member.is_some() && key.member == actor.member;
    own || key.profiles.is_within(&actor.profiles)
}

/// Whether an actor may change, rotate and delete a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Governed {
    Yes,
    /// The key is of another member or of the company, and the actor is no owner who covers it, or no key of the
    /// company that covers its member.
    NotOwn,
    /// The key reaches profiles that the actor does not reach.
    BeyondProfiles,
}

/// Judges whether the actor governs a key, apart from the key's scopes. A rotation shows the secret of a key, so
/// nobody governs a key that can do more than the actor: a key of the company could rotate an owner's key, and
/// an owner with hours a key without them.
pub(crate) async fn governed(replica: &Replica, actor: &Actor, key: &Key) -> Result<Governed, StoreError> {
    let member = async |id| replica.directory.member(actor.tenant, id).await;
    let own = match actor.member {
        Some(id) => member(id).await?,
        None => None,
    };
    let Some(reach) = Reach::of(actor, own.as_ref()) else { return Ok(Governed::NotOwn) };
    let is_within = |profiles: &Share<ProfileId>| profiles.is_within(&actor.profiles);
    if let Some(own) = own.as_ref().filter(|own| key.member == Some(own.id)) {
        let within = is_within(&key.profiles.within(&own.limits.shares.profiles));
        return Ok(if within { Governed::Yes } else { Governed::BeyondProfiles });
    }
    if own.is_some() && !reach.is_owner() {
        return Ok(Governed::NotOwn);
    }
    if !is_within(&key.profiles) {
        return Ok(Governed::BeyondProfiles);
    }
    let covered = match key.member {
        None => reach.covers_company_key(key.scopes, &key.profiles).is_ok(),
        Some(id) => match member(id).await? {
            Some(member) => reach.covers_key_of(&member, key).is_ok(),
            // The key of a removed member can do nothing until an owner moves it. It may have been an owner's.
            None => reach.is_owner(),
        },
    };
    Ok(if covered { Governed::Yes } else { Governed::NotOwn })
}
