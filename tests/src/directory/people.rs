//! Members, persons and invitations.

use super::{Base, at, is_conflict, key};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    access::{
        change::Change,
        key::Key,
        scope::{Scope, Scopes},
        share::Share,
    },
    id::{InvitationId, MemberId, PersonId, SenderId, TenantId},
    locale::Locale,
    people::{
        hours::{Hours, Zone},
        invitation::{Author, Invitation, LinkSecret, MOST_A_DAY},
        member::{Limits, Member, Role},
        password::PasswordText,
        person::{EmailAddress, Identity, Person, PersonName},
    },
    ports::{
        directory::{
            audit::{AuditFilter, AuditLog as _},
            changes::Changes as _,
            invitations::Invitations as _,
            keys::Keys as _,
            members::{Acting, Joining, Members as _},
            people::People as _,
            tenants::Tenants as _,
        },
        error::StoreError,
    },
    snapshot::{Snapshot, ends::KeyEnd},
    tenant::TenantChange,
};
use futures_util::future::join_all;
use rand::{SeedableRng, rngs::StdRng};
use std::time::Duration;

fn by() -> Change {
    Change::by_system(at(5))
}

fn rng(number: u8) -> StdRng {
    StdRng::seed_from_u64(number.into())
}

pub fn email(number: u8) -> EmailAddress {
    EmailAddress::parse(&format!("Person.{number}@example.com")).unwrap()
}

pub fn owner() -> Limits {
    Limits::of_owner(Zone::parse("Europe/Warsaw").unwrap())
}

/// A subuser with a bound of each kind.
pub fn subuser() -> Limits {
    let mut limits = owner();
    limits.role = Role::Subuser;
    limits.permissions = Scopes::from_iter([Scope::VerificationsStart, Scope::KeysWrite]);
    limits.hours = Hours::NEVER.with(0, 16).with(6, 47);
    limits.shares.senders = Share::of([SenderId::from_bytes([1; 16])]).unwrap();
    limits.shares.templates = Share::none();
    limits.shares.groups = Share::of(["vip".parse().unwrap()]).unwrap();
    limits.pool = Some(100);
    limits.most_parts = Some(2);
    limits
}

pub fn member(tenant: TenantId, number: u8, limits: Limits) -> Member {
    Member {
        id: MemberId::new(at(number.into()), &mut rng(number)),
        tenant,
        person: PersonId::new(&mut rng(number)),
        limits,
        disabled: false,
        version: 1,
        created_at: at(number.into()),
    }
}

/// The person of the member with this number.
pub fn person(number: u8, id: PersonId) -> Person {
    let name = PersonName::parse(&format!("Żaneta {number}")).unwrap();
    let identity = Identity { name, email: email(number) };
    let zone = Zone::parse("Europe/Warsaw").unwrap();
    Person::new(id, &identity, (Locale::default(), zone), &crate::codes::keyring(), at(1), &mut rng(number))
}

/// The number from which [`member`] made the member.
fn number_of(member: &Member) -> u8 {
    ((member.created_at.micros() - at(0).micros()) / 1_000_000) as u8
}

/// The stored form of a password. No test signs in with it.
pub fn password() -> PasswordText {
    PasswordText::stored("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned())
}

/// Adds a member with a person of its own, who has a password.
pub async fn join(base: &Base, member: &Member) -> Result<()> {
    let person = person(number_of(member), member.person);
    let joining = Joining { member, person: Some(&person), invitation: None, password: Some(&password()) };
    Ok(base.directory.add_member(joining, None, &[], &by()).await?)
}

pub fn invitation(tenant: TenantId, number: u8, author: Author) -> (Invitation, LinkSecret) {
    let ids = (tenant, InvitationId::new(at(number.into()), &mut rng(number)));
    let (keyring, mut rng) = (crate::codes::keyring(), rng(number));
    Invitation::new(ids, &email(number), (subuser(), author), &keyring, at(number.into()), &mut rng)
}

fn demoted(member: &Member) -> Member {
    let limits = Limits { role: Role::Subuser, ..member.limits.clone() };
    Member { limits, version: member.version + 1, ..member.clone() }
}

fn disabled(member: &Member) -> Member {
    Member { disabled: true, version: member.version + 1, ..member.clone() }
}

fn is_moved<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Moved))
}

fn is_last_owner<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::LastOwner))
}

pub async fn members_round_trip_and_are_listed_newest_first(base: &Base) -> Result<()> {
    let (tenant, other) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let (one, two) = (member(tenant, 1, owner()), member(tenant, 2, subuser()));
    for member in [&one, &two] {
        join(base, member).await?;
        assert_eq!(base.directory.member(tenant, member.id).await?.as_ref(), Some(member));
        assert_eq!(base.directory.membership(tenant, member.person).await?.as_ref(), Some(member));
        assert_eq!(base.directory.member(other, member.id).await?, None);
        let stored = base.directory.person(member.person).await?.context("a person")?;
        assert_eq!(
            stored.open(&crate::codes::keyring()).context("it opens")?.email,
            email(number_of(member))
        );
        let marked = email(number_of(member)).mark(&crate::codes::keyring());
        assert_eq!(base.directory.find_person(marked).await?, Some(stored));
    }
    assert_eq!(base.directory.list_members(tenant, None, 9).await?, [two.clone(), one.clone()]);
    assert_eq!(base.directory.list_members(tenant, Some(two.id), 9).await?, std::slice::from_ref(&one));
    assert!(base.directory.list_members(other, None, 9).await?.is_empty());
    // The same person is a member once in a tenant, and may be one of another.
    let again = Member { person: one.person, ..member(tenant, 3, subuser()) };
    let joining = |member| Joining { member, person: None, invitation: None, password: None };
    ensure!(is_conflict(&base.directory.add_member(joining(&again), None, &[], &by()).await));
    let elsewhere = Member { person: one.person, ..member(other, 4, subuser()) };
    base.directory.add_member(joining(&elsewhere), None, &[], &by()).await?;
    // A second person cannot have the address, and a member needs a person.
    let twin = member(tenant, 5, subuser());
    let person = Person { id: twin.person, ..person(1, twin.person) };
    let joining_twin = Joining { member: &twin, person: Some(&person), invitation: None, password: None };
    ensure!(is_conflict(&base.directory.add_member(joining_twin, None, &[], &by()).await));
    ensure!(is_conflict(&base.directory.add_member(joining(&twin), None, &[], &by()).await));
    let changed = Member { limits: subuser(), disabled: true, version: 2, ..elsewhere.clone() };
    let changed = Member { limits: Limits { pool: None, ..changed.limits.clone() }, ..changed };
    base.directory.update_member((&elsewhere, &changed), None, &[], &by()).await?;
    assert_eq!(base.directory.member(other, elsewhere.id).await?, Some(changed));
    let resealed = base.directory.person(one.person).await?.context("a person")?;
    ensure!(base.directory.reseal_person(&resealed, b"new").await?);
    ensure!(!base.directory.reseal_person(&resealed, b"newer").await?, "it is another content by now");
    assert_eq!(base.directory.people_not_sealed_with(0, None, 9).await?.len(), 2);
    Ok(())
}

pub async fn invitations_round_trip_until_they_end(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let (one, _) = invitation(tenant, 1, Author::Operator);
    let (two, _) = invitation(tenant, 2, Author::Member(MemberId::from_bytes([7; 16])));
    for invitation in [&one, &two] {
        directory.create_invitation(invitation.into(), None, &by()).await?;
        assert_eq!(directory.invitation(tenant, invitation.id).await?.as_ref(), Some(invitation));
    }
    assert_eq!(directory.list_invitations(tenant, None, 9).await?, [two.clone(), one.clone()]);
    assert_eq!(directory.list_invitations(tenant, Some(two.id), 9).await?, std::slice::from_ref(&one));
    let secret = LinkSecret::generate(&mut rng(9));
    let renewed = one.sent_again(Author::Operator, &secret, at(9)).ok().context("it may be sent")?;
    directory.renew_invitation((&one, &renewed), None, None, &by()).await?;
    assert_eq!(directory.invitation(tenant, one.id).await?, Some(renewed.clone()));
    ensure!(is_moved(&directory.renew_invitation((&one, &renewed), None, None, &by()).await));
    ensure!(is_moved(&directory.withdraw_invitation(&one, None, &by()).await));
    directory.withdraw_invitation(&renewed, None, &by()).await?;
    assert_eq!(directory.invitation(tenant, one.id).await?, None);
    // Of two who accept at once, one becomes a member.
    let joining = |number| member(tenant, number, two.limits.clone());
    let (a, b) = (joining(11), joining(12));
    let accept = async |member: &Member| {
        let person = person(number_of(member), member.person);
        let joining = Joining { member, person: Some(&person), invitation: Some(&two), password: None };
        directory.add_member(joining, None, &[], &by()).await
    };
    let (a, b) = futures_util::join!(accept(&a), accept(&b));
    ensure!(a.is_ok() != b.is_ok() && (is_moved(&a) || is_moved(&b)), "{a:?} {b:?}");
    ensure!(directory.list_invitations(tenant, None, 9).await?.is_empty());
    assert_eq!(directory.list_members(tenant, None, 9).await?.len(), 1);
    Ok(())
}

pub async fn an_address_has_one_invitation_and_a_tenant_only_so_many_a_day(base: &Base) -> Result<()> {
    let (tenant, other) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let create = async |tenant, number| {
        let (invitation, _) = invitation(tenant, number, Author::Operator);
        let by = Change::by_system(invitation.created_at);
        base.directory.create_invitation((&invitation).into(), None, &by).await.map(|()| invitation)
    };
    let first = create(tenant, 0).await?;
    let (again, _) = invitation(tenant, 200, Author::Operator);
    let again = Invitation { email: first.email, ..again };
    ensure!(is_conflict(&base.directory.create_invitation((&again).into(), None, &by()).await));
    // A withdrawn invitation counts, too.
    base.directory.withdraw_invitation(&first, None, &by()).await?;
    for number in 1..MOST_A_DAY as u8 {
        create(tenant, number).await?;
    }
    let full = create(tenant, 101).await;
    ensure!(matches!(full, Err(StoreError::Full { most: MOST_A_DAY, .. })), "{full:?}");
    create(other, 101).await?;
    let tomorrow = at(0) + Duration::from_secs(86_400);
    let late = Invitation { created_at: tomorrow, ..invitation(tenant, 102, Author::Operator).0 };
    base.directory.create_invitation((&late).into(), None, &Change::by_system(tomorrow)).await?;
    Ok(())
}

pub async fn a_change_by_what_has_moved_is_refused(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let (one, two) = (member(tenant, 1, owner()), member(tenant, 2, subuser()));
    join(base, &one).await?;
    join(base, &two).await?;
    let company = key(tenant, 1);
    directory.create_key(&company, None, None, &[], &by()).await?;
    let (next, _) = invitation(tenant, 3, Author::Operator);
    let before = base.changes().await?;
    let missing = MemberId::from_bytes([9; 16]);
    for acting in [
        Acting::Member(one.id, 2),
        Acting::Member(missing, 1),
        Acting::Key(company.id, 2),
        Acting::Key(key(tenant, 2).id, 1),
    ] {
        let acting = Some(acting);
        ensure!(is_moved(&directory.update_member((&two, &disabled(&two)), acting, &[], &by()).await));
        ensure!(is_moved(&directory.delete_member(&two, acting, &by()).await));
        ensure!(is_moved(&directory.create_invitation((&next).into(), acting, &by()).await));
        ensure!(is_moved(&directory.move_key(&company, Some(two.id), acting, &by()).await));
    }
    let stale = Member { version: 7, ..two.clone() };
    ensure!(is_moved(&directory.update_member((&stale, &disabled(&stale)), None, &[], &by()).await));
    ensure!(is_moved(&directory.delete_member(&stale, None, &by()).await));
    assert_eq!(base.changes().await?, before, "nothing was written");
    for (acting, number) in [(Acting::Member(one.id, 1), 5), (Acting::Key(company.id, 1), 6)] {
        let (made, _) = invitation(tenant, number, Author::Operator);
        directory.create_invitation((&made).into(), Some(acting), &by()).await?;
    }
    // A disabled member has no rights, whatever its version.
    let three = member(tenant, 4, owner());
    join(base, &three).await?;
    directory.update_member((&three, &disabled(&three)), None, &[], &by()).await?;
    let acting = Some(Acting::Member(three.id, 2));
    ensure!(is_moved(&directory.delete_member(&two, acting, &by()).await));
    Ok(())
}

pub async fn the_last_owner_stays(base: &Base) -> Result<()> {
    let (tenant, without) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let directory = &base.directory;
    let (one, two, three) =
        (member(tenant, 1, owner()), member(tenant, 2, owner()), member(tenant, 3, subuser()));
    for member in [&one, &two, &three] {
        join(base, member).await?;
    }
    let away = disabled(&two);
    directory.update_member((&two, &away), None, &[], &by()).await?;
    let before = base.changes().await?;
    ensure!(is_last_owner(&directory.update_member((&one, &demoted(&one)), None, &[], &by()).await));
    ensure!(is_last_owner(&directory.update_member((&one, &disabled(&one)), None, &[], &by()).await));
    ensure!(is_last_owner(&directory.delete_member(&one, None, &by()).await));
    assert_eq!(base.changes().await?, before, "nothing was written");
    assert_eq!(directory.member(tenant, one.id).await?.as_ref(), Some(&one));
    // A subuser and a disabled owner may go.
    directory.delete_member(&three, None, &by()).await?;
    directory.delete_member(&away, None, &by()).await?;
    // A tenant that never had an owner goes on without one.
    let alone = member(without, 4, subuser());
    join(base, &alone).await?;
    directory.update_member((&alone, &disabled(&alone)), None, &[], &by()).await?;
    directory.delete_member(&disabled(&alone), None, &by()).await?;
    Ok(())
}

pub async fn of_two_owners_who_are_demoted_at_once_one_stays(base: &Base) -> Result<()> {
    for round in 0..5 {
        let tenant = base.tenant(1 + round).await?.id;
        let owners = [member(tenant, 10 + 2 * round, owner()), member(tenant, 11 + 2 * round, owner())];
        for owner in &owners {
            join(base, owner).await?;
        }
        // Two processes: each has its own turns.
        let other = countersign_stores::directory::SqlDirectory::new(
            base.sql.clone(),
            std::sync::Arc::new(crate::codes::keyring()),
        );
        let [one, two] = &owners;
        let by = by();
        let (one_gone, two_gone) = (demoted(one), demoted(two));
        // Each demotes the other.
        let (a, b) = futures_util::join!(
            base.directory.update_member((one, &one_gone), Some(Acting::Member(two.id, 1)), &[], &by),
            other.update_member((two, &two_gone), Some(Acting::Member(one.id, 1)), &[], &by),
        );
        ensure!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
        // And by the operator, whom no version of a member stops.
        let still = base.directory.list_members(tenant, None, 9).await?;
        let left: Vec<_> = still.iter().filter(|member| member.limits.role == Role::Owner).collect();
        ensure!(left.len() == 1 && !left[0].disabled, "{left:?}");
        let outcome = base.directory.update_member((left[0], &demoted(left[0])), None, &[], &by).await;
        ensure!(is_last_owner(&outcome), "{outcome:?}");
    }
    Ok(())
}

pub async fn of_changes_at_once_each_before_is_the_former_after(base: &Base) -> Result<()> {
    const MANY: usize = 20;
    let tenant = base.tenant(1).await?.id;
    let one = member(tenant, 1, owner());
    join(base, &one).await?;
    join(base, &member(tenant, 2, owner())).await?;
    let other = countersign_stores::directory::SqlDirectory::new(
        base.sql.clone(),
        std::sync::Arc::new(crate::codes::keyring()),
    );
    // Each reads the member until its change was made by what it read.
    let change = async |n: usize| -> Result<()> {
        let directory = if n.is_multiple_of(2) { &*base.directory } else { &other };
        for _ in 0..4 * MANY {
            let former = directory.member(tenant, one.id).await?.context("a member")?;
            let limits = Limits { pool: Some(1_000 + n as u32), ..former.limits.clone() };
            let next = Member { limits, version: former.version + 1, ..former.clone() };
            match directory.update_member((&former, &next), None, &[], &by()).await {
                Err(StoreError::Moved) => {}
                outcome => return Ok(outcome.map(drop)?),
            }
        }
        anyhow::bail!("change {n} was never made")
    };
    for outcome in join_all((0..MANY).map(change)).await {
        outcome?;
    }
    let stored = base.directory.member(tenant, one.id).await?.context("a member")?;
    assert_eq!(stored.version, 1 + MANY as i64);
    let filter = AuditFilter { object: Some(one.id.to_string()), ..AuditFilter::default() };
    let mut entries = base.directory.list_audit(tenant, &filter, None, 100).await?;
    entries.reverse();
    assert_eq!(entries.len(), 1 + MANY);
    for (former, next) in entries.iter().zip(&entries[1..]) {
        assert_eq!(former.after, next.before);
    }
    for entry in base.directory.list_audit(tenant, &AuditFilter::default(), None, 100).await? {
        let shown = format!("{:?} {:?} {}", entry.before, entry.after, entry.object);
        ensure!(!shown.contains('@') && !shown.contains("aneta"), "no personal data: {shown}");
    }
    Ok(())
}

/// Creates a key of a member.
pub async fn key_of(base: &Base, member: &Member, number: u8) -> Result<Key> {
    let key = Key { member: Some(member.id), disabled: false, ..key(member.tenant, number) };
    base.directory.create_key(&key, None, None, &[], &by()).await?;
    Ok(key)
}

pub async fn a_narrowed_member_ends_its_keys_former_versions(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let (one, two) = (member(tenant, 1, owner()), member(tenant, 2, owner()));
    join(base, &one).await?;
    join(base, &two).await?;
    let (own, foreign) = (key_of(base, &one, 1).await?, key_of(base, &two, 2).await?);
    let version =
        async |key: &Key| anyhow::Ok(directory.key(tenant, key.id).await?.context("a key")?.version);
    // A widening ends nothing.
    let more = Limits { permissions: Scopes::all(), ..owner() };
    let wide = Member { limits: more, version: 2, ..one.clone() };
    assert_eq!(directory.update_member((&one, &wide), None, &[], &by()).await?, []);
    assert_eq!(version(&own).await?, 1);
    let mut former = wide;
    for (n, next) in [
        Member { limits: Limits { pool: Some(5), ..former.limits.clone() }, ..former.clone() },
        Member { limits: owner(), ..former.clone() },
        Member { limits: subuser(), ..former.clone() },
        Member { limits: subuser(), disabled: true, ..former.clone() },
    ]
    .into_iter()
    .enumerate()
    {
        let next = Member { version: former.version + 1, ..next };
        let ends = directory.update_member((&former, &next), None, &[], &by()).await?;
        // From a pool of 5 to none is a widening, but the scope that shows codes was taken.
        assert_eq!(ends, [KeyEnd::of_former_versions(own.id, 2 + n as i64)], "{next:?}");
        assert_eq!(version(&own).await?, 2 + n as i64);
        former = next;
    }
    assert_eq!(version(&foreign).await?, 1);
    let ends = directory.delete_member(&former, None, &by()).await?;
    assert_eq!(ends, [KeyEnd::of_former_versions(own.id, 6)]);
    // The key stays, so that it can be moved.
    let left = directory.list_member_keys(tenant, one.id).await?;
    assert_eq!(left.iter().map(|key| key.id).collect::<Vec<_>>(), [own.id]);
    let moved = directory.move_key(&left[0], Some(two.id), None, &by()).await?;
    assert_eq!((moved.member, moved.version), (Some(two.id), 7));
    assert_eq!(directory.list_member_keys(tenant, two.id).await?.len(), 2);
    ensure!(is_moved(&directory.move_key(&left[0], None, None, &by()).await));
    ensure!(
        is_moved(&directory.move_key(&moved, Some(one.id), None, &by()).await),
        "there is no such member"
    );
    assert_eq!(directory.move_key(&moved, None, None, &by()).await?.member, None);
    Ok(())
}

pub async fn a_person_goes_with_the_last_membership(base: &Base) -> Result<()> {
    let (tenant, other) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let one = member(tenant, 1, subuser());
    join(base, &one).await?;
    let elsewhere = Member { person: one.person, ..member(other, 2, subuser()) };
    let joining = Joining { member: &elsewhere, person: None, invitation: None, password: None };
    base.directory.add_member(joining, None, &[], &by()).await?;
    base.directory.delete_member(&one, None, &by()).await?;
    ensure!(base.directory.person(one.person).await?.is_some());
    base.directory.delete_member(&elsewhere, None, &by()).await?;
    ensure!(base.directory.person(one.person).await?.is_none());
    ensure!(
        is_conflict(&base.directory.add_member(joining, None, &[], &by()).await),
        "there is no such person"
    );
    Ok(())
}

pub async fn an_erased_tenant_leaves_no_people(base: &Base) -> Result<()> {
    let (tenant, other, kept) =
        (base.tenant(1).await?.id, base.tenant(2).await?.id, base.tenant(3).await?.id);
    let directory = &base.directory;
    for number in 1..=7 {
        join(base, &member(tenant, number, owner())).await?;
        let (invitation, _) = invitation(tenant, 100 + number, Author::Operator);
        directory.create_invitation((&invitation).into(), None, &by()).await?;
    }
    // One person is a member of both erased tenants, another of a tenant that stays.
    for (tenant, person, number) in [(other, 1, 11), (kept, 2, 12)] {
        let person = member(tenant, person, owner()).person;
        let second = Member { person, ..member(tenant, number, owner()) };
        directory
            .add_member(
                Joining { member: &second, person: None, invitation: None, password: None },
                None,
                &[],
                &by(),
            )
            .await?;
    }
    for id in [tenant, other] {
        directory.update_tenant(id, &TenantChange::Delete, &by()).await?;
        ensure!(directory.begin_erasure(id, at(9), &by()).await?);
    }
    let erase = async |id: TenantId| -> Result<()> {
        for _ in 0..100 {
            if directory.erase_tenant(id, 2, &by()).await? {
                return Ok(());
            }
        }
        anyhow::bail!("{id} is not erased")
    };
    for outcome in join_all([tenant, other, tenant, other].map(erase)).await {
        outcome?;
    }
    let people = directory.people_not_sealed_with(0, None, 99).await?;
    assert_eq!(people.iter().map(|one| one.id).collect::<Vec<_>>(), [member(kept, 2, owner()).person]);
    for id in [tenant, other] {
        ensure!(directory.tenant(id).await?.is_none());
        ensure!(directory.list_members(id, None, 9).await?.is_empty());
        ensure!(directory.list_invitations(id, None, 9).await?.is_empty());
    }
    assert_eq!(directory.list_members(kept, None, 9).await?.len(), 1);
    Ok(())
}

pub async fn copies_follow_members_one_by_one(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let (one, two) = (member(tenant, 1, owner()), member(tenant, 2, owner()));
    join(base, &one).await?;
    let own = key_of(base, &one, 1).await?;
    let snapshot = Snapshot::default();
    let follow = async |snapshot: &Snapshot| -> Result<usize> {
        let after = snapshot.seen();
        let news = directory.news(after).await?.context("news")?;
        let tenants = news.tenants.len();
        ensure!(snapshot.apply(after, news));
        Ok(tenants)
    };
    follow(&snapshot).await?;
    assert_eq!(snapshot.member(one.id).as_deref(), Some(&one));
    // Invitations and members load no tenant again.
    join(base, &two).await?;
    directory.create_invitation((&invitation(tenant, 9, Author::Operator).0).into(), None, &by()).await?;
    let narrow = demoted(&one);
    directory.update_member((&one, &narrow), None, &[], &by()).await?;
    assert_eq!(follow(&snapshot).await?, 0);
    assert_eq!(snapshot.member(one.id).as_deref(), Some(&narrow));
    assert_eq!(snapshot.member(two.id).as_deref(), Some(&two));
    assert_eq!(snapshot.key(own.id).context("a key")?.version, 2, "the key's new version came along");
    let whole = Snapshot::default();
    follow(&whole).await?;
    assert_eq!(whole.member(one.id).as_deref(), Some(&narrow));
    directory.delete_member(&narrow, None, &by()).await?;
    follow(&snapshot).await?;
    ensure!(snapshot.member(one.id).is_none() && snapshot.member(two.id).is_some());
    Ok(())
}
