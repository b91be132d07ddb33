//! A person who closes its account leaves all tenants at once.

use super::{
    Base,
    people::{join, key_of, member, owner, subuser},
    tenants::nodes,
};
use crate::codes::keyring;
use anyhow::{Context, Result, ensure};
use countersign_core::{
    access::change::Change,
    audit::entry::Author,
    management::{audit::verify, members::close_account, reach::MemberError},
    people::member::Member,
    ports::{
        directory::{
            audit::{AuditFilter, AuditLog as _},
            keys::Keys as _,
            members::{Joining, Members as _},
            people::People as _,
        },
        error::StoreError,
    },
};

fn is_last_owner(outcome: &Result<(), MemberError>) -> bool {
    matches!(outcome, Err(MemberError::Directory(StoreError::LastOwner)))
}

pub async fn a_person_leaves_all_tenants_at_once_but_not_as_a_last_owner(base: &Base) -> Result<()> {
    let (place, [node, _]) = nodes(base).await?;
    let directory = &*base.directory;
    let by = Change::by_system(super::at(5));
    let [one, two, three] = [base.tenant(5).await?.id, base.tenant(6).await?.id, base.tenant(7).await?.id];
    let first = member(one, 1, owner());
    join(base, &first).await?;
    let also = |tenant, number, limits| Member { person: first.person, ..member(tenant, number, limits) };
    // The second tenant has another owner, the third has none.
    let (second, third) = (also(two, 2, owner()), also(three, 3, subuser()));
    join(base, &member(two, 12, owner())).await?;
    for member in [&second, &third] {
        directory
            .add_member(Joining { member, person: None, invitation: None, password: None }, None, &[], &by)
            .await?;
    }
    let all = [first.clone(), second.clone(), third.clone()];
    let keys = [key_of(base, &first, 1).await?, key_of(base, &second, 2).await?];
    let others = key_of(base, &member(two, 12, owner()), 3).await?;
    let entries = async || -> Result<Vec<i64>> {
        let mut entries = Vec::new();
        for tenant in [one, two, three] {
            let verified = verify(directory, &keyring(), tenant, None).await?;
            entries.push(verified.ok().context("a whole chain")?.head.n);
        }
        Ok(entries)
    };
    let (before, changes) = (entries().await?, base.changes().await?.len());
    let outcome = close_account(&node, first.person, &by).await;
    ensure!(is_last_owner(&outcome), "{outcome:?}");
    assert_eq!(directory.memberships(first.person).await?, all, "it is as it was everywhere");
    assert_eq!((entries().await?, base.changes().await?.len()), (before, changes));

    join(base, &member(one, 11, owner())).await?;
    // A membership that the caller has not seen.
    let some = directory.delete_person(first.person, &all[..2], &by).await;
    ensure!(matches!(some, Err(StoreError::Moved)), "{some:?}");
    let stale = [Member { version: 7, ..first.clone() }, second.clone(), third.clone()];
    let stale = directory.delete_person(first.person, &stale, &by).await;
    ensure!(matches!(stale, Err(StoreError::Moved)), "{stale:?}");
    let (before, changes) = (entries().await?, base.changes().await?.len());
    node.refresh().await?;
    close_account(&node, first.person, &by).await?;
    ensure!(directory.person(first.person).await?.is_none());
    ensure!(directory.memberships(first.person).await?.is_empty());
    for key in keys {
        let stored = directory.key(key.tenant, key.id).await?.context("the key stays")?;
        assert_eq!((stored.version, stored.member), (key.version + 1, key.member));
    }
    let stored = directory.key(two, others.id).await?.context("a key")?;
    assert_eq!(stored.version, others.version, "another member's key");
    for member in [&first, &second, &third] {
        ensure!(node.snapshot.member(member.id).is_none(), "the copy follows");
        let filter = AuditFilter { action: Some("member.delete".into()), ..AuditFilter::default() };
        let [entry] = &directory.list_audit(member.tenant, &filter, None, 9).await?[..] else {
            anyhow::bail!("one entry in each tenant")
        };
        assert_eq!(entry.author, Author { actor: member.id.to_string(), acting_for: None });
        assert_eq!(entry.object, member.id.to_string());
        let text = format!("{entry:?}");
        let foreign = all.iter().filter(|other| other.id != member.id);
        ensure!(foreign.clone().all(|other| !text.contains(&other.id.to_string())), "{text}");
        ensure!(foreign.clone().all(|other| !text.contains(&other.tenant.to_string())), "{text}");
    }
    let added = entries().await?.iter().zip(before).map(|(now, before)| now - before).collect::<Vec<_>>();
    assert_eq!(added, [1, 1, 1]);
    let changed: Vec<_> = base.changes().await?.into_iter().skip(changes).map(|change| change.3).collect();
    assert_eq!(changed, all.map(|member| member.id.to_string()), "each has a number of its own");
    let again = close_account(&node, first.person, &by).await;
    ensure!(matches!(again, Err(MemberError::NotFound)), "{again:?}");
    drop(place);
    Ok(())
}

pub async fn of_two_owners_who_leave_at_once_one_stays(base: &Base) -> Result<()> {
    let (_place, [node, other]) = nodes(base).await?;
    let by = Change::by_system(super::at(5));
    for round in 0..5 {
        let tenant = base.tenant(round + 5).await?.id;
        let pair = [member(tenant, 10 * round + 1, owner()), member(tenant, 10 * round + 2, owner())];
        for member in &pair {
            join(base, member).await?;
        }
        let (a, b) = tokio::join!(
            close_account(&node, pair[0].person, &by),
            close_account(&other, pair[1].person, &by)
        );
        ensure!(a.is_ok() != b.is_ok() && (is_last_owner(&a) || is_last_owner(&b)), "{a:?} {b:?}");
        assert_eq!(base.directory.list_members(tenant, None, 9).await?.len(), 1);
    }
    Ok(())
}
