//! Acts on members: who may change whom, through keys and invitations, and on nodes without a database.

use super::{
    Base,
    people::{email, join, member, owner, subuser},
    tenants::{Gone, nodes},
};
use crate::{
    codes::{managed, rng},
    history::TENANT,
    webhooks::Place,
};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        allowlist::Allowlist,
        change::Change,
        key::Key,
        scope::{Scope, Scopes},
        share::Share,
    },
    context::Replica,
    id::ProfileId,
    locale::Locale,
    management::{
        invitations::{Accepting, Handover, accept, invite, send_again, withdraw},
        key_rotation::{OVERLAP, rotate_key},
        keys::{CreateKey, KeyError, KeyName, create_key, delete_key},
        member_keys::{list_member_keys, move_key},
        members::{LimitsChange, MemberChange, identify, list_members, remove_member, update_member},
        reach::MemberError,
    },
    mode::Mode,
    people::{
        bounds::Bounds,
        cover::NotCovered,
        hours::{Hours, Zone},
        invitation::LinkSecret,
        member::{Limits, Member, Role},
        password::PasswordText,
        person::{Identity, PersonName},
    },
    ports::{clock::Clock as _, error::StoreError},
};
use std::{sync::Arc, time::Instant};

/// The actor of a key, as a node computes it from its copy.
async fn actor_of(replica: &Replica, key: &Key) -> Result<Option<Actor>> {
    replica.refresh().await?;
    let key = replica.snapshot.key(key.id).context("a key")?;
    let member = key.member.and_then(|id| replica.snapshot.member(id));
    Ok(Bounds::of(&key, member.as_deref()).map(|bounds| Actor {
        who: Who::Key(key.id),
        member: key.member,
        grants: bounds.grants,
        profiles: bounds.profiles,
        ..Actor::operator(key.tenant)
    }))
}

pub fn asked(scopes: Scopes, company: bool) -> CreateKey {
    let name = KeyName::parse("one").unwrap();
    let allowlist = Allowlist::default();
    CreateKey { name, mode: Mode::Live, scopes, expires_at: None, allowlist, profiles: None, company }
}

/// A member signed in, with all that it may do.
pub fn signed_in(member: &Member) -> Actor {
    Actor {
        who: Who::Member { id: member.id, acted_by: None },
        member: Some(member.id),
        grants: member.limits.permissions,
        profiles: member.limits.shares.profiles.clone(),
        ..Actor::operator(member.tenant)
    }
}

/// A key with all scopes of its member.
pub async fn key_of(place: &Place, member: &Member) -> Result<(Key, Actor)> {
    let by = Change::by_system(place.clock.now());
    let scopes = member.limits.permissions;
    let (key, _) =
        create_key(&place.context, &signed_in(member), asked(scopes, false), None, &by, &mut rng()).await?;
    ensure!(key.member == Some(member.id) && key.made_by == Some(member.id));
    let actor = actor_of(&place.context, &key).await?.context("it is accepted")?;
    Ok((key, actor))
}

fn role(role: Role) -> MemberChange {
    MemberChange { limits: LimitsChange { role: Some(role), ..LimitsChange::default() }, disabled: None }
}

fn not_covered<T: std::fmt::Debug>(outcome: Result<T, MemberError>, why: NotCovered) -> Result<()> {
    ensure!(matches!(&outcome, Err(MemberError::NotCovered(said)) if *said == why), "{outcome:?}");
    Ok(())
}

pub async fn a_key_acts_on_members_as_its_member(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let by = Change::by_system(place.clock.now());
    let context = &place.context;
    let (boss, manager, clerk) = (
        member(TENANT, 1, owner()),
        member(TENANT, 2, Limits { role: Role::Subuser, ..owner() }),
        member(TENANT, 3, subuser()),
    );
    for one in [&boss, &manager, &clerk] {
        join(base, one).await?;
    }
    let (_, boss_key) = key_of(&place, &boss).await?;
    let (_, manager_key) = key_of(&place, &manager).await?;
    let (_, clerk_key) = key_of(&place, &clerk).await?;
    for actor in [&clerk_key, &signed_in(&clerk)] {
        let change = MemberChange { disabled: Some(true), ..MemberChange::default() };
        not_covered(
            update_member(context, actor, manager.id, &change, &by, &mut rng()).await,
            NotCovered::Scopes(manager.limits.permissions),
        )?;
        not_covered(
            update_member(context, actor, boss.id, &change, &by, &mut rng()).await,
            NotCovered::Owners,
        )?;
        not_covered(
            update_member(context, actor, clerk.id, &change, &by, &mut rng()).await,
            NotCovered::Oneself,
        )?;
        not_covered(remove_member(context, actor, clerk.id, &by).await, NotCovered::Oneself)?;
    }
    for actor in [&manager_key, &signed_in(&manager)] {
        not_covered(
            update_member(context, actor, clerk.id, &role(Role::Owner), &by, &mut rng()).await,
            NotCovered::Owners,
        )?;
        let codes = Scopes::from_iter([Scope::CodesReveal]);
        let limits = LimitsChange { permissions: Some(codes), ..LimitsChange::default() };
        let change = MemberChange { limits, disabled: None };
        not_covered(
            update_member(context, actor, clerk.id, &change, &by, &mut rng()).await,
            NotCovered::Scopes(codes),
        )?;
    }
    // A key of the company touches no owner, whatever its scopes.
    let operator = Actor::operator(TENANT);
    let all = asked(Scopes::all(), true);
    let (company, _) = create_key(context, &operator, all, None, &by, &mut rng()).await?;
    let company = actor_of(context, &company).await?.context("it is accepted")?;
    not_covered(remove_member(context, &company, boss.id, &by).await, NotCovered::Owners)?;
    not_covered(
        update_member(context, &company, clerk.id, &role(Role::Owner), &by, &mut rng()).await,
        NotCovered::Owners,
    )?;
    // What is covered is done.
    let wider = LimitsChange { hours: Some(Hours::ALWAYS), pool: Some(None), ..LimitsChange::default() };
    let wider = MemberChange { limits: wider, disabled: None };
    let changed = update_member(context, &manager_key, clerk.id, &wider, &by, &mut rng()).await?;
    ensure!(changed.limits.pool.is_none() && changed.version == 2);
    assert_eq!(
        update_member(context, &manager_key, clerk.id, &wider, &by, &mut rng()).await?,
        changed,
        "nothing changes"
    );
    assert_eq!(
        update_member(context, &boss_key, manager.id, &role(Role::Owner), &by, &mut rng()).await?.limits.role,
        Role::Owner
    );
    // From now on the former manager may demote the boss, whose key then has the rights of a subuser.
    update_member(context, &manager_key, boss.id, &role(Role::Subuser), &by, &mut rng()).await?;
    not_covered(
        update_member(context, &boss_key, manager.id, &role(Role::Subuser), &by, &mut rng()).await,
        NotCovered::Owners,
    )?;
    let last = remove_member(context, &operator, manager.id, &by).await;
    ensure!(matches!(last, Err(MemberError::Directory(StoreError::LastOwner))), "{last:?}");
    assert_eq!(list_members(context, &boss_key, None, 9).await?.len(), 3);
    let known = identify(context, &context.keyring, &clerk).await?.context("it opens")?;
    assert_eq!(known.email, email(3));
    Ok(())
}

pub async fn a_subuser_governs_its_own_keys_and_an_owner_all(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let by = Change::by_system(place.clock.now());
    let context = &place.context;
    let mut limits = Limits { role: Role::Subuser, ..owner() };
    limits.shares.profiles = Share::of([ProfileId::from_bytes([1; 16])]).unwrap();
    let (boss, clerk) = (member(TENANT, 1, owner()), member(TENANT, 2, limits));
    join(base, &boss).await?;
    join(base, &clerk).await?;
    let (boss_key, boss_actor) = key_of(&place, &boss).await?;
    let (clerk_key, clerk_actor) = key_of(&place, &clerk).await?;
    let scopes = Scopes::from_iter([Scope::KeysWrite]);
    for actor in [&clerk_actor, &signed_in(&clerk)] {
        let foreign = delete_key(context, actor, boss_key.id, &by).await;
        ensure!(matches!(foreign, Err(KeyError::NotOwn)), "{foreign:?}");
        let foreign = rotate_key(context, actor, boss_key.id, (OVERLAP, None), &by, &mut rng()).await;
        ensure!(matches!(foreign, Err(KeyError::NotOwn)), "{:?}", foreign.map(drop));
        let company = create_key(context, actor, asked(scopes, true), None, &by, &mut rng()).await;
        ensure!(matches!(company, Err(KeyError::NotOwn)), "{:?}", company.map(drop));
        let wide = CreateKey { profiles: Some(Share::all()), ..asked(scopes, false) };
        let wide = create_key(context, actor, wide, None, &by, &mut rng()).await;
        ensure!(matches!(wide, Err(KeyError::BeyondOwnProfiles)), "{:?}", wide.map(drop));
        let moved = move_key(context, actor, clerk_key.id, None, &by).await;
        not_covered(moved, NotCovered::Owners)?;
    }
    // A key made by a key, and a rotated one, have the same member and its profiles.
    let (made, _) = create_key(context, &clerk_actor, asked(scopes, false), None, &by, &mut rng()).await?;
    let mut later = rng();
    rand::Rng::next_u64(&mut later);
    let (rotated, _) =
        rotate_key(context, &clerk_actor, clerk_key.id, (OVERLAP, None), &by, &mut later).await?;
    for key in [&made, &rotated] {
        assert_eq!((key.member, &key.profiles), (Some(clerk.id), &clerk.limits.shares.profiles));
    }
    assert_eq!(list_member_keys(context, &boss_actor, clerk.id).await?.len(), 3);
    delete_key(context, &clerk_actor, made.id, &by).await?;
    // An owner takes over, makes keys of the company, and gives keys away.
    let taken = move_key(context, &boss_actor, rotated.id, Some(boss.id), &by).await?;
    assert_eq!(taken.member, Some(boss.id));
    let again = delete_key(context, &clerk_actor, rotated.id, &by).await;
    ensure!(matches!(again, Err(KeyError::NotOwn)), "{again:?}");
    let company = move_key(context, &boss_actor, rotated.id, None, &by).await?;
    assert_eq!((company.member, company.version), (None, 3));
    // An owner with hours does not escape them by a key of the company.
    let hours = MemberChange {
        limits: LimitsChange { hours: Some(Hours::NEVER.with(0, 0)), ..LimitsChange::default() },
        disabled: None,
    };
    update_member(context, &Actor::operator(TENANT), boss.id, &hours, &by, &mut rng()).await?;
    not_covered(move_key(context, &boss_actor, boss_key.id, None, &by).await, NotCovered::Hours)?;
    let escape = create_key(context, &boss_actor, asked(scopes, true), None, &by, &mut rng()).await;
    ensure!(matches!(escape, Err(KeyError::NotOwn)), "{:?}", escape.map(drop));
    Ok(())
}

pub async fn an_invitation_is_checked_again_when_it_is_accepted(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let by = Change::by_system(place.clock.now());
    let context = &place.context;
    let (boss, manager) =
        (member(TENANT, 1, owner()), member(TENANT, 2, Limits { role: Role::Subuser, ..owner() }));
    join(base, &boss).await?;
    join(base, &manager).await?;
    let operator = Actor::operator(TENANT);
    let identity = |number| Identity { name: PersonName::parse("Jan").unwrap(), email: email(number) };
    let password = || PasswordText::stored("x".into());
    let new = |number| Accepting::New(identity(number), Locale::default(), Zone::default(), password());
    let mut rng = rng();
    let refused =
        invite(context, &signed_in(&manager), (&email(3), &owner()), Handover::Caller, &by, &mut rng).await;
    not_covered(refused.map(drop), NotCovered::Owners)?;
    let there = invite(context, &operator, (&email(2), &subuser()), Handover::Caller, &by, &mut rng).await;
    ensure!(matches!(there, Err(MemberError::Exists)), "a member already");
    let (made, secret) =
        invite(context, &signed_in(&manager), (&email(3), &subuser()), Handover::Caller, &by, &mut rng)
            .await?;
    let twice = invite(context, &operator, (&email(3), &subuser()), Handover::Caller, &by, &mut rng).await;
    ensure!(matches!(twice, Err(MemberError::Exists)), "invited already");
    let place_of = (TENANT, made.id);
    let bad = |outcome: Result<Member, MemberError>| {
        ensure!(matches!(&outcome, Err(MemberError::BadLink)), "{outcome:?}");
        Ok(())
    };
    bad(accept(context, place_of, &LinkSecret::generate(&mut rng), &new(3), &by, &mut rng).await)?;
    bad(accept(context, place_of, &secret, &new(4), &by, &mut rng).await)?;
    bad(accept(context, place_of, &secret, &Accepting::Known(boss.person), &by, &mut rng).await)?;
    // The author was demoted: it no longer covers what it granted.
    let narrow = MemberChange {
        limits: LimitsChange { permissions: Some(Scopes::default()), ..LimitsChange::default() },
        disabled: None,
    };
    update_member(context, &operator, manager.id, &narrow, &by, &mut rng).await?;
    bad(accept(context, place_of, &secret, &new(3), &by, &mut rng).await)?;
    let away = MemberChange {
        limits: LimitsChange { permissions: Some(owner().permissions), ..LimitsChange::default() },
        disabled: Some(true),
    };
    update_member(context, &operator, manager.id, &away, &by, &mut rng).await?;
    bad(accept(context, place_of, &secret, &new(3), &by, &mut rng).await)?;
    // Somebody else vouches for it.
    let (sent, again) =
        send_again(context, &signed_in(&boss), made.id, Handover::Caller, &by, &mut rng).await?;
    assert_eq!(sent.sends, 2);
    bad(accept(context, place_of, &secret, &new(3), &by, &mut rng).await)?;
    let joined = accept(context, place_of, &again, &new(3), &by, &mut rng).await?;
    assert_eq!(joined.limits, subuser());
    bad(accept(context, place_of, &again, &new(3), &by, &mut rng).await)?;
    let (gone, secret) =
        invite(context, &operator, (&email(5), &subuser()), Handover::Caller, &by, &mut rng).await?;
    withdraw(context, &operator, gone.id, &by).await?;
    bad(accept(context, (TENANT, gone.id), &secret, &new(5), &by, &mut rng).await)?;
    Ok(())
}

pub async fn a_node_without_a_database_refuses_the_keys_of_a_narrowed_member(base: &Base) -> Result<()> {
    for publishes in [true, false] {
        let base = &match base.name() {
            None => Base::sqlite()?,
            Some(_) => Base::postgres().await?,
        };
        base.sql.migrate().await?;
        narrowed_elsewhere(base, publishes).await?;
    }
    Ok(())
}

/// The node that changes the member publishes the end itself, or another node that reads the change does.
async fn narrowed_elsewhere(base: &Base, publishes: bool) -> Result<()> {
    let (place, [node, other]) = nodes(base).await?;
    let now = place.clock.now();
    let by = Change::by_system(now);
    let (boss, clerk) =
        (member(TENANT, 1, owner()), member(TENANT, 2, Limits { role: Role::Subuser, ..owner() }));
    join(base, &boss).await?;
    join(base, &clerk).await?;
    let (boss_key, _) = key_of(&place, &boss).await?;
    let (clerk_key, _) = key_of(&place, &clerk).await?;
    node.refresh().await?;
    other.refresh().await?;
    other.snapshot.mark(Instant::now());
    // From now on, the other node cannot reach the database.
    let other = Replica { directory: Arc::new(Gone), ..other };
    let usable =
        |replica: &Replica, key: &Key| replica.snapshot.key(key.id).is_some_and(|key| key.is_usable(now));
    ensure!(usable(&other, &clerk_key) && usable(&other, &boss_key));
    let change = MemberChange {
        limits: LimitsChange { pool: Some(Some(5)), ..LimitsChange::default() },
        disabled: None,
    };
    let author = if publishes {
        node.clone()
    } else {
        Replica { peers: None, snapshot: Arc::default(), ..node.clone() }
    };
    update_member(&managed(author), &Actor::operator(TENANT), clerk.id, &change, &by, &mut rng()).await?;
    node.refresh().await?;
    node.tell().await?;
    other.listen("").await?;
    ensure!(!usable(&other, &clerk_key), "its former version ended");
    ensure!(usable(&other, &boss_key), "and no other");
    ensure!(other.snapshot.knows_ends(node.snapshot.seen()), "and there is no gap");
    ensure!(usable(&node, &clerk_key), "a node with the new limits accepts it");
    let read = node.snapshot.member(clerk.id).context("a member")?;
    assert_eq!(read.limits.pool, Some(5));
    Ok(())
}
