//! The owners of a tenant: who is one, and what they hear of.

use crate::{
    access::actor::{Actor, Who},
    context::Management,
    id::TenantId,
    people::{
        account::Account,
        member::{Member, Role},
        notice::{News, Notice, SealedNotice},
        person::PersonName,
    },
    ports::error::StoreError,
    sign_in::Entrance,
    tenant::TenantName,
    time::Timestamp,
};
use rand::CryptoRng;

const PAGE: u16 = 1_000;
/// How many owners of a tenant hear of one event at most.
const MOST_TOLD: usize = 50;

/// Only an owner of the tenant who signed in does this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only an owner who signed in does this")]
pub struct NoOwner;

/// The owner as whom the actor signed in. The copy in memory may be older than a demotion, so this reads SQL.
pub async fn owner_of(entrance: &Entrance, actor: &Actor) -> Result<Result<Member, NoOwner>, StoreError> {
    let Who::Member { id, acted_by: None } = actor.who else { return Ok(Err(NoOwner)) };
    let member = entrance.context.directory.member(actor.tenant, id).await?;
    let owner = member.filter(|member| member.limits.role == Role::Owner && !member.disabled);
    Ok(owner.ok_or(NoOwner))
}

/// The enabled owners of a tenant.
pub(super) async fn owners_in(management: &Management, tenant: TenantId) -> Result<Vec<Member>, StoreError> {
    let (mut owners, mut before) = (Vec::new(), None);
    loop {
        let page = management.directory.list_members(tenant, before, PAGE).await?;
        before = page.last().map(|member| member.id);
        let is_last = page.len() < usize::from(PAGE);
        owners
            .extend(page.into_iter().filter(|member| member.limits.role == Role::Owner && !member.disabled));
        if is_last {
            return Ok(owners);
        }
    }
}

/// How many members of a tenant have a second factor, and how many there are.
pub async fn count_two_factor(entrance: &Entrance, tenant: TenantId) -> Result<(u32, u32), StoreError> {
    let (mut with, mut all, mut before) = (0, 0, None);
    loop {
        let page = entrance.context.directory.list_members(tenant, before, PAGE).await?;
        before = page.last().map(|member| member.id);
        let people: Vec<_> = page.iter().map(|member| member.person).collect();
        let standing = entrance.people.standing_of(tenant, &people).await?;
        with += standing.iter().map(|(_, has, _)| u32::from(*has)).sum::<u32>();
        all += u32::try_from(page.len()).unwrap_or(u32::MAX);
        if page.len() < usize::from(PAGE) {
            return Ok((with, all));
        }
    }
}

/// Mails to the owners of a tenant.
pub async fn to_owners(
    management: &Management,
    tenant: TenantId,
    news: impl Fn(TenantName) -> News,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Vec<SealedNotice>, StoreError> {
    let Some(name) = management.directory.tenant(tenant).await?.map(|tenant| tenant.name) else {
        return Ok(Vec::new());
    };
    let mut notices = Vec::new();
    for owner in owners_in(management, tenant).await?.into_iter().take(MOST_TOLD) {
        let Some(person) = management.directory.person(owner.person).await? else { continue };
        let Some(identity) = person.open(&management.keyring) else { continue };
        let notice = Notice::mail(&person, &identity, news(name.clone()), now, rng);
        notices.push(notice.sealed(&management.keyring, rng));
    }
    Ok(notices)
}

/// Tells the owners of a tenant something that another transaction has changed already.
pub async fn tell_owners(
    entrance: &Entrance,
    tenant: TenantId,
    news: impl Fn(TenantName) -> News,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<(), StoreError> {
    let notices = to_owners(&entrance.context, tenant, news, now, rng).await?;
    entrance.people.add_notices(&notices).await
}

/// Mails to the owners of each tenant of a person: its two-factor authentication is off.
pub(super) async fn two_factor_off(
    management: &Management,
    account: &Account,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Vec<SealedNotice>, StoreError> {
    let Some(identity) = account.person.open(&management.keyring) else { return Ok(Vec::new()) };
    let name: PersonName = identity.name;
    let mut notices = Vec::new();
    for membership in management.directory.memberships(account.person.id).await? {
        let news = |tenant| News::MemberTwoFactorOff { tenant, name: name.clone() };
        notices.extend(to_owners(management, membership.tenant, news, now, rng).await?);
    }
    Ok(notices)
}
