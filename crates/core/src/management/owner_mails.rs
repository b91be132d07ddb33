//! Mails to the owners of a tenant, about what one of them or the operator did.

use crate::{
    access::scope::{Scope, Scopes},
    context::Management,
    id::TenantId,
    people::{
        member::{Limits, Member, Role},
        notice::{News, Notice, SealedNotice, Words},
        person::PersonName,
    },
    ports::error::StoreError,
    tenant::TenantName,
    time::Timestamp,
};
use rand::CryptoRng;

const PAGE: u16 = 1_000;
/// How many owners of a tenant hear of one event at most.
const MOST_TOLD: usize = 50;

/// The enabled owners of a tenant.
pub(crate) async fn owners_in(management: &Management, tenant: TenantId) -> Result<Vec<Member>, StoreError> {
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

/// Mails to the owners of a tenant.
pub(crate) async fn to_owners(
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

/// The mails on a key that may show codes. A key without that scope has none.
pub(crate) async fn on_new_key(
    management: &Management,
    tenant: TenantId,
    (name, scopes): (&str, Scopes),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Vec<SealedNotice>, StoreError> {
    if !scopes.contains(Scope::CodesReveal) {
        return Ok(Vec::new());
    }
    let to = Words::new(name);
    let news = |tenant| News::CodesRevealGranted { tenant, to: to.clone() };
    to_owners(management, tenant, news, now, rng).await
}

/// The mails on what a member may get by a change. They are written before the change is judged, which is repeated
/// when others come first; each round picks those that are true of it.
#[derive(Default)]
pub(crate) struct GrantMails {
    owner: Vec<SealedNotice>,
    reveal: Vec<SealedNotice>,
}

impl GrantMails {
    /// `limits`: what the member may have after the change. The mails go to those who are owners before it.
    pub async fn of(
        management: &Management,
        tenant: TenantId,
        (name, limits): (Option<&PersonName>, &Limits),
        now: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, StoreError> {
        let mut mails = Self::default();
        let Some(name) = name else { return Ok(mails) };
        if limits.role == Role::Owner {
            let news = |tenant| News::NewOwner { tenant, name: name.clone() };
            mails.owner = to_owners(management, tenant, news, now, rng).await?;
        }
        if reveals(limits) {
            let to = Words::new(name.expose());
            let news = |tenant| News::CodesRevealGranted { tenant, to: to.clone() };
            mails.reveal = to_owners(management, tenant, news, now, rng).await?;
        }
        Ok(mails)
    }

    /// The mails on a change between these limits. `before` is `None` for a new member.
    pub fn on(&self, before: Option<&Limits>, after: &Limits) -> Vec<SealedNotice> {
        let becomes_owner = after.role == Role::Owner && before.is_none_or(|was| was.role != Role::Owner);
        let gets_codes = reveals(after) && !before.is_some_and(reveals);
        let owner = self.owner.iter().filter(|_| becomes_owner);
        owner.chain(self.reveal.iter().filter(|_| gets_codes)).cloned().collect()
    }
}

fn reveals(limits: &Limits) -> bool {
    limits.permissions.contains(Scope::CodesReveal)
}
