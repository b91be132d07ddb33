//! What is deleted with a person or a tenant, and what nobody can use any more.

use super::{
    accounts::{codes, link, phone, proof},
    world::{World, by, finish, half, session, sign_in_id, signed_in},
};
use crate::directory::{
    Base, at,
    people::{join, member, owner, password, subuser},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::change::Change,
    id::PersonId,
    people::{
        account::AccountChange,
        link::LinkKind,
        member::Member,
        session::{HalfSignIn, Session, SignIn},
    },
    ports::{
        directory::{
            members::{Joining, Members as _},
            tenants::Tenants as _,
        },
        people::{
            accounts::{Accounts as _, Along},
            codes::PendingCodes as _,
            links::Links as _,
            sessions::{LateForm, Sessions as _},
        },
    },
    tenant::TenantChange,
};
use countersign_stores::sql::{Kind, Statement};
use std::time::Duration;

macro_rules! rows_of {
    ($($table:literal),+) => {
        [$(&Statement {
            table: $table,
            text: concat!("SELECT count(*) FROM ", $table, " WHERE person_id = $1"),
            params: &[Kind::Text],
        }),+]
    };
}

static ROWS: [&Statement; 9] = rows_of!(
    "former_passwords",
    "recovery_codes",
    "sessions",
    "half_sign_ins",
    "proofs",
    "links",
    "device_people",
    "sign_ins",
    "late_forms"
);

/// The number of rows of a person in each table.
async fn rows(base: &Base, person: PersonId) -> Result<Vec<i64>> {
    let mut rows = Vec::new();
    for statement in ROWS {
        let found = base.sql.query(statement, vec![person.to_string().into()]).await?;
        rows.push(found.first().context("a row")?.int(0)?);
    }
    Ok(rows)
}

/// Leaves a row of the person in each table.
async fn fill(world: &World, person: PersonId, number: u32) -> Result<()> {
    let people = &world.people;
    for change in [
        AccountChange::Password(password()),
        AccountChange::TwoFactorOn(phone(person, "+48500600700"), codes(person)),
    ] {
        let account = people.account(person).await?.context("an account")?;
        people.change_account(&account, &change, Along::default(), &by(5)).await?;
    }
    let begun = Session { epoch: 3, ..session(person, number) };
    finish(people, &begun, |finished| finished).await?;
    people.begin_half(&HalfSignIn { epoch: 3, ..half(person, number + 1) }).await?;
    people.begin_proof(&proof(&begun)).await?;
    people.add_link(&link(LinkKind::UndoAddress, Some(person), number + 2), &[]).await?;
    let form = LateForm { person, tenant: None, sealed: vec![1], expires_at: at(900) };
    people.keep_form(&form).await?;
    Ok(())
}

pub async fn a_person_that_is_deleted_leaves_nothing(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let other = base.tenant(2).await?.id;
    let (both, only) = (member(world.tenant, 2, subuser()), member(world.tenant, 3, subuser()));
    for member in [&both, &only] {
        join(base, member).await?;
    }
    let second = Member { person: both.person, ..member(other, 4, subuser()) };
    let joining = Joining { member: &second, person: None, invitation: None, password: None };
    world.directory.add_member(joining, None, &[], &by(5)).await?;
    for (number, person) in [(10, both.person), (20, only.person), (30, world.owner.person)] {
        fill(&world, person, number).await?;
    }
    let all = |rows: &[i64]| rows.iter().all(|count| *count > 0);
    let entered = Session { epoch: 3, ..session(both.person, 10) };
    let entering = SignIn { id: sign_in_id(99), tenant: Some(world.tenant), ..signed_in(&entered) };
    world.people.enter_tenant(&entered, world.tenant, entered.secret, Some(&entering)).await?;
    world.directory.delete_member(&only, None, &by(6)).await?;
    assert_eq!(rows(base, only.person).await?, [0; 9]);
    world.directory.delete_member(&both, None, &by(6)).await?;
    let left = rows(base, both.person).await?;
    ensure!(left[2] == 0, "the session in the tenant ends");
    ensure!(all(&left[..2]) && all(&left[3..4]) && all(&left[5..]), "it is in another tenant: {left:?}");
    let memberships = world.directory.memberships(both.person).await?;
    world.directory.delete_person(both.person, &memberships, &by(7)).await?;
    assert_eq!(rows(base, both.person).await?, [0; 9]);
    ensure!(all(&rows(base, world.owner.person).await?));
    Ok(())
}

pub async fn an_erased_tenant_takes_its_people_along(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let (tenant, kept) = (base.tenant(2).await?.id, world.tenant);
    let mut strangers = Vec::new();
    for number in 2..=6 {
        let one = member(tenant, number, owner());
        join(base, &one).await?;
        fill(&world, one.person, 10 * u32::from(number)).await?;
        strangers.push(one.person);
    }
    // The owner of the tenant that stays is a member of the erased one.
    let also = Member { person: world.owner.person, ..member(tenant, 9, subuser()) };
    let joining = Joining { member: &also, person: None, invitation: None, password: None };
    world.directory.add_member(joining, None, &[], &by(5)).await?;
    fill(&world, world.owner.person, 200).await?;
    for (number, place) in [(201, tenant), (202, kept)] {
        let here = Session { epoch: 3, ..session(world.owner.person, number) };
        finish(&world.people, &here, |finished| finished).await?;
        let entering = SignIn { id: sign_in_id(number + 100), tenant: Some(place), ..signed_in(&here) };
        world.people.enter_tenant(&here, place, here.secret, Some(&entering)).await?;
    }
    let before = rows(base, world.owner.person).await?;
    let system = Change::by_system(at(5));
    world.directory.update_tenant(tenant, &TenantChange::Delete, &system).await?;
    ensure!(world.directory.begin_erasure(tenant, at(9), &system).await?);
    for round in 0.. {
        ensure!(round < 100, "it is not erased");
        if world.directory.erase_tenant(tenant, 2, &system).await? {
            break;
        }
    }
    for person in strangers {
        assert_eq!(rows(base, person).await?, [0; 9]);
    }
    let after = rows(base, world.owner.person).await?;
    let mut expected = before;
    // The session in the erased tenant, and the entry into it.
    expected[2] -= 1;
    expected[7] -= 1;
    assert_eq!(after, expected);
    assert_eq!(world.people.list_tenant_sessions(kept, None, 9).await?.len(), 1);
    Ok(())
}

pub async fn what_nobody_can_use_is_forgotten(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let id = world.owner.person;
    fill(&world, id, 10).await?;
    let before = rows(base, id).await?;
    let forget = async |seen: i64, now| world.people.forget_sessions(at(seen), now, 9).await;
    assert_eq!(forget(10, at(600)).await?, 0);
    assert_eq!(rows(base, id).await?, before);
    let day = Duration::from_secs(8 * 86_400);
    assert_eq!(forget(11, at(0) + day).await?, 5);
    assert_eq!(rows(base, id).await?, [1, 10, 0, 0, 0, 0, 1, 1, 0]);
    Ok(())
}
