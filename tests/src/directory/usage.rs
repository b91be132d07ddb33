//! The addresses that used each key.

use super::{Base, address_use, at, key};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    access::usage::{AddressUse, MOST_ADDRESSES, UsePage, UsePosition},
    id::TenantId,
    ports::directory::uses::Uses,
};

fn page(limit: u16) -> UsePage {
    UsePage { limit, ..UsePage::default() }
}

async fn list(base: &Base, tenant: TenantId, page: UsePage) -> Result<Vec<AddressUse>> {
    Ok(base.directory.list_address_uses(tenant, page).await?)
}

pub async fn uses_are_summed_and_listed_newest_first(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let (mine, theirs) = (base.tenant(1).await?, base.tenant(2).await?);
    let (one, two) = (key(mine.id, 1).id, key(mine.id, 2).id);
    let of = |key, number, seconds| address_use(mine.id, key, number, seconds);
    let foreign = address_use(theirs.id, key(theirs.id, 3).id, 1, 90);
    let changes = base.changes().await?;
    directory.note_address_uses(&[of(two, 1, 7), of(one, 1, 5), foreign, of(one, 2, 7)]).await?;
    directory.note_address_uses(&[of(one, 1, 9)]).await?;
    // A use that is recorded late does not move the time of last use back.
    directory.note_address_uses(&[of(one, 1, 6)]).await?;
    let summed =
        AddressUse { uses: 6, refused: 3, first_used_at: at(4), last_used_at: at(9), ..of(one, 1, 9) };
    let all = [summed, of(two, 1, 7), of(one, 2, 7)];
    assert_eq!(list(base, mine.id, page(10)).await?, all);
    assert_eq!(list(base, mine.id, UsePage { key: Some(one), ..page(10) }).await?, [summed, of(one, 2, 7)]);
    assert_eq!(list(base, theirs.id, page(10)).await?, [foreign]);
    assert_eq!(base.changes().await?, changes, "a use is no change");

    let (mut walked, mut after) = (Vec::new(), None);
    while let Some(last) = list(base, mine.id, UsePage { after, ..page(1) }).await?.pop() {
        let AddressUse { last_used_at, key, address, .. } = last;
        after = Some(UsePosition { last_used_at, key, address });
        walked.push(last);
    }
    assert_eq!(walked, all);
    let v6 = AddressUse { address: "2001:db8::1".parse()?, ..of(one, 1, 99) };
    directory.note_address_uses(&[v6]).await?;
    assert_eq!(list(base, mine.id, page(1)).await?, [v6]);
    Ok(())
}

pub async fn a_key_keeps_the_addresses_that_were_used_last(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?;
    let (busy, other) = (key(tenant.id, 1).id, key(tenant.id, 2).id);
    base.directory.note_address_uses(&[address_use(tenant.id, other, 1, 1)]).await?;
    // The uses are recorded in the wrong order: only their times matter.
    let uses: Vec<_> =
        (0..MOST_ADDRESSES + 50).rev().map(|n| address_use(tenant.id, busy, n, i64::from(n) + 1)).collect();
    base.directory.note_address_uses(&uses).await?;
    let kept = list(base, tenant.id, UsePage { key: Some(busy), ..page(2_000) }).await?;
    assert_eq!(kept.len(), usize::from(MOST_ADDRESSES));
    assert_eq!(kept.first(), uses.first());
    assert_eq!(kept.last().context("the oldest")?.last_used_at, at(51));
    assert_eq!(list(base, tenant.id, UsePage { key: Some(other), ..page(9) }).await?.len(), 1);
    Ok(())
}

pub async fn old_addresses_are_forgotten(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?;
    let used = |number, seconds| address_use(tenant.id, key(tenant.id, 1).id, number, seconds);
    base.directory.note_address_uses(&[used(1, 4), used(2, 5)]).await?;
    base.directory.forget_address_uses(at(5)).await?;
    assert_eq!(list(base, tenant.id, page(9)).await?, [used(2, 5)]);
    ensure!(base.directory.list_address_uses(tenant.id, page(0)).await?.is_empty());
    Ok(())
}
