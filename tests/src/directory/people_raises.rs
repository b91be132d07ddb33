//! A member that was narrowed tries each way back: by its own membership, by keys that it has or makes, and by an
//! invitation that it kept.

use super::{
    Base,
    people::{email, owner},
    people_matrix::{
        ACTOR, Kind, Outcome, Row, Scene, asked, of_keys, of_members, person, prepare, rows, seat, subuser,
        whole,
    },
};
use crate::codes::rng;
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        key::Key,
    },
    management::{
        invitations::{Accepting, Handover, accept, invite},
        key_rotation::{OVERLAP, rotate_key},
        keys::{CreateKey, create_key},
        member_keys::move_key,
        members::{MemberChange, remove_member, update_member},
    },
    people::{
        bounds::Bounds,
        cover::NotCovered,
        invitation::Author,
        member::{Limits, Member, Role},
    },
    ports::directory::{keys::Keys as _, members::Members as _},
};

/// Who keeps the tenant from being left without an owner.
const OTHER_OWNER: u8 = 9;

/// The limits that the member of this row had before it was narrowed.
fn former(row: &Row) -> Limits {
    let role = if row.kind == Kind::Role { Role::Owner } else { row.without.role };
    Limits { role, ..row.with.clone() }
}

/// The actor of a key, as a node computes it that has this copy of the member.
fn actor_of(key: &Key, member: &Member) -> Result<Actor> {
    let Bounds { grants, profiles } = Bounds::of(key, Some(member)).context("it is accepted")?;
    let who = Who::Key(key.id);
    Ok(Actor { who, member: key.member, grants, profiles, ..Actor::operator(key.tenant) })
}

pub async fn nobody_raises_itself(base: &Base) -> Result<()> {
    let management = prepare(base).await?;
    for (row, number) in rows().into_iter().zip(10..) {
        let scene = Scene::open(base, &management, number, &former(&row)).await?;
        seat(base, scene.tenant, OTHER_OWNER, &owner()).await?;
        raise(&scene, &row).await.with_context(|| row.name.clone())?;
    }
    Ok(())
}

async fn raise(scene: &Scene<'_>, row: &Row) -> Result<()> {
    let Scene { base, management, tenant, by, .. } = scene;
    let had = former(row);
    let id = scene.actor.id;
    let (own, other) =
        (scene.key(Some(&scene.actor), &had).await?, scene.key(Some(&scene.actor), &had).await?);
    let company = scene.key(None, &had).await?;
    let (kept, secret) = scene.invitation(ACTOR + 4, &row.with, Author::Member(id)).await?;
    let stale = actor_of(&own, &scene.actor)?;
    let narrow = MemberChange { limits: whole(&row.without), disabled: None };
    let operator = Actor::operator(*tenant);
    let narrowed = update_member(management, &operator, id, &narrow, by, &mut rng()).await?;
    assert_eq!(narrowed.limits, row.without);

    let bounded = |key: &Key| -> Result<()> {
        let actor = actor_of(key, &narrowed)?;
        ensure!(row.without.permissions.covers(actor.grants));
        ensure!(actor.profiles.is_within(&row.without.shares.profiles) && key.member == Some(id));
        Ok(())
    };
    bounded(&own)?;
    let signed_in = Actor { who: Who::Member { id, acted_by: None }, ..actor_of(&own, &narrowed)? };
    // The last one is on a node whose copy is older than the narrowing.
    for actor in [&signed_in, &actor_of(&own, &narrowed)?, &stale] {
        let back = MemberChange { limits: whole(&had), disabled: None };
        let oneself = Outcome::NotCovered(NotCovered::Oneself);
        assert_eq!(of_members(update_member(management, actor, id, &back, by, &mut rng()).await)?, oneself);
        assert_eq!(of_members(remove_member(management, actor, id, by).await)?, oneself);
        let grant = MemberChange { limits: whole(&row.with), disabled: None };
        let granted =
            of_members(update_member(management, actor, scene.clerk.id, &grant, by, &mut rng()).await)?;
        assert_eq!(granted, Outcome::NotCovered(row.why));
        let invited =
            invite(management, actor, (&email(ACTOR + 5), &row.with), Handover::Caller, by, &mut rng()).await;
        assert_eq!(of_members(invited)?, Outcome::NotCovered(row.why));

        // What it makes for itself is bound as it is.
        let request = CreateKey { company: false, ..asked(&had) };
        let made = create_key(management, actor, request, None, by, &mut rng()).await;
        match made {
            Ok((key, _)) => bounded(&key)?,
            refused => ensure!(of_keys(refused.map(drop))? != Outcome::Done),
        }
        let fresh = scene.key(Some(&scene.actor), &had).await?;
        match rotate_key(management, actor, fresh.id, (OVERLAP, None), by, &mut rng()).await {
            Ok((key, _)) => bounded(&key)?,
            refused => ensure!(of_keys(refused.map(drop))? != Outcome::Done),
        }
        // No key of the company has its bounds.
        let made = create_key(management, actor, asked(&had), None, by, &mut rng()).await;
        ensure!(of_keys(made.map(drop))? != Outcome::Done, "a key of the company");
        let rotated = rotate_key(management, actor, company.id, (OVERLAP, None), by, &mut rng()).await;
        ensure!(of_keys(rotated.map(drop))? != Outcome::Done, "a rotated key of the company");
        for (key, to) in [(&other, None), (&company, Some(id))] {
            let moved = of_members(move_key(management, actor, key.id, to, by).await)?;
            ensure!(matches!(moved, Outcome::NotCovered(_)), "{moved:?}");
        }
    }
    let accepting = Accepting::Known(person(ACTOR + 4));
    let accepted = accept(management, (*tenant, kept), &secret, &accepting, by, &mut rng()).await;
    assert_eq!(of_members(accepted)?, Outcome::BadLink);
    let stored = base.directory.member(*tenant, id).await?.context("a member")?;
    assert_eq!(stored, narrowed);
    // With all that it had, the member does each of these things.
    let back = MemberChange { limits: whole(&had), disabled: None };
    update_member(management, &operator, id, &back, by, &mut rng()).await?;
    let clerk = MemberChange { limits: whole(&subuser(&row.with)), disabled: None };
    update_member(management, &stale, scene.clerk.id, &clerk, by, &mut rng()).await?;
    let accepted = accept(management, (*tenant, kept), &secret, &accepting, by, &mut rng()).await?;
    assert_eq!(accepted.limits, row.with);
    assert_eq!(base.directory.key(*tenant, company.id).await?.context("a key")?.member, None);
    Ok(())
}
