//! Changes of members at once on two nodes, and the notices about each narrowing.

use super::{
    Base, at,
    people::{email, join, member, owner, subuser},
    tenants::{Gone, nodes},
};
use crate::{
    codes::{managed, rng},
    history::TENANT,
    webhooks::Place,
};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{
        actor::Actor,
        allowlist::Allowlist,
        change::Change,
        key::{Key, PresentedKey},
        scope::{Scope, Scopes},
        share::Share,
    },
    context::{Management, Replica},
    id::{KeyId, MemberId, TenantId},
    management::{
        invitations::{Handover, invite, withdraw},
        key_rotation::{OVERLAP, rotate_key},
        keys::{CreateKey, KeyName, UpdateKey, create_key, delete_key, update_key},
        member_keys::move_key,
        members::{LimitsChange, MemberChange, remove_member, update_member},
        reach::MemberError,
    },
    mode::Mode,
    people::{
        cover::NotCovered,
        hours::{Hours, Zone},
        member::{Limits, Member, Role},
    },
    ports::{
        clock::Clock as _,
        directory::{
            audit::{AuditFilter, AuditLog as _},
            keys::{KeyChange, Keys as _},
            members::{Joining, Members as _},
        },
        error::StoreError,
    },
};
use countersign_stores::directory::SqlDirectory;
use futures_util::future::{join as both, join_all};
use std::{collections::HashMap, sync::Arc, time::Instant};

/// How often two changes are made at once.
const ROUNDS: usize = 50;

/// Two nodes, each with its own turns, and without a copy.
async fn two(base: &Base) -> Result<[Management; 2]> {
    let place = Place::new(base).await?;
    let keyring = Arc::new(crate::codes::keyring());
    let management = place.context.management;
    let node = |directory: SqlDirectory| {
        let replica = Replica { directory: Arc::new(directory), snapshot: Arc::default(), peers: None };
        Management { replica, ..management.clone() }
    };
    Ok([(), ()].map(|()| node(SqlDirectory::new(base.sql.clone(), Arc::clone(&keyring)))))
}

fn signed_in(member: &Member) -> Actor {
    Actor {
        who: countersign_core::access::actor::Who::Member { id: member.id, acted_by: None },
        member: Some(member.id),
        grants: member.limits.permissions,
        profiles: member.limits.shares.profiles.clone(),
        ..Actor::operator(member.tenant)
    }
}

fn limits(limits: LimitsChange) -> MemberChange {
    MemberChange { limits, disabled: None }
}

fn role(role: Role) -> MemberChange {
    limits(LimitsChange { role: Some(role), ..LimitsChange::default() })
}

fn disabled(disabled: bool) -> MemberChange {
    MemberChange { disabled: Some(disabled), ..MemberChange::default() }
}

/// The changes that would leave a tenant without an owner if both were made.
#[derive(Clone, Copy)]
enum Duel {
    DemoteBoth,
    DisableAndDelete,
}

pub async fn of_the_last_two_owners_one_stays(base: &Base) -> Result<()> {
    let [node, other] = two(base).await?;
    let by = Change::by_system(at(9));
    let operator = Actor::operator(TENANT);
    let [one, two] = [member(TENANT, 1, owner()), member(TENANT, 2, owner())];
    for owner in [&one, &two] {
        join(base, owner).await?;
    }
    // The persons stay while their owners come and go.
    let elsewhere = base.tenant(3).await?.id;
    for owner in [&one, &two] {
        let second = Member { id: MemberId::new(at(3), &mut rng()), tenant: elsewhere, ..owner.clone() };
        let joining = Joining { member: &second, person: None, invitation: None, password: None };
        base.directory.add_member(joining, None, &[], &by).await?;
    }
    let mut refusals = HashMap::new();
    for round in 0..2 * ROUNDS {
        let duel = if round % 2 == 0 { Duel::DemoteBoth } else { Duel::DisableAndDelete };
        // By each other, by the operator, and by one of each.
        let actor = |owner: &Member, place: usize| match round / 2 % 4 {
            0 => signed_in(owner),
            1 => operator.clone(),
            mixed if mixed % 2 == place => signed_in(owner),
            _ => operator.clone(),
        };
        let (first, second) = (actor(&two, 0), actor(&one, 1));
        let (a, b) = match duel {
            Duel::DemoteBoth => {
                let change = role(Role::Subuser);
                both(
                    async { update_member(&node, &first, one.id, &change, &by, &mut rng()).await.map(drop) },
                    async {
                        update_member(&other, &second, two.id, &change, &by, &mut rng()).await.map(drop)
                    },
                )
                .await
            }
            Duel::DisableAndDelete => {
                both(
                    async {
                        update_member(&node, &first, one.id, &disabled(true), &by, &mut rng()).await.map(drop)
                    },
                    remove_member(&other, &second, two.id, &by),
                )
                .await
            }
        };
        ensure!(a.is_ok() != b.is_ok(), "round {round}: {a:?} {b:?}");
        let why = match if a.is_ok() { b } else { a } {
            Err(MemberError::Directory(StoreError::LastOwner)) => "the last owner",
            // The author lost its rights first.
            Err(MemberError::NotCovered(NotCovered::Owners) | MemberError::NoRights) => "no rights",
            other => anyhow::bail!("round {round}: {other:?}"),
        };
        *refusals.entry(why).or_insert(0) += 1;
        let members = base.directory.list_members(TENANT, None, 9).await?;
        let owners = members.iter().filter(|member| member.limits.role == Role::Owner && !member.disabled);
        assert_eq!(owners.count(), 1, "round {round}");
        for owner in [&one, &two] {
            match members.iter().find(|member| member.id == owner.id) {
                Some(_) => {
                    let change = MemberChange { disabled: Some(false), ..role(Role::Owner) };
                    update_member(&node, &operator, owner.id, &change, &by, &mut rng()).await?;
                }
                None => {
                    let joining = Joining { member: owner, person: None, invitation: None, password: None };
                    base.directory.add_member(joining, None, &[], &by).await?;
                }
            }
        }
    }
    ensure!(refusals.len() == 2, "both refusals were tried: {refusals:?}");
    Ok(())
}

fn asked(scopes: Scopes) -> CreateKey {
    CreateKey {
        name: KeyName::parse("one").unwrap(),
        mode: Mode::Live,
        scopes,
        expires_at: None,
        allowlist: Allowlist::default(),
        profiles: None,
        company: false,
    }
}

async fn key_of(base: &Base, member: &Member) -> Result<Key> {
    let presented = PresentedKey::generate(Mode::Live, KeyId::new(at(3), &mut rng()), &mut rng());
    let scopes = member.limits.permissions;
    let key =
        Key { member: Some(member.id), ..Key::new(&presented, member.tenant, "one".into(), scopes, at(3)) };
    base.directory.create_key(&key, None, None, &[], &Change::by_system(at(3))).await?;
    Ok(key)
}

pub async fn changes_of_members_and_keys_at_once_are_one_chain(base: &Base) -> Result<()> {
    let nodes = two(base).await?;
    let boss = member(TENANT, 1, owner());
    let clerk = member(TENANT, 2, Limits { role: Role::Subuser, ..owner() });
    for one in [&boss, &clerk] {
        join(base, one).await?;
    }
    let mut keys = Vec::new();
    for _ in 0..20 {
        keys.push(key_of(base, &clerk).await?);
    }
    let before = base.directory.list_audit(TENANT, &AuditFilter::default(), None, 200).await?.len();
    let change = async |n: usize| -> Result<()> {
        let (management, key) = (&nodes[n % 2], &keys[n % keys.len()]);
        let by = Change::by_system(at(10));
        let actor = if n.is_multiple_of(3) { signed_in(&boss) } else { Actor::operator(TENANT) };
        // Five of each. Each narrowing of the clerk gives all its keys new versions.
        match n % 10 {
            0 | 1 => {
                let pool = LimitsChange { pool: Some(Some(1_000 - n as u32)), ..LimitsChange::default() };
                update_member(management, &actor, clerk.id, &limits(pool), &by, &mut rng())
                    .await
                    .map(drop)?;
            }
            2 => {
                let parts = LimitsChange { most_parts: Some(Some(n as u8)), ..LimitsChange::default() };
                update_member(management, &actor, clerk.id, &limits(parts), &by, &mut rng())
                    .await
                    .map(drop)?;
            }
            3 => drop(create_key(management, &actor, asked(Scopes::default()), None, &by, &mut rng()).await?),
            4 | 5 => {
                let change = KeyChange { name: Some(format!("name {n}")), ..KeyChange::default() };
                let request = UpdateKey { change, confirmed: false };
                drop(update_key(management, &actor, key.id, request, &by).await?);
            }
            6 => drop(rotate_key(management, &actor, key.id, (OVERLAP, None), &by, &mut rng()).await?),
            7 => drop(move_key(management, &actor, key.id, Some(boss.id), &by).await?),
            8 => {
                let (made, _) = invite(
                    management,
                    &actor,
                    (&email(n as u8), &subuser()),
                    Handover::Caller,
                    &by,
                    &mut rng(),
                )
                .await?;
                withdraw(management, &actor, made.id, &by).await?;
            }
            _ => delete_key(management, &actor, keys[n % 10 + 10 * (n / 10 % 2)].id, &by).await?,
        }
        Ok(())
    };
    // Of the keys, only the first two tens exist: each is deleted, rotated and moved once.
    let chosen = (0..50).filter(|n| !matches!(n % 10, 6 | 7 | 9) || *n < 20);
    let more = (50..80).filter(|n| !matches!(n % 10, 6 | 7 | 9)).take(9);
    let all: Vec<_> = chosen.chain(more).collect();
    assert_eq!(all.len(), 50);
    for (n, outcome) in all.iter().zip(join_all(all.iter().map(|n| change(*n))).await) {
        outcome.with_context(|| format!("change {n}"))?;
    }
    let mut entries = base.directory.list_audit(TENANT, &AuditFilter::default(), None, 300).await?;
    entries.reverse();
    ensure!(entries.len() >= before + 50, "{} entries", entries.len());
    ensure!(entries.iter().zip(1..).all(|(entry, n)| entry.n == n), "no number is missing");
    let mut states: HashMap<String, _> = HashMap::new();
    for entry in &entries {
        let former = states.insert(entry.object.clone(), entry.after.clone()).flatten();
        assert_eq!(entry.before, former, "{} {}", entry.n, entry.action);
    }
    Ok(())
}

/// Each way to narrow a member.
pub fn narrowings() -> Vec<(&'static str, Option<MemberChange>)> {
    let change = |change: LimitsChange| Some(limits(change));
    let none = LimitsChange::default;
    let office = Some(Hours::NEVER.with(0, 16));
    let start = Some(Scopes::from_iter([Scope::SettingsRead]));
    vec![
        ("disabled", Some(disabled(true))),
        ("removed", None),
        ("role", Some(role(Role::Subuser))),
        ("permissions", change(LimitsChange { permissions: start, ..none() })),
        ("zone", change(LimitsChange { zone: Zone::parse("Asia/Tokyo"), ..none() })),
        ("hours", change(LimitsChange { hours: office, ..none() })),
        ("senders", change(LimitsChange { senders: Some(Share::none()), ..none() })),
        ("templates", change(LimitsChange { templates: Some(Share::none()), ..none() })),
        ("profiles", change(LimitsChange { profiles: Some(Share::none()), ..none() })),
        ("groups", change(LimitsChange { groups: Some(Share::none()), ..none() })),
        ("pool", change(LimitsChange { pool: Some(Some(100)), ..none() })),
        ("parts", change(LimitsChange { most_parts: Some(Some(2)), ..none() })),
    ]
}

/// Makes the change, or removes the member.
pub async fn narrow(
    replica: &Replica,
    tenant: TenantId,
    id: MemberId,
    change: Option<&MemberChange>,
    by: &Change,
) -> Result<()> {
    let operator = Actor::operator(tenant);
    match change {
        Some(change) => {
            update_member(&managed(replica.clone()), &operator, id, change, by, &mut rng()).await.map(drop)?
        }
        None => remove_member(replica, &operator, id, by).await?,
    }
    Ok(())
}

pub async fn a_node_without_a_database_is_told_of_each_narrowing(base: &Base) -> Result<()> {
    let (place, [node, other]) = nodes(base).await?;
    let now = place.clock.now();
    let by = Change::by_system(now);
    let mut all = Vec::new();
    for ((name, change), number) in narrowings().into_iter().zip(1..) {
        let member = member(TENANT, number, owner());
        join(base, &member).await?;
        all.push((name, change, member.id, key_of(base, &member).await?));
    }
    let boss = member(TENANT, 99, owner());
    join(base, &boss).await?;
    let kept = key_of(base, &boss).await?;
    node.refresh().await?;
    other.refresh().await?;
    other.snapshot.mark(Instant::now());
    let other = Replica { directory: Arc::new(Gone), ..other };
    let usable =
        |replica: &Replica, key: &Key| replica.snapshot.key(key.id).is_some_and(|key| key.is_usable(now));
    for (name, change, id, key) in &all {
        ensure!(usable(&other, key), "{name}");
        narrow(&node, TENANT, *id, change.as_ref(), &by).await?;
        other.listen("").await?;
        ensure!(!usable(&other, key), "{name}: its former version ended");
        ensure!(usable(&other, &kept), "{name}: and no other");
        let member = node.snapshot.member(*id).filter(|member| !member.disabled);
        let ended = matches!(*name, "disabled" | "removed");
        ensure!(member.is_none() == ended, "{name}: the node itself knows it");
    }
    ensure!(other.snapshot.knows_ends(node.snapshot.seen()), "there is no gap");
    Ok(())
}
