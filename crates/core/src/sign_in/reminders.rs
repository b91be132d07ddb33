//! Mails that time makes due: on a password that is to be changed from time to time, and on a pool that is mostly used.

use crate::{
    acts::sending::{PoolUse, read_pool},
    context::Management,
    id::TenantId,
    management::owner_mails::to_owners,
    people::{
        account::Account,
        member::Member,
        notice::{News, Notice},
    },
    ports::{error::StoreError, people::reminders::Pooled},
    sign_in::Entrance,
    tenant::security::{PasswordAge, SecurityRules},
    time::Timestamp,
};
use rand::CryptoRng;
use std::time::Duration;

const DAY: u64 = 86_400;
/// How many rows one query returns.
const PAGE: u16 = 200;

/// Mails to the persons whose password has become due for a change in one of their tenants. Each gets one mail for
/// each time that it becomes due, whichever nodes run this. Returns the number of mails.
pub async fn remind_of_passwords(
    entrance: &Entrance,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<u32, StoreError> {
    let mut mails = 0;
    for view in entrance.context.snapshot.tenants() {
        let tenant = view.tenant.id;
        let rules = view.settings.security.rules(tenant);
        let is_open = view.tenant.disabled_at.is_none() && !entrance.context.snapshot.is_disabled(tenant);
        if is_open && rules.password_age != PasswordAge::Off {
            mails += remind_members(entrance, (tenant, rules), now, rng).await?;
        }
    }
    Ok(mails)
}

async fn remind_members(
    entrance: &Entrance,
    (tenant, rules): (TenantId, SecurityRules),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<u32, StoreError> {
    let age = Duration::from_secs(DAY * u64::from(rules.password_days.get()));
    let (mut mails, mut after) = (0, None);
    loop {
        let page = entrance.people.people_to_remind(tenant, (age, now), after, PAGE).await?;
        for account in &page {
            let forced = rules.password_age == PasswordAge::Force;
            mails += u32::from(remind(entrance, account, (age, forced), now, rng).await?);
        }
        after = page.last().map(|account| account.person.id);
        if page.len() < usize::from(PAGE) {
            return Ok(mails);
        }
    }
}

async fn remind(
    entrance: &Entrance,
    account: &Account,
    (age, forced): (Duration, bool),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<bool, StoreError> {
    let keyring = &entrance.context.keyring;
    let (Some(made), Some(identity)) = (account.password_at, account.person.open(keyring)) else {
        return Ok(false);
    };
    let (old, age) = (now.since(made).as_secs(), age.as_secs());
    let due = made + Duration::from_secs(old / age * age);
    let news = News::PasswordOld { days: u32::try_from(old / DAY).unwrap_or(u32::MAX), forced };
    let notice = Notice::mail(&account.person, &identity, news, now, rng).sealed(keyring, rng);
    entrance.people.remind(account, (due, now), &notice).await
}

/// Mails to the owners whose members have used 80 % of their pool. They get one mail a month, and one more if the pool
/// has become larger than it was at the last mail. Returns the number of pools.
pub async fn report_pools(
    entrance: &Entrance,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<u32, StoreError> {
    let (mut pools, mut after) = (0, None);
    loop {
        let page = entrance.people.members_with_pools(after, PAGE).await?;
        for Pooled { member, told } in &page {
            let Some(pool) = read_pool(&entrance.context, member, now).await? else { continue };
            if is_mostly_used(pool) && !was_told(told.as_deref(), pool) {
                let mark = format!("{}/{}", pool.until, pool.of);
                pools += u32::from(report(entrance, (member, pool, &mark), now, rng).await?);
            }
        }
        after = page.last().map(|pooled| pooled.member.id);
        if page.len() < usize::from(PAGE) {
            return Ok(pools);
        }
    }
}

/// Whether the owners have heard of a pool of this month that was at least as large. `told`: the month's end and the size.
fn was_told(told: Option<&str>, PoolUse { of, until, .. }: PoolUse) -> bool {
    let Some((month, size)) = told.and_then(|told| told.split_once('/')) else { return false };
    month == until.to_string() && size.parse().is_ok_and(|size: u32| of <= size)
}

fn is_mostly_used(PoolUse { used, of, .. }: PoolUse) -> bool {
    of > 0 && u64::from(used) * 5 >= u64::from(of) * 4
}

async fn report(
    entrance: &Entrance,
    (member, PoolUse { used, of, .. }, mark): (&Member, PoolUse, &str),
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<bool, StoreError> {
    let management: &Management = &entrance.context;
    let person = management.directory.person(member.person).await?;
    let Some(name) = person.and_then(|person| person.open(&management.keyring)).map(|one| one.name) else {
        return Ok(false);
    };
    let news = |tenant| News::PoolAt80 { tenant, member: name.clone(), used, of };
    let notices = to_owners(management, member.tenant, news, now, rng).await?;
    entrance.people.tell_of_pool(member, mark, &notices).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_mostly_used_from_80_per_cent_on() {
        let of = |used, of| is_mostly_used(PoolUse { used, of, until: Timestamp::default() });
        assert!(!of(79, 100) && of(80, 100) && of(101, 100));
        assert!(!of(0, 0), "a pool of nothing is not used");
        assert!(of(u32::MAX, u32::MAX) && !of(3, 4) && of(4, 5));
    }
}
