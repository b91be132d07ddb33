//! Sessions.

use super::{
    accounts::{codes, phone},
    world::{
        World, by, device_of, finish, finish_on, half, is_moved, secret, session, sign_in_id, signed_in,
    },
};
use crate::directory::{
    Base, at,
    people::{join, member, owner, subuser},
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{actor::Who, change::Change},
    audit::entry::Author,
    id::{MemberId, PersonId},
    management::audit::verify,
    people::{
        account::AccountChange,
        member::Member,
        session::{Device, HalfSignIn, MOST_SESSIONS, Session, SignIn},
    },
    ports::{
        directory::{
            members::{Joining, Members as _},
            people::{People as _, Standing},
        },
        people::{
            accounts::{Accounts as _, Along},
            activity::Activity as _,
            codes::PendingCodes as _,
            devices::Devices as _,
            sessions::{Finished, LateForm, Sessions as _},
        },
    },
    tenant::OPERATOR,
};
use std::time::Duration;

pub async fn a_session_begins_only_as_the_person_is(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let (people, id) = (&world.people, world.owner.person);
    let whole = session(id, 1);
    let marks = codes(id);
    world.change(AccountChange::TwoFactorOn(phone(id, "+48500600700"), marks.clone())).await?;
    let whole = Session { epoch: 2, ..whole };
    people.begin_half(&HalfSignIn { epoch: 2, ..half(id, 5) }).await?;
    let other_secret = Device { secret: secret(70), ..device_of(&whole) };
    ensure!(is_moved(&finish(people, &Session { epoch: 1, ..whole.clone() }, |one| one).await));
    ensure!(is_moved(&finish(people, &session(PersonId::from_bytes([9; 16]), 1), |one| one).await));
    let half = Some(secret(5));
    ensure!(is_moved(&finish(people, &whole, |one| Finished { half: Some(secret(6)), ..one }).await));
    let wrong = codes(id)[0];
    let refused = finish(people, &whole, |one| Finished { half, recovery: Some(wrong), ..one }).await;
    ensure!(is_moved(&refused), "{refused:?}");
    ensure!(people.half(secret(5), at(10)).await?.is_some(), "nothing was written");
    ensure!(people.list_devices(id, 9).await?.is_empty() && people.list_sessions(id).await?.is_empty());
    ensure!(people.list_sign_ins(id, None, 9).await?.is_empty());
    finish(people, &whole, |one| Finished { half, recovery: Some(marks[0]), mailed: true, ..one }).await?;
    ensure!(people.half(secret(5), at(10)).await?.is_none());
    assert_eq!(people.list_sessions(id).await?, std::slice::from_ref(&whole));
    assert_eq!(people.list_sign_ins(id, None, 9).await?, [signed_in(&whole)]);
    let own = people.own_device(id, whole.device).await?.context("a browser")?;
    assert_eq!((own.device, own.first_at, own.mailed_at), (device_of(&whole), at(10), Some(at(10))));
    // The same browser signs in again: its former session ends.
    let again =
        Session { signed_in_at: at(15), seen_at: at(15), device: whole.device, epoch: 2, ..session(id, 2) };
    let refused = finish_on(people, &again, &other_secret, |one| one).await;
    ensure!(is_moved(&refused), "another browser has this id: {refused:?}");
    finish(people, &again, |one| Finished { former: Some(whole.secret), ..one }).await?;
    assert_eq!(people.list_sessions(id).await?, [again]);
    let own = people.own_device(id, whole.device).await?.context("a browser")?;
    assert_eq!((own.first_at, own.last_at, own.mailed_at), (at(10), at(15), Some(at(10))));
    // Nobody signs in without a password, or without a tenant.
    let bare = member(world.tenant, 7, subuser());
    let stranger = crate::directory::people::person(7, bare.person);
    let joining = Joining { member: &bare, person: Some(&stranger), password: None, invitation: None };
    world.directory.add_member(joining, None, &[], &by(5)).await?;
    ensure!(is_moved(&finish(people, &session(bare.person, 8), |one| one).await));
    Ok(())
}

pub async fn a_session_is_read_touched_and_renewed(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let people = &world.people;
    let begun = world.sign_in(1).await?;
    let read = async |number| people.session(secret(number)).await;
    assert_eq!(read(1).await?, Some((begun.clone(), world.account().await?)));
    ensure!(read(2).await?.is_none());
    let address = "2001:db8::7".parse()?;
    people.touch_session(begun.id, at(30), address).await?;
    people.touch_session(begun.id, at(20), [192, 0, 2, 1].into()).await?;
    people.set_flash(begun.id, Some(b"sealed")).await?;
    let (seen, _) = read(1).await?.context("a session")?;
    let expected = Session { seen_at: at(30), address, flash: Some(b"sealed".to_vec()), ..begun.clone() };
    assert_eq!(seen, expected);
    let device = people.own_device(begun.person, begun.device).await?.context("a browser")?;
    assert_eq!((device.device.seen_at, device.last_at), (at(10), at(10)), "not at each request");
    let later = at(10) + Duration::from_secs(3_601);
    people.touch_session(begun.id, later, address).await?;
    let device = people.own_device(begun.person, begun.device).await?.context("a browser")?;
    assert_eq!((device.device.seen_at, device.last_at), (later, later));
    people.renew_session(&begun, secret(2)).await?;
    ensure!(is_moved(&people.renew_session(&begun, secret(3)).await));
    let (renewed, _) = read(2).await?.context("by its new secret")?;
    let entering = SignIn { id: sign_in_id(50), tenant: Some(world.tenant), ..signed_in(&renewed) };
    people.enter_tenant(&renewed, world.tenant, secret(3), Some(&entering)).await?;
    ensure!(is_moved(&people.enter_tenant(&renewed, world.tenant, secret(4), Some(&entering)).await));
    let (entered, _) = read(3).await?.context("by its new secret")?;
    assert_eq!(entered.tenant, Some(world.tenant));
    assert_eq!(people.list_tenant_sessions(world.tenant, None, 9).await?, std::slice::from_ref(&entered));
    let of = async |person| people.list_tenant_sessions(world.tenant, Some(person), 9).await;
    assert_eq!(of(begun.person).await?.len(), 1);
    ensure!(of(PersonId::from_bytes([9; 16])).await?.is_empty());
    let listed = people.list_tenant_sign_ins(world.tenant, begun.person, None, 9).await?;
    assert_eq!(listed, [entering]);
    let standing = async || {
        let between = (world.owner.id, world.owner.id);
        world.directory.standing_of_members(world.tenant, between).await
    };
    let last_active_at = Some(entered.seen_at.max(at(10)));
    let expected = Standing { person: begun.person, two_factor: false, last_active_at };
    assert_eq!(standing().await?, [expected]);
    let nowhere = (MemberId::from_bytes([0; 16]), MemberId::from_bytes([0; 16]));
    assert_eq!(world.directory.standing_of_members(world.tenant, nowhere).await?, []);
    world.change(AccountChange::SignOutEverywhere { forget_devices: false }).await?;
    ensure!(people.list_tenant_sessions(world.tenant, None, 9).await?.is_empty());
    let entering = SignIn { id: sign_in_id(51), ..signed_in(&entered) };
    ensure!(
        is_moved(&people.enter_tenant(&entered, world.tenant, secret(5), Some(&entering)).await),
        "it is over"
    );
    Ok(())
}

pub async fn sessions_end_with_entries(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let (people, id) = (&world.people, world.owner.person);
    let other = base.tenant(2).await?.id;
    let elsewhere = Member { person: id, ..member(other, 2, subuser()) };
    let joining = Joining { member: &elsewhere, person: None, password: None, invitation: None };
    world.directory.add_member(joining, None, &[], &by(5)).await?;
    let sessions = [world.sign_in(1).await?, world.sign_in(2).await?, world.sign_in(3).await?];
    for session in &sessions[..2] {
        let entering = SignIn { id: sign_in_id(50 + u32::from(session.id.bytes()[3])), ..signed_in(session) };
        people.enter_tenant(session, world.tenant, session.secret, Some(&entering)).await?;
    }
    let count = async |tenant| -> Result<usize> { Ok(world.entries(tenant, "portal.sign_out").await?.len()) };
    // An owner of the tenant sees and ends only what is in it.
    let owners = Who::Member { id: world.owner.id, acted_by: None };
    let owner = Change { who: owners, member: Some(world.owner.id), of: Some(world.tenant), ..by(30) };
    ensure!(!people.end_session(id, sessions[2].id, Some(world.tenant), &owner).await?);
    ensure!(!people.end_session(PersonId::from_bytes([9; 16]), sessions[0].id, None, &owner).await?);
    assert_eq!((count(world.tenant).await?, count(other).await?), (0, 0));
    ensure!(people.end_session(id, sessions[0].id, Some(world.tenant), &owner).await?);
    ensure!(!people.end_session(id, sessions[0].id, Some(world.tenant), &owner).await?);
    assert_eq!((count(world.tenant).await?, count(other).await?), (1, 0));
    ensure!(people.end_session(id, sessions[2].id, None, &by(31)).await?);
    assert_eq!((count(world.tenant).await?, count(other).await?), (2, 1));
    assert_eq!(people.end_tenant_sessions(id, world.tenant, &owner).await?, 1);
    assert_eq!(people.end_tenant_sessions(id, world.tenant, &owner).await?, 0);
    assert_eq!((count(world.tenant).await?, count(other).await?), (3, 1));
    ensure!(people.list_sessions(id).await?.is_empty());
    Ok(())
}

pub async fn a_person_has_only_so_many_sessions(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    for number in 0..=MOST_SESSIONS {
        world.sign_in(number).await?;
        // The first is in use, the second is seen longest ago.
        let first = session(world.owner.person, 0).id;
        world.people.touch_session(first, at(20 + i64::from(number)), [192, 0, 2, 1].into()).await?;
        if number != 1 {
            let this = session(world.owner.person, number).id;
            world.people.touch_session(this, at(20 + i64::from(number)), [192, 0, 2, 1].into()).await?;
        }
    }
    let listed = world.people.list_sessions(world.owner.person).await?;
    assert_eq!(listed.len(), MOST_SESSIONS as usize);
    ensure!(listed.iter().all(|one| one.id != session(world.owner.person, 1).id));
    Ok(())
}

pub async fn each_tenant_has_an_entry_of_its_own_member(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let id = world.owner.person;
    let mut members = vec![world.owner.clone()];
    for number in 2..=4 {
        let tenant = base.tenant(number).await?.id;
        join(base, &member(tenant, 20 + number, owner())).await?;
        let also = Member { person: id, ..member(tenant, number, subuser()) };
        let joining = Joining { member: &also, person: None, password: None, invitation: None };
        world.directory.add_member(joining, None, &[], &by(5)).await?;
        members.push(also);
    }
    world.sign_in(1).await?;
    let operator = Change::by_operator(at(40));
    let account = world.account().await?;
    let change = AccountChange::ResetTwoFactorAt(Some(at(99)));
    world.people.change_account(&account, &change, Along::default(), &operator).await?;
    for member in &members {
        let entries = world.entries(member.tenant, "portal.sign_in").await?;
        let [entry] = &entries[..] else { anyhow::bail!("{} entries", entries.len()) };
        assert_eq!(entry.author, Author { actor: member.id.to_string(), acting_for: None });
        assert_eq!(entry.object, id.to_string());
        let text = format!("{entry:?}");
        let others = members.iter().filter(|other| other.id != member.id);
        ensure!(others.clone().all(|other| !text.contains(&other.id.to_string())), "{text}");
        ensure!(others.clone().all(|other| !text.contains(&other.tenant.to_string())), "{text}");
        let entries = world.entries(member.tenant, "person.two_factor_reset").await?;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].author.actor, "operator");
    }
    let mut objects: Vec<_> = world
        .entries(OPERATOR, "person.two_factor_reset")
        .await?
        .into_iter()
        .map(|entry| entry.object)
        .collect();
    objects.sort();
    let mut expected: Vec<_> = members.iter().map(|member| format!("{}/{id}", member.tenant)).collect();
    expected.sort();
    assert_eq!(objects, expected, "the operator's own log has each");
    for tenant in members.iter().map(|member| member.tenant).chain([OPERATOR]) {
        let verified = verify(&world.directory, &crate::codes::keyring(), tenant, None).await?;
        verified.ok().context("a whole chain")?;
    }
    Ok(())
}

pub async fn a_late_form_is_kept_for_its_person_and_tenant(base: &Base) -> Result<()> {
    let world = World::new(base).await?;
    let people = &world.people;
    let form = |tenant, byte| LateForm {
        person: world.owner.person,
        tenant,
        sealed: vec![byte],
        expires_at: at(900),
    };
    people.keep_form(&form(None, 1)).await?;
    let (first, last) = (form(Some(world.tenant), 2), form(Some(world.tenant), 3));
    people.keep_form(&first).await?;
    people.keep_form(&last).await?;
    let take = async |tenant, seconds| people.take_form(world.owner.person, tenant, at(seconds)).await;
    ensure!(take(None, 20).await?.is_none());
    assert_eq!(take(Some(world.tenant), 899).await?, Some(last));
    ensure!(take(Some(world.tenant), 899).await?.is_none(), "it is taken once");
    people.keep_form(&first).await?;
    ensure!(take(Some(world.tenant), 900).await?.is_none(), "it is too old");
    let stranger = LateForm { person: PersonId::from_bytes([9; 16]), ..first };
    people.keep_form(&stranger).await?;
    ensure!(people.take_form(stranger.person, stranger.tenant, at(20)).await?.is_none());
    Ok(())
}
