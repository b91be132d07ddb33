//! The owners of a tenant: who is one, and what they hear of.

use crate::{
    access::actor::{Actor, Who},
    context::Management,
    id::TenantId,
    management::owner_mails::to_owners,
    people::{
        account::Account,
        member::{Member, Role},
        notice::{News, SealedNotice},
        person::PersonName,
    },
    ports::error::StoreError,
    sign_in::Entrance,
    tenant::TenantName,
    time::Timestamp,
};
use rand::CryptoRng;

const PAGE: u16 = 1_000;

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

/// How many members of a tenant have a second factor, and how many there are.
pub async fn count_two_factor(entrance: &Entrance, tenant: TenantId) -> Result<(u32, u32), StoreError> {
    let (mut with, mut all, mut before) = (0, 0, None);
    loop {
        let page = entrance.context.directory.list_members(tenant, before, PAGE).await?;
        before = page.last().map(|member| member.id);
        if let (Some(newest), Some(oldest)) = (page.first(), page.last()) {
            let between = (oldest.id, newest.id);
            let standings = entrance.context.directory.standing_of_members(tenant, between).await?;
            with += standings.iter().map(|standing| u32::from(standing.two_factor)).sum::<u32>();
        }
        all += u32::try_from(page.len()).unwrap_or(u32::MAX);
        if page.len() < usize::from(PAGE) {
            return Ok((with, all));
        }
    }
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
