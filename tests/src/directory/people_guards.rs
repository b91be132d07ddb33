//! Acts on keys are guarded as acts on members are, and one author cannot use up what the others need.

use super::{
    Base, at, key,
    people::{email, invitation, join, member, owner, subuser},
    people_acts::{asked, key_of, signed_in},
};
use crate::{codes::rng, history::TENANT, webhooks::Place};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        allowlist::Allowlist,
        change::Change,
        key::{Key, MOST_KEYS, MOST_KEYS_OF_MEMBER},
        scope::{Scope, Scopes},
    },
    id::{KeyId, MemberId, TenantId},
    locale::Locale,
    management::{
        invitations::{Accepting, Handover, accept, invite},
        key_rotation::{OVERLAP, rotate_key},
        keys::{KeyError, UpdateKey, create_key, delete_key, update_key},
        member_keys::move_key,
        members::{LimitsChange, MemberChange, remove_member, update_member},
        reach::MemberError,
    },
    people::{
        cover::NotCovered,
        hours::Zone,
        invitation::{Author, Invitation, LIFE, LinkSecret, MOST_A_DAY, MOST_BY_SUBUSER, MOST_MAILS_A_DAY},
        member::{Limits, MOST_CHANGES, Member, Role},
        password::PasswordText,
        person::{Identity, PersonName},
    },
    ports::{
        clock::Clock as _,
        directory::{
            invitations::Invitations as _,
            keys::{Judged, KeyChange, Keys as _, Rotation},
            members::{Acting, Members as _},
        },
        error::StoreError,
    },
    time::Timestamp,
};
use countersign_stores::sql::{Batch, Kind, Statement};
use futures_util::future::join_all;
use rand::Rng as _;
use std::time::Duration;

fn by(seconds: i64) -> Change {
    Change::by_system(at(seconds))
}

fn by_key(id: KeyId, member: Option<MemberId>, seconds: i64) -> Change {
    Change { who: Who::Key(id), member, of: Some(TENANT), ..by(seconds) }
}

/// The key with this number, as the directory returns it.
fn plain(tenant: TenantId, number: u8) -> Key {
    Key { replaced_by: None, ..key(tenant, number) }
}

fn is_moved<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Moved))
}

fn full<T: std::fmt::Debug>(outcome: &Result<T, StoreError>) -> Option<u32> {
    if let Err(StoreError::Full { most, .. }) = outcome { Some(*most) } else { None }
}

/// The limits of an owner, as a subuser.
fn manager() -> Limits {
    Limits { role: Role::Subuser, ..owner() }
}

pub async fn a_change_of_a_key_by_what_has_moved_is_refused(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let (one, two) = (member(tenant, 1, owner()), member(tenant, 2, subuser()));
    join(base, &one).await?;
    join(base, &two).await?;
    let (company, next) = (plain(tenant, 1), plain(tenant, 2));
    let own = Key { member: Some(one.id), ..plain(tenant, 4) };
    directory.create_key(&company, None, None, &[], &by(5)).await?;
    directory.create_key(&own, None, None, &[], &by(5)).await?;
    let rotation = Rotation { new: next.clone(), old: company.id, version: company.version, ends_at: at(90) };
    let change = || KeyChange { name: Some("renamed".to_owned()), ..KeyChange::default() };
    let v = company.version;
    let before = base.changes().await?;
    let refused = async |acting: Acting, version, of| -> Result<()> {
        let judged = Some(Judged { acting, version, of });
        if (version, of) == (v, None) {
            ensure!(
                is_moved(&directory.create_key(&next, None, Some(acting), &[], &by(6)).await),
                "{acting:?}"
            );
        }
        if version == v {
            ensure!(is_moved(&directory.rotate_key(&rotation, None, judged, &by(6)).await), "{judged:?}");
        }
        ensure!(is_moved(&directory.update_key(tenant, company.id, change(), judged, &by(6)).await));
        ensure!(is_moved(&directory.delete_key(tenant, company.id, judged, &by(6)).await));
        Ok(())
    };
    for acting in [
        Acting::Member(one.id, 2),
        Acting::Key(own.id, own.version + 1),
        Acting::KeyOf((own.id, own.version), (one.id, 2)),
        Acting::KeyOf((own.id, own.version + 1), (one.id, 1)),
        Acting::KeyOf((next.id, 1), (one.id, 1)),
    ] {
        refused(acting, v, None).await?;
    }
    let good = Acting::KeyOf((own.id, own.version), (one.id, 1));
    refused(good, v + 1, None).await?;
    // The member whose key it is was promoted meanwhile.
    refused(good, v, Some((two.id, 2))).await?;
    assert_eq!(base.changes().await?, before, "nothing was written");
    let judged = Some(Judged { acting: good, version: v, of: Some((two.id, 1)) });
    ensure!(directory.update_key(tenant, company.id, change(), judged, &by(6)).await?.is_some());
    directory.create_key(&next, None, Some(good), &[], &by(6)).await?;
    Ok(())
}

pub async fn what_a_demoted_member_asked_for_is_judged_again(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let context = &place.context;
    let by = Change::by_system(place.clock.now());
    let (boss, clerk) = (member(TENANT, 1, owner()), member(TENANT, 2, owner()));
    join(base, &boss).await?;
    join(base, &clerk).await?;
    let operator = Actor::operator(TENANT);
    let scopes = Scopes::from_iter([Scope::KeysWrite]);
    let (company, _) = create_key(context, &operator, asked(scopes, true), None, &by, &mut rng()).await?;
    let (_, actor) = key_of(&place, &clerk).await?;
    // The actor was authenticated as an owner's key before this.
    let demote = LimitsChange { role: Some(Role::Subuser), ..LimitsChange::default() };
    let demote = MemberChange { limits: demote, disabled: None };
    update_member(context, &operator, clerk.id, &demote, &by, &mut rng()).await?;
    let rotated = rotate_key(context, &actor, company.id, (OVERLAP, None), &by, &mut rng()).await;
    ensure!(matches!(rotated, Err(KeyError::NotOwn)), "{:?}", rotated.map(drop));
    let made = create_key(context, &actor, asked(scopes, true), None, &by, &mut rng()).await;
    ensure!(matches!(made, Err(KeyError::NotOwn)), "{:?}", made.map(drop));
    let deleted = delete_key(context, &actor, company.id, &by).await;
    ensure!(matches!(deleted, Err(KeyError::NotOwn)), "{deleted:?}");
    // A key of the company that was deleted since does nothing either.
    let company_actor = Actor { who: Who::Key(company.id), grants: scopes, ..Actor::operator(TENANT) };
    let mut later = rng();
    later.next_u64();
    let (other, _) = create_key(context, &operator, asked(scopes, true), None, &by, &mut later).await?;
    place.context.directory.delete_key(TENANT, company.id, None, &by).await?;
    let deleted = delete_key(context, &company_actor, other.id, &by).await;
    ensure!(matches!(deleted, Err(KeyError::NotOwn)), "{deleted:?}");
    Ok(())
}

pub async fn an_owner_who_acts_as_a_member_makes_and_changes_no_keys(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let context = &place.context;
    let by = Change::by_system(place.clock.now());
    let (boss, clerk) = (member(TENANT, 1, owner()), member(TENANT, 2, manager()));
    join(base, &boss).await?;
    join(base, &clerk).await?;
    let (own, _) = key_of(&place, &clerk).await?;
    let acting = Actor { who: Who::Member { id: clerk.id, acted_by: Some(boss.id) }, ..signed_in(&clerk) };
    let scopes = Scopes::from_iter([Scope::KeysWrite]);
    let made = create_key(context, &acting, asked(scopes, false), None, &by, &mut rng()).await;
    ensure!(matches!(made, Err(KeyError::NotOwn)), "{:?}", made.map(drop));
    let rotated = rotate_key(context, &acting, own.id, (OVERLAP, None), &by, &mut rng()).await;
    ensure!(matches!(rotated, Err(KeyError::NotOwn)), "{:?}", rotated.map(drop));
    let off =
        UpdateKey { change: KeyChange { disabled: Some(true), ..KeyChange::default() }, confirmed: false };
    let updated = update_key(context, &acting, own.id, off, &by).await;
    ensure!(matches!(updated, Err(KeyError::NotOwn)), "{updated:?}");
    let deleted = delete_key(context, &acting, own.id, &by).await;
    ensure!(matches!(deleted, Err(KeyError::NotOwn)), "{deleted:?}");
    Ok(())
}

pub async fn a_demoted_member_ends_its_own_wider_keys(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let context = &place.context;
    let by = Change::by_system(place.clock.now());
    let clerk = member(TENANT, 2, manager());
    join(base, &clerk).await?;
    let (wide, _) = key_of(&place, &clerk).await?;
    let few = Scopes::from_iter([Scope::KeysWrite, Scope::VerificationsStart]);
    let narrow = LimitsChange { permissions: Some(few), ..LimitsChange::default() };
    let narrow = MemberChange { limits: narrow, disabled: None };
    let clerk = update_member(context, &Actor::operator(TENANT), clerk.id, &narrow, &by, &mut rng()).await?;
    let actor = signed_in(&clerk);
    let mut later = rng();
    later.next_u64();
    let (next, _) = rotate_key(context, &actor, wide.id, (OVERLAP, None), &by, &mut later).await?;
    assert_eq!(next.scopes, few, "a rotation does not keep the former scopes");
    delete_key(context, &actor, wide.id, &by).await?;
    // A key of the member with fewer scopes than count governs the other one no more than before.
    let less = Actor { grants: Scopes::from_iter([Scope::KeysWrite]), ..actor };
    let refused = delete_key(context, &less, next.id, &by).await;
    ensure!(matches!(refused, Err(KeyError::BeyondOwnScopes(_))), "{refused:?}");
    Ok(())
}

pub async fn a_key_moves_with_the_keys_that_it_replaced(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let context = &place.context;
    let by = Change::by_system(place.clock.now());
    let clerk = member(TENANT, 2, manager());
    join(base, &clerk).await?;
    let operator = Actor::operator(TENANT);
    let scopes = Scopes::from_iter([Scope::KeysWrite]);
    let mut rng = rng();
    let (first, _) = create_key(context, &operator, asked(scopes, true), None, &by, &mut rng).await?;
    let mut later = Change { at: by.at + Duration::from_secs(1), ..by };
    let (second, _) = rotate_key(context, &operator, first.id, (OVERLAP, None), &later, &mut rng).await?;
    later.at = by.at + Duration::from_secs(2);
    let (third, _) = rotate_key(context, &operator, second.id, (OVERLAP, None), &later, &mut rng).await?;
    let stored = async |id| context.directory.key(TENANT, id).await;
    let before = stored(first.id).await?.context("a key")?.version;
    move_key(context, &operator, third.id, Some(clerk.id), &later).await?;
    for id in [first.id, second.id, third.id] {
        assert_eq!(stored(id).await?.context("a key")?.member, Some(clerk.id));
    }
    ensure!(stored(first.id).await?.context("a key")?.version > before, "other nodes hear of it");
    // Those that have ended stay where they are.
    later.at = by.at + OVERLAP + Duration::from_secs(2);
    move_key(context, &operator, third.id, None, &later).await?;
    assert_eq!(stored(first.id).await?.context("a key")?.member, Some(clerk.id));
    Ok(())
}

pub async fn one_author_does_not_keep_the_others_waiting(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let author = by_key(KeyId::from_bytes([3; 16]), None, 9);
    for number in [1, 2, 4] {
        directory.create_key(&plain(tenant, number), None, None, &[], &by(5)).await?;
    }
    let rename = |n: usize| KeyChange { name: Some(format!("name {n}")), ..KeyChange::default() };
    let flood = join_all((0..200).map(|n| {
        let id = plain(tenant, 1).id;
        async move { directory.update_key(tenant, id, rename(n), None, &author).await }
    }));
    // What ends something does not wait, also if its author has filled the places.
    let (flood, end) = tokio::join!(flood, directory.delete_key(tenant, plain(tenant, 2).id, None, &author));
    ensure!(end?);
    let busy = flood.iter().filter(|one| matches!(one, Err(StoreError::Busy))).count();
    let done = flood.iter().filter(|one| matches!(one, Ok(Some(_)))).count();
    ensure!(busy > 0 && done >= 64 && busy + done == 200, "{busy} busy, {done} done");
    // Afterwards its places are free.
    directory.update_key(tenant, plain(tenant, 4).id, rename(0), None, &author).await?;
    Ok(())
}

pub async fn a_member_has_only_so_many_keys(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let one = member(tenant, 1, subuser());
    join(base, &one).await?;
    let id = |n: u32| KeyId::from_bytes(std::array::from_fn(|place| n.to_be_bytes()[place % 4]));
    let of = |n: u32| Key { id: id(n), member: Some(one.id), ..plain(tenant, 1) };
    for n in 0..MOST_KEYS_OF_MEMBER {
        directory.create_key(&of(n), None, None, &[], &by(5)).await?;
    }
    let more = directory.create_key(&of(1_000), None, None, &[], &by(5)).await;
    assert_eq!(full(&more), Some(MOST_KEYS_OF_MEMBER), "{more:?}");
    let company = plain(tenant, 2);
    directory.create_key(&company, None, None, &[], &by(5)).await?;
    let moved = directory.move_key(&company, Some(one.id), None, &by(5)).await;
    assert_eq!(full(&moved), Some(MOST_KEYS_OF_MEMBER), "{moved:?}");
    // A leaked key can be replaced.
    let rotation = Rotation { new: of(1_001), old: id(0), version: of(0).version, ends_at: at(9) };
    directory.rotate_key(&rotation, None, None, &by(6)).await?;
    Ok(())
}

const PUT_KEY: Statement = Statement {
    table: "keys",
    text: "INSERT INTO keys (tenant_id, id, mode, name, scopes, secret_hash, disabled, created_at, version, member)
        VALUES ($1, $2, 'live', 'one', 'keys:write', $3, 0, 1, 1, $4)",
    params: &[Kind::Text, Kind::Text, Kind::Bytes, Kind::Text],
};

pub async fn keys_of_removed_members_do_not_count(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let one = member(tenant, 1, subuser());
    join(base, &one).await?;
    let put = (0..MOST_KEYS).fold(Batch::default(), |batch, n| {
        let id = KeyId::from_bytes(std::array::from_fn(|place| n.to_be_bytes()[place % 4])).to_string();
        let values =
            vec![tenant.to_string().into(), id.into(), [0; 32].as_slice().into(), one.id.to_string().into()];
        batch.run_touching(1, &PUT_KEY, values)
    });
    base.sql.batch(put).await?;
    let next = plain(tenant, 2);
    let refused = base.directory.create_key(&next, None, None, &[], &by(5)).await;
    assert_eq!(full(&refused), Some(MOST_KEYS), "{refused:?}");
    base.directory.delete_member(&one, None, &by(6)).await?;
    base.directory.create_key(&next, None, None, &[], &by(7)).await?;
    Ok(())
}

pub async fn a_subuser_invites_only_so_many_a_day(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let (boss, clerk) = (member(tenant, 250, owner()), member(tenant, 251, subuser()));
    join(base, &boss).await?;
    join(base, &clerk).await?;
    let by_author =
        |number: u8, author| Invitation { created_at: at(1), ..invitation(tenant, number, author).0 };
    let create = async |one: Invitation| directory.create_invitation((&one).into(), None, &by(2)).await;
    for number in 0..MOST_BY_SUBUSER as u8 {
        // Those of the member and of its keys count together.
        let author = match number % 2 {
            0 => Author::Member(clerk.id),
            _ => Author::KeyOf(KeyId::from_bytes([number; 16]), clerk.id),
        };
        create(by_author(number, author)).await?;
    }
    let more = create(by_author(200, Author::Member(clerk.id))).await;
    assert_eq!(full(&more), Some(MOST_BY_SUBUSER), "{more:?}");
    for number in MOST_BY_SUBUSER as u8..MOST_A_DAY as u8 {
        create(by_author(number, Author::KeyOf(KeyId::from_bytes([1; 16]), boss.id))).await?;
    }
    // At the bound, the address of a member is refused as any other one.
    let of_member =
        Invitation { email: email(250).mark(&crate::codes::keyring()), ..by_author(201, Author::Operator) };
    for one in [of_member.clone(), by_author(202, Author::Operator)] {
        let refused = create(one).await;
        assert_eq!(full(&refused), Some(MOST_A_DAY), "{refused:?}");
    }
    let tomorrow = Change::by_system(at(3) + Duration::from_secs(86_400));
    let known = directory.create_invitation((&of_member).into(), None, &tomorrow).await;
    ensure!(matches!(known, Err(StoreError::Conflict)), "{known:?}");
    Ok(())
}

/// Invitations that are withdrawn and made again do not send more to one address, also if two nodes do it at once.
pub async fn an_address_gets_only_so_many_mails_a_day(base: &Base) -> Result<()> {
    let (tenant, directory) = (base.tenant(1).await?.id, &base.directory);
    let author = Author::Key(KeyId::from_bytes([1; 16]));
    let mark = email(1).mark(&crate::codes::keyring());
    let make = async |number: u8, second: i64| {
        let (first, _) = invitation(tenant, number, author);
        let one = Invitation { email: mark, created_at: at(second), expires_at: at(second) + LIFE, ..first };
        directory.create_invitation((&one).into(), None, &by(second)).await.map(|()| one)
    };
    let loops = async |from: u8| {
        let mut made = 0_u32;
        for number in from..from + 40 {
            match make(number, 9).await {
                Ok(one) => {
                    made += 1;
                    directory.withdraw_invitation(&one, None, &by(9)).await?;
                }
                // The other node's is open.
                Err(StoreError::Conflict) => {}
                Err(StoreError::Full { most: MOST_MAILS_A_DAY, .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(made)
    };
    let (a, b) = futures_util::join!(loops(10), loops(60));
    assert_eq!(a? + b?, MOST_MAILS_A_DAY);
    let more = make(100, 86_400).await;
    assert_eq!(full(&more.map(drop)), Some(MOST_MAILS_A_DAY));
    // Links of one invitation count alike, on the next day.
    let mut open = make(101, 86_410).await?;
    for minute in 1..i64::from(MOST_MAILS_A_DAY) {
        let now = at(86_410 + 60 * minute);
        let again = open.sent_again(author, &LinkSecret::generate(&mut rng()), now);
        let again = again.ok().context("it may be sent")?;
        directory.renew_invitation((&open, &again), None, None, &Change::by_system(now)).await?;
        open = again;
    }
    directory.withdraw_invitation(&open, None, &by(86_700)).await?;
    let more = make(102, 2 * 86_400).await;
    assert_eq!(full(&more.map(drop)), Some(MOST_MAILS_A_DAY));
    make(103, 3 * 86_400).await.map(drop)?;
    Ok(())
}

pub async fn invitations_are_forgotten_some_time_after_they_expired(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let (one, two) = (invitation(tenant, 1, Author::Operator).0, invitation(tenant, 9, Author::Operator).0);
    for one in [&one, &two] {
        base.directory.create_invitation(one.into(), None, &by(9)).await?;
    }
    base.directory.forget_invitations(two.expires_at).await?;
    assert_eq!(base.directory.list_invitations(tenant, None, 9).await?, [two]);
    Ok(())
}

const PUT_ENTRY: Statement = Statement {
    table: "audit",
    text: "INSERT INTO audit (tenant_id, n, at, actor, action, object, hash)
        VALUES ($1, $2, $3, 'system', 'member.update', 'test', $4)",
    params: &[Kind::Text, Kind::Int, Kind::Int, Kind::Bytes],
};

pub async fn members_are_changed_only_so_often_but_ended_always(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let (boss, clerk) = (member(tenant, 1, owner()), member(tenant, 2, manager()));
    join(base, &boss).await?;
    join(base, &clerk).await?;
    let put = (0..i64::from(MOST_CHANGES)).fold(Batch::default(), |batch, n| {
        let (tenant, at) = (tenant.to_string(), at(100).micros());
        batch.run(&PUT_ENTRY, vec![tenant.into(), (-1 - n).into(), at.into(), [0; 32].as_slice().into()])
    });
    base.sql.batch(put).await?;
    let author = by_key(KeyId::from_bytes([3; 16]), None, 200);
    let with =
        |former: &Member, limits: Limits| Member { limits, version: former.version + 1, ..former.clone() };
    let narrow = with(&clerk, Limits { pool: Some(5), ..clerk.limits.clone() });
    let refused = directory.update_member((&clerk, &narrow), None, &[], &author).await;
    assert_eq!(full(&refused), Some(MOST_CHANGES), "{refused:?}");
    directory.update_member((&clerk, &narrow), None, &[], &by(200)).await?;
    // A change that only takes rights is made, and one that gives something too is not.
    let fewer = Scopes::from_iter([Scope::VerificationsStart]);
    let mixed = with(&narrow, Limits { permissions: fewer, pool: None, ..narrow.limits.clone() });
    assert_eq!(
        full(&directory.update_member((&narrow, &mixed), None, &[], &author).await),
        Some(MOST_CHANGES)
    );
    let ended = with(&narrow, Limits { permissions: fewer, ..narrow.limits.clone() });
    directory.update_member((&narrow, &ended), None, &[], &author).await?;
    let disabled = Member { disabled: true, version: ended.version + 1, ..ended.clone() };
    directory.update_member((&ended, &disabled), None, &[], &author).await?;
    let enabled = Member { disabled: false, version: disabled.version + 1, ..disabled.clone() };
    let refused = directory.update_member((&disabled, &enabled), None, &[], &author).await;
    assert_eq!(full(&refused), Some(MOST_CHANGES), "{refused:?}");
    // An hour later there is room.
    let later = by_key(KeyId::from_bytes([3; 16]), None, 3_800);
    directory.update_member((&disabled, &enabled), None, &[], &later).await?;
    Ok(())
}

pub async fn a_narrowing_tells_only_of_keys_in_use(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let clerk = member(tenant, 2, manager());
    join(base, &clerk).await?;
    let of = |number, disabled, expires_at| Key {
        member: Some(clerk.id),
        disabled,
        expires_at,
        ..plain(tenant, number)
    };
    let used = of(1, false, Some(at(11)));
    for key in [&used, &of(2, true, None), &of(4, false, Some(at(10)))] {
        directory.create_key(key, None, None, &[], &by(5)).await?;
    }
    let narrow = Member { limits: subuser(), version: 2, ..clerk.clone() };
    let ends = directory.update_member((&clerk, &narrow), None, &[], &by(10)).await?;
    assert_eq!(ends.iter().map(|end| end.key).collect::<Vec<_>>(), [used.id]);
    Ok(())
}

const SET_SCOPES: Statement = Statement {
    table: "members",
    text: "UPDATE members SET permissions = permissions || ' newer:scope' WHERE tenant_id = $1",
    params: &[Kind::Text],
};

pub async fn a_member_with_a_scope_of_a_newer_release_is_not_changed(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?.id;
    let directory = &base.directory;
    let clerk = member(tenant, 2, manager());
    join(base, &clerk).await?;
    base.sql.execute(&SET_SCOPES, vec![tenant.to_string().into()]).await?;
    let change = Member { limits: subuser(), version: 2, ..clerk.clone() };
    let refused = directory.update_member((&clerk, &change), None, &[], &by(10)).await;
    ensure!(matches!(&refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let refused = directory.delete_member(&clerk, None, &by(10)).await;
    ensure!(matches!(&refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(directory.member(tenant, clerk.id).await?, Some(clerk));
    Ok(())
}

pub async fn a_key_with_an_end_or_a_list_makes_no_person(base: &Base) -> Result<()> {
    let place = Place::new(base).await?;
    let context = &place.context;
    let by = Change::by_system(place.clock.now());
    let (clerk, other) = (member(TENANT, 1, manager()), member(TENANT, 2, subuser()));
    join(base, &clerk).await?;
    join(base, &other).await?;
    let (own, actor) = key_of(&place, &clerk).await?;
    let directory = &context.directory;
    let set = async |expires_at: Option<Timestamp>, list: &str| {
        let allowlist = Some(Allowlist::parse(list).context("a list")?);
        let change = KeyChange { expires_at: Some(expires_at), allowlist, ..KeyChange::default() };
        directory.update_key(TENANT, own.id, change, None, &by).await.map_err(anyhow::Error::from)
    };
    let wider = LimitsChange { pool: Some(None), ..LimitsChange::default() };
    let wider = MemberChange { limits: wider, disabled: None };
    let mut rng = rng();
    for (end, list) in [(Some(by.at + Duration::from_secs(60)), ""), (None, "192.0.2.0/24\toffice\n")] {
        set(end, list).await?;
        let invited = invite(context, &actor, (&email(3), &subuser()), Handover::Caller, &by, &mut rng).await;
        ensure!(
            matches!(invited, Err(MemberError::NotCovered(NotCovered::BoundKey))),
            "{:?}",
            invited.map(drop)
        );
        let widened = update_member(context, &actor, other.id, &wider, &by, &mut rng).await;
        ensure!(matches!(widened, Err(MemberError::NotCovered(NotCovered::BoundKey))), "{widened:?}");
        let narrow =
            LimitsChange { pool: Some(Some(if end.is_some() { 9 } else { 8 })), ..LimitsChange::default() };
        update_member(
            context,
            &actor,
            other.id,
            &MemberChange { limits: narrow, disabled: None },
            &by,
            &mut rng,
        )
        .await?;
    }
    set(None, "").await?;
    update_member(context, &actor, other.id, &wider, &by, &mut rng).await?;
    let (made, secret) =
        invite(context, &actor, (&email(3), &subuser()), Handover::Caller, &by, &mut rng).await?;
    assert_eq!(made.author, Author::KeyOf(own.id, clerk.id));
    assert_eq!(directory.invitation(TENANT, made.id).await?.context("it is stored")?.author, made.author);
    // The key was stolen, so its member deletes it. The link is void.
    delete_key(context, &signed_in(&clerk), own.id, &by).await?;
    let identity = Identity { name: PersonName::parse("Jan").context("a name")?, email: email(3) };
    let new = Accepting::New(identity, Locale::default(), Zone::default(), PasswordText::stored("x".into()));
    let joined = accept(context, (TENANT, made.id), &secret, &new, &by, &mut rng).await;
    ensure!(matches!(joined, Err(MemberError::BadLink)), "{joined:?}");
    remove_member(context, &signed_in(&clerk), other.id, &by).await?;
    Ok(())
}
