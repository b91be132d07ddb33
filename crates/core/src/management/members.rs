//! Management of members. An actor changes only members that it covers, and never its own membership.

use crate::{
    access::{
        actor::Actor,
        change::Change,
        key::{Key, PresentedKey},
        scope::Scopes,
        share::Share,
    },
    context::{Management, Replica},
    id::{KeyId, MemberId, PersonId, ProfileId, SenderId, TemplateId, TenantId},
    keyring::KeyRing,
    locale::Locale,
    management::{
        keys::CreateKey,
        owner_mails::{GrantMails, on_new_key},
        reach::{Ends, MemberError, Rights, judged, stored},
    },
    people::{
        cover::Reach,
        hours::{Hours, Zone},
        member::{Limits, Member, Role},
        person::{Identity, Person},
        shares::{GroupName, Shares},
    },
    ports::{
        directory::{members::Joining, people::Standing},
        error::StoreError,
    },
    tenant::system::Part,
};
use rand::CryptoRng;
use std::collections::HashMap;

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

/// Adds a member at once, without an invitation. Only the operator does that, because the person is not asked. A
/// person whose address is known keeps its name.
pub async fn add_member(
    management: &Management,
    tenant: TenantId,
    (identity, limits): (&Identity, &Limits),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Member, MemberError> {
    management.permit(tenant, Part::Members)?;
    Reach::Operator.covers(None, &[limits])?;
    let (id, person) = (MemberId::new(by.at, rng), PersonId::new(rng));
    let whole = (Locale::default(), limits.zone.clone());
    let mails = GrantMails::of(management, tenant, (Some(&identity.name), limits), by.at, rng).await?;
    let new = Person::new(person, identity, whole, &management.keyring, by.at, rng);
    let member = judged(Ends::No, || async {
        let known = management.directory.find_person(new.email).await?;
        if let Some(known) = &known
            && management.directory.membership(tenant, known.id).await?.is_some()
        {
            return Err(MemberError::Exists);
        }
        let person = known.as_ref().map_or(new.id, |known| known.id);
        let limits = limits.clone();
        let member = Member { id, tenant, person, limits, disabled: false, version: 1, created_at: by.at };
        let joining = Joining {
            member: &member,
            person: known.is_none().then_some(&new),
            invitation: None,
            password: None,
        };
        let notices = mails.on(None, &member.limits);
        match management.directory.add_member(joining, None, &notices, by).await {
            // Meanwhile the person came, went, or became a member.
            Err(StoreError::Conflict) => Err(StoreError::Moved.into()),
            outcome => Ok(outcome.map(|()| member)?),
        }
    })
    .await?;
    management.catch_up().await;
    Ok(member)
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

/// The names and the addresses of the persons of these members, which are a page of a list. A person is absent if
/// the key ring cannot open it, or if the member was removed since.
pub async fn identify_all(
    replica: &Replica,
    keyring: &KeyRing,
    tenant: TenantId,
    members: &[Member],
) -> Result<HashMap<PersonId, Identity>, MemberError> {
    let Some(between) = ends_of(members) else { return Ok(HashMap::new()) };
    let people = replica.directory.people_of_members(tenant, between).await?;
    Ok(people.into_iter().filter_map(|person| Some((person.id, person.open(keyring)?))).collect())
}

/// How the persons of these members stand in the tenant. The members are a page of a list.
pub async fn standings(
    replica: &Replica,
    tenant: TenantId,
    members: &[Member],
) -> Result<HashMap<PersonId, Standing>, MemberError> {
    let Some(between) = ends_of(members) else { return Ok(HashMap::new()) };
    let standings = replica.directory.standing_of_members(tenant, between).await?;
    Ok(standings.into_iter().map(|standing| (standing.person, standing)).collect())
}

/// The least and the greatest id of these members.
fn ends_of(members: &[Member]) -> Option<(MemberId, MemberId)> {
    let ids = || members.iter().map(|member| member.id);
    ids().min().zip(ids().max())
}

/// Changes a member and returns its new state. If the member was narrowed, all nodes refuse its keys until they
/// have read the new limits.
pub async fn update_member(
    management: &Management,
    actor: &Actor,
    id: MemberId,
    change: &MemberChange,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Member, MemberError> {
    management.permit(actor.tenant, Part::Members)?;
    let mails = match (change.limits.role, change.limits.permissions) {
        (None, None) => GrantMails::default(),
        _ => {
            let present = stored(management, actor.tenant, id).await?;
            let limits = change.limits.apply(&present.limits);
            // Nobody causes mails to be written by a change that it may not make.
            let rights = Rights::of(management, actor, by.at).await?;
            rights.reach.covers(Some(id), &[&present.limits, &limits])?;
            let identity = identify(management, &management.keyring, &present).await?;
            let granted = (identity.as_ref().map(|one| &one.name), &limits);
            GrantMails::of(management, actor.tenant, granted, by.at, rng).await?
        }
    };
    let disables = if change.disabled == Some(true) { Ends::Yes } else { Ends::No };
    let (member, ends) = judged(disables, || async {
        let rights = Rights::of(management, actor, by.at).await?;
        let former = stored(management, actor.tenant, id).await?;
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
        let notices = mails.on(Some(&former.limits), &member.limits);
        let moved = (&former, &member);
        let ends = management.directory.update_member(moved, rights.acting, &notices, by).await?;
        Ok((member, ends))
    })
    .await?;
    management.tell_ends(ends).await;
    Ok(member)
}

/// Removes a member from the tenant. The server refuses its keys from now on.
pub async fn remove_member(
    replica: &Replica,
    actor: &Actor,
    id: MemberId,
    by: &Change,
) -> Result<(), MemberError> {
    replica.permit(actor.tenant, Part::Members)?;
    let ends = judged(Ends::Yes, || async {
        let rights = Rights::of(replica, actor, by.at).await?;
        let member = stored(replica, actor.tenant, id).await?;
        rights.reach.covers(Some(id), &[&member.limits])?;
        Ok(replica.directory.delete_member(&member, rights.acting, by).await?)
    })
    .await?;
    replica.tell_ends(ends).await;
    Ok(())
}

/// Closes the account of a person, which asks for it itself: deletes the person and all its memberships. The server
/// refuses the keys of these members from now on. The last owner of a tenant cannot leave so.
pub async fn close_account(replica: &Replica, person: PersonId, by: &Change) -> Result<(), MemberError> {
    let ends = judged(Ends::Yes, || async {
        let memberships = replica.directory.memberships(person).await?;
        if memberships.is_empty() {
            return Err(MemberError::NotFound);
        }
        Ok(replica.directory.delete_person(person, &memberships, by).await?)
    })
    .await?;
    replica.tell_ends(ends).await;
    Ok(())
}

/// Creates a key of a member for the operator. Only the second value contains its secret, to be shown once. The
/// member must have the scopes and the named profiles. Its limits bind the key anyway, but a key with less than
/// its maker asked for would surprise.
pub async fn create_member_key(
    management: &Management,
    (tenant, id): (TenantId, MemberId),
    request: CreateKey,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Key, PresentedKey), MemberError> {
    management.permit(tenant, Part::Keys)?;
    let member = stored(management, tenant, id).await?;
    let profiles = request.profiles.as_ref().unwrap_or(&member.limits.shares.profiles);
    Reach::of_member(&member).covers_key(request.scopes, profiles)?;
    let presented = PresentedKey::generate(request.mode, KeyId::new(by.at, rng), rng);
    let key = Key { member: Some(id), ..request.key(&Actor::operator(tenant), &presented, by.at) };
    let notices = on_new_key(management, tenant, (&key.name, key.scopes), by.at, rng).await?;
    management.directory.create_key(&key, None, None, &notices, by).await?;
    management.catch_up().await;
    Ok((key, presented))
}
