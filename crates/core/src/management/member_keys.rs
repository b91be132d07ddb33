//! The keys of members. A subuser governs only keys of its own. An owner governs all keys of the tenant, makes
//! keys of the company, and moves keys.

use crate::{
    access::{actor::Actor, change::Change, key::Key, scope::Scopes, share::Share},
    context::Replica,
    id::{KeyId, MemberId, ProfileId, TenantId},
    management::{
        key_error::KeyError,
        reach::{Ends, MemberError, Rights, judged, stored},
    },
    mode::Mode,
    people::{cover::NotCovered, member::Member},
    ports::{directory::keys::Judged, error::StoreError},
    snapshot::ends::KeyEnd,
    tenant::system::Part,
    time::Timestamp,
};

/// The keys of a member, newest first: those that end if the member is removed.
pub async fn list_member_keys(
    replica: &Replica,
    actor: &Actor,
    id: MemberId,
) -> Result<Vec<Key>, MemberError> {
    Ok(replica.directory.list_member_keys(actor.tenant, id).await?)
}

/// Whether the actor sees a key. An actor with a list of profiles sees the keys of its member, and those that
/// reach no other profiles.
pub(super) fn is_seen(actor: &Actor, key: &Key) -> bool {
    let own = actor.member.is_some() && key.member == actor.member;
    own || key.profiles.is_within(&actor.profiles)
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
/// covers the key as it is and as it will be. The keys that it replaced move first, if they are still accepted:
/// their holders could go on without the limits of the member.
pub async fn move_key(
    replica: &Replica,
    actor: &Actor,
    id: KeyId,
    to: Option<MemberId>,
    by: &Change,
) -> Result<Key, MemberError> {
    replica.permit(actor.tenant, Part::Keys)?;
    for former in predecessors(replica, actor.tenant, id, by.at).await? {
        move_one(replica, actor, former, to, by).await?;
    }
    move_one(replica, actor, id, to, by).await
}

/// The keys in use that this key replaced, directly or through others, oldest first.
async fn predecessors(
    replica: &Replica,
    tenant: TenantId,
    id: KeyId,
    now: Timestamp,
) -> Result<Vec<KeyId>, StoreError> {
    const PAGE: u16 = 1_000;
    let (mut found, mut successors, mut before) = (Vec::new(), vec![id], Some(id));
    // A key is older than the keys that replaced it, so one reading from newest to oldest finds all.
    loop {
        let page = replica.directory.list_keys(tenant, before, PAGE).await?;
        for key in &page {
            if key.replaced_by.is_some_and(|by| successors.contains(&by)) {
                successors.push(key.id);
                found.extend(key.is_usable(now).then_some(key.id));
            }
        }
        before = page.last().map(|key| key.id);
        if page.len() < usize::from(PAGE) {
            found.reverse();
            return Ok(found);
        }
    }
}

async fn move_one(
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
pub(crate) fn may_make_company_key(rights: &Rights, scopes: Scopes, profiles: &Share<ProfileId>) -> bool {
    let is_owner = rights.own.is_none() || rights.reach.is_owner();
    is_owner && rights.reach.covers_company_key(scopes, profiles).is_ok()
}

/// Reads a key and the rights of the actor, and checks that the actor may change the key. The third value names the
/// rows by which this was judged.
pub(crate) async fn read_governed(
    replica: &Replica,
    actor: &Actor,
    id: KeyId,
    now: Timestamp,
) -> Result<(Key, Rights, Option<Judged>), KeyError> {
    let rights = Rights::over_keys(replica, actor, now).await?.ok_or(KeyError::NotOwn)?;
    let key = replica.directory.key(actor.tenant, id).await?.ok_or(KeyError::NotFound)?;
    if actor.mode == Mode::Test && key.mode == Mode::Live {
        return Err(KeyError::NotFound);
    }
    let own = rights.own.as_ref().filter(|own| key.member == Some(own.id));
    let other = match key.member.filter(|_| own.is_none()) {
        Some(id) => replica.directory.member(actor.tenant, id).await?,
        None => None,
    };
    match own {
        Some(own) => judge_own(&rights, own, &key)?,
        None => judge_foreign(&rights, other.as_ref(), &key)?,
    }
    let of = other.map(|member| (member.id, member.version));
    let judged = rights.acting.map(|acting| Judged { acting, version: key.version, of });
    Ok((key, rights, judged))
}

/// A member governs its own key by what the key can do at present. So a member that was demoted can end its keys.
fn judge_own(rights: &Rights, own: &Member, key: &Key) -> Result<(), KeyError> {
    let Actor { grants, profiles, .. } = &rights.actor;
    if !grants.covers(key.scopes.within(own.limits.permissions)) {
        return Err(KeyError::BeyondOwnScopes(key.scopes));
    }
    let within = key.profiles.within(&own.limits.shares.profiles).is_within(profiles);
    if within { Ok(()) } else { Err(KeyError::BeyondOwnProfiles) }
}

/// Judges a key of the company, or of another member. A rotation shows the secret of a key, so nobody governs a key
/// that can do more than the actor: a key of the company could rotate an owner's key, and an owner with hours a key
/// without them.
fn judge_foreign(rights: &Rights, member: Option<&Member>, key: &Key) -> Result<(), KeyError> {
    let Rights { actor, own, reach, .. } = rights;
    if !actor.grants.covers(key.scopes) {
        return Err(KeyError::BeyondOwnScopes(key.scopes));
    }
    if own.is_some() && !reach.is_owner() {
        return Err(KeyError::NotOwn);
    }
    if !key.profiles.is_within(&actor.profiles) {
        return Err(KeyError::BeyondOwnProfiles);
    }
    let covered = match (key.member, member) {
        (None, _) => reach.covers_company_key(key.scopes, &key.profiles),
        (Some(_), Some(member)) => reach.covers_key_of(member, key),
        // The key of a removed member can do nothing until an owner moves it. It may have been an owner's.
        (Some(_), None) if reach.is_owner() => Ok(()),
        (Some(_), None) => Err(NotCovered::Owners),
    };
    covered.map_err(|_| KeyError::NotOwn)
}
