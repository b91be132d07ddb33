//! The audit log: each change has its entry, and the chain is whole.

use super::{
    Base, at, key, once,
    people::{self, member, owner, subuser},
    profile,
};
use crate::codes::{keyring, rng};
use anyhow::{Context as _, Result, ensure};
use countersign_core::{
    access::{
        actor::{Actor, Who},
        change::Change,
        key::{Key, PresentedKey},
    },
    audit::{
        chain::{Break, Head, Verification},
        entry::{Draft, Entry},
    },
    id::{KeyId, ReviewNumberId, TenantId},
    keyring::Fingerprint,
    locale::Locale,
    management::{
        audit::{Standing, begin_chains, erasure_of, forget_old, standing_of},
        key_rotation,
    },
    people::member::Member,
    ports::{
        directory::{
            audit::{AuditFilter, AuditLog, AuditRepair},
            keys::{KeyChange, Keys},
            profiles::Profiles,
            resources::Resources,
            reviews::Reviews,
            settings::Settings as _,
            tenants::Tenants,
        },
        error::StoreError,
    },
    tenant::{
        OPERATOR, TenantChange, TenantName,
        limits::{Buckets, LimitName},
        profile::{Policy, Profile},
        resource::{Resource, ResourceKind},
        review::ReviewNumber,
        settings::Setting,
    },
};
use countersign_stores::{
    directory::SqlDirectory,
    sql::{Batch, Kind, Statement},
};
use futures_util::future::join_all;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
    time::Duration,
};

fn by(seconds: i64) -> Change {
    Change::by_system(at(seconds))
}

/// The whole chain of a tenant, which must be verified.
pub async fn chain(base: &Base, tenant: TenantId) -> Result<Vec<Entry>> {
    let (keyring, directory) = (keyring(), &base.directory);
    let anchor = directory.chain_anchor(tenant).await?;
    let mut verification = Verification::after(&keyring, tenant, anchor.as_ref())?;
    let mut entries = Vec::new();
    loop {
        let page = directory.read_chain(tenant, verification.n(), 7).await?;
        if page.is_empty() {
            break;
        }
        page.iter().try_for_each(|entry| verification.take(entry))?;
        entries.extend(page);
    }
    let head = directory.chain_head(tenant).await?.unwrap_or_else(|| Head::first(&keyring, tenant));
    verification.finish(&keyring, &head)?;
    Ok(entries)
}

/// Each state before must be the state after of the former entry of the same object.
fn refuse_gaps(entries: &[Entry]) -> Result<()> {
    let mut last: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for entry in entries {
        let former = last.insert(&entry.object, entry.after.clone());
        if let Some(former) = former {
            ensure!(entry.before == former, "{entry:?} comes after {former:?}");
        }
    }
    Ok(())
}

fn resource(tenant: TenantId, body: &str, version: i64) -> Resource {
    Resource {
        tenant,
        kind: ResourceKind::Template,
        id: [7; 16],
        name: "one".to_owned(),
        body: body.to_owned(),
        sealed: Some(vec![1, version.to_le_bytes()[0]]),
        version,
        created_at: at(1),
        updated_at: at(version),
    }
}

fn review(tenant: TenantId) -> ReviewNumber {
    ReviewNumber {
        id: ReviewNumberId::from_bytes([9; 16]),
        tenant,
        number: Fingerprint([9; 16]),
        sealed: vec![9],
        ends_at: at(1_000),
        created_at: at(1),
    }
}

pub async fn each_change_has_one_entry_that_shows_it(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let one = base.tenant(1).await?.id;
    let first = key(one, 4);
    directory.create_key(&first, Some((one, &once(1, 1))), None, &[], &by(2)).await?;
    let rename = KeyChange { name: Some("other".to_owned()), ..KeyChange::default() };
    directory.update_key(one, first.id, rename.clone(), None, &by(3)).await?;
    directory.update_key(one, first.id, rename, None, &by(4)).await?.context("nothing changes")?;
    let old = directory.key(one, first.id).await?.context("the key")?;
    let (rotation, _) = key_rotation::plan(&old, Duration::from_secs(60), at(5), &mut rng());
    directory.rotate_key(&rotation, None, None, &by(5)).await?;
    ensure!(directory.delete_key(one, first.id, None, &by(6)).await?);
    ensure!(!directory.delete_key(one, first.id, None, &by(6)).await?);
    let made = profile(one, 9, "shop")?;
    directory.create_profile(&made, &by(7)).await?;
    let changed = Profile { policy: Policy { code_length: 8, ..made.policy.clone() }, ..made.clone() };
    directory.replace_profile(&made, &changed, &by(8)).await?;
    ensure!(directory.delete_profile(one, made.id, &by(9)).await?);
    ensure!(!directory.delete_profile(one, made.id, &by(9)).await?);
    let number = LimitName::parse("number").context("a name")?;
    let buckets = Buckets::parse("3/600").context("buckets")?;
    directory.save_setting(one, &Setting::Limit(number.clone(), Some(buckets.clone())), &by(10)).await?;
    directory.save_setting(one, &Setting::Limit(number.clone(), Some(buckets)), &by(11)).await?;
    directory.save_setting(one, &Setting::Limit(number, None), &by(12)).await?;
    directory.save_setting(one, &Setting::Locale(Locale::parse("pl")), &by(13)).await?;
    directory.create_review_number(&review(one), None, &by(14)).await?;
    ensure!(directory.delete_review_number(one, review(one).id, &by(15)).await?);
    directory.create_resource(&resource(one, r#"{"a":1}"#, 1), &[], None, &by(16)).await?;
    let same_secret = Resource { sealed: Some(vec![1, 1]), ..resource(one, r#"{"a":2}"#, 2) };
    directory.update_resource(&same_secret, &[], &by(17)).await?;
    directory.update_resource(&resource(one, r#"{"a":2}"#, 3), &[], &by(18)).await?;
    directory.reseal_resource(&resource(one, r#"{"a":2}"#, 4), &by(19)).await?;
    ensure!(directory.delete_resource(one, (ResourceKind::Template, [7; 16]), &[], &by(20)).await?);
    let name = TenantName::parse("Other").context("a name")?;
    directory.update_tenant(one, &TenantChange::Rename(name), &by(21)).await?.context("a tenant")?;
    directory.append(one, &Draft::act("number.erase.asked", "live"), &by(22)).await?;

    let entries = chain(base, one).await?;
    let acts: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        acts,
        [
            "tenant.create",
            "key.create",
            "key.update",
            "key.create",
            "key.rotate",
            "key.delete",
            "profile.create",
            "profile.update",
            "profile.delete",
            "limit.update",
            "limit.update",
            "locale.update",
            "review_number.create",
            "review_number.delete",
            "template.create",
            "template.update",
            "template.update_secrets",
            "template.delete",
            "tenant.update",
            "number.erase.asked",
        ]
    );
    refuse_gaps(&entries)?;
    let read = |text: &Option<String>| -> Result<Value> {
        Ok(serde_json::from_str(text.as_ref().context("a state")?)?)
    };
    assert_eq!(read(&entries[2].before)?["name"], first.name);
    assert_eq!(read(&entries[2].after)?["name"], "other");
    assert_eq!(read(&entries[4].after)?["replaced_by"], rotation.new.id.to_string());
    assert_eq!(read(&entries[7].after)?["code_length"], 8);
    assert_eq!((entries[9].object.as_str(), &entries[9].before), ("limit:number", &None));
    assert_eq!(entries[9].after.as_deref(), Some(r#"{"value":"3/600"}"#));
    assert_eq!(entries[16].before, entries[16].after, "only the secret changed");
    // What the operator's tenants are, is in the operator's chain too.
    let acts = chain(base, OPERATOR).await?;
    let acts: Vec<_> = acts.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(acts, ["tenant.create", "tenant.update"]);
    Ok(())
}

pub async fn no_entry_shows_a_secret_or_a_number(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let one = base.tenant(1).await?.id;
    let presented =
        PresentedKey::generate(countersign_core::mode::Mode::Live, KeyId::new(at(1), &mut rng()), &mut rng());
    let scopes = [countersign_core::access::scope::Scope::KeysWrite].into_iter().collect();
    let made = Key::new(&presented, one, "app".to_owned(), scopes, at(1));
    directory.create_key(&made, None, None, &[], &by(1)).await?;
    directory.create_review_number(&review(one), None, &by(2)).await?;
    let text: Vec<_> = chain(base, one).await?.iter().map(Entry::canonical).collect();
    let text = text.join(" ");
    let hash: String = made.secret_hash.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let exposed = presented.expose();
    let secret = exposed.rsplit('_').next().context("a secret")?;
    ensure!(!text.contains(&hash) && !text.contains(secret) && text.contains("review_number.create"));
    Ok(())
}

pub async fn what_the_operator_does_in_a_tenant_is_in_both_chains(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let one = base.tenant(1).await?.id;
    let before = chain(base, OPERATOR).await?.len();
    let own = |who, of| Change {
        who,
        member: None,
        of,
        test: false,
        address: Some([192, 0, 2, 1].into()),
        request: None,
        at: at(9),
    };
    let pl = Setting::Locale(Locale::parse("pl"));
    let key_of = |tenant| own(Who::Key(KeyId::from_bytes([3; 16])), Some(tenant));
    directory.save_setting(one, &pl, &key_of(one)).await?;
    directory.save_setting(one, &Setting::Locale(None), &Change::by_operator(at(10))).await?;
    directory.save_setting(one, &pl, &key_of(OPERATOR)).await?;
    let actor = Actor::operator(one);
    assert_eq!(Change::by(&actor, None, at(1)).who, Who::Operator(None));
    let (tenants, operators) = (chain(base, one).await?, chain(base, OPERATOR).await?);
    let actors: Vec<_> = tenants.iter().skip(1).map(|entry| entry.author.actor.clone()).collect();
    let key = KeyId::from_bytes([3; 16]).to_string();
    assert_eq!(actors, [key.as_str(), "operator", &key]);
    assert_eq!(tenants[1].address.as_deref(), Some("192.0.2.1"));
    assert_eq!(operators.len(), before + 2);
    assert_eq!(operators[before].after, tenants[2].after);
    assert_eq!(tenants[2].object, "locale");
    assert_eq!(operators[before].object, format!("{one}/locale"));
    refuse_gaps(&operators)?;
    Ok(())
}

/// Two nodes, and changes of the same and of different objects at once.
pub async fn of_changes_at_once_each_gets_a_number_and_none_is_refused(base: &Base) -> Result<()> {
    const MANY: i64 = 50;
    let one = base.tenant(1).await?.id;
    let nodes = [&*base.directory, &SqlDirectory::new(base.sql.clone(), Arc::new(keyring()))];
    let first = key(one, 4);
    base.directory.create_key(&first, None, None, &[], &by(1)).await?;
    let change = async |n: i64| -> Result<()> {
        let directory = nodes[usize::try_from(n % 2)?];
        match n % 5 {
            0 => {
                let name = LimitName::parse("number").context("a name")?;
                let buckets = Buckets::parse(&format!("{}/600", n + 1)).context("buckets")?;
                directory.save_setting(one, &Setting::Limit(name, Some(buckets)), &by(n)).await?;
            }
            1 => directory.create_key(&key(one, u8::try_from(100 + n)?), None, None, &[], &by(n)).await?,
            2 => {
                let name = TenantName::parse(&format!("name {n}")).context("a name")?;
                let renamed = directory.update_tenant(one, &TenantChange::Rename(name), &by(n)).await?;
                ensure!(renamed.is_some());
            }
            _ => {
                let change = KeyChange { name: Some(format!("name {n}")), ..KeyChange::default() };
                ensure!(directory.update_key(one, first.id, change, None, &by(n)).await?.is_some());
            }
        }
        Ok(())
    };
    for outcome in join_all((0..MANY).map(change)).await {
        outcome?;
    }
    let entries = chain(base, one).await?;
    assert_eq!(entries.len(), 2 + MANY as usize);
    refuse_gaps(&entries)
}

pub async fn a_refused_change_has_no_entry(base: &Base) -> Result<()> {
    let one = base.tenant(1).await?.id;
    let first = key(one, 4);
    base.directory.create_key(&first, Some((one, &once(1, 1))), None, &[], &by(1)).await?;
    let again = base.directory.create_key(&first, None, None, &[], &by(2)).await;
    ensure!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    let repeated = base.directory.create_key(&key(one, 5), Some((one, &once(1, 1))), None, &[], &by(2)).await;
    ensure!(matches!(repeated, Err(StoreError::Conflict)), "{repeated:?}");
    let shop = LimitName::parse("signup").context("a name")?;
    let missing = base.directory.save_setting(one, &Setting::Limit(shop, None), &by(3)).await;
    ensure!(matches!(missing, Err(StoreError::Conflict)), "{missing:?}");
    assert_eq!(chain(base, one).await?.len(), 2);
    Ok(())
}

/// The directory counts by number and time, so the test puts an entry with a high number at a late time.
pub async fn a_tenant_makes_only_so_many_changes_a_day(base: &Base) -> Result<()> {
    const PUT: Statement = Statement {
        table: "audit",
        text: "INSERT INTO audit (tenant_id, n, at, actor, action, object, hash)
            VALUES ($1, $2, $3, 'system', 'test.put', 'test', $4)",
        params: &[Kind::Text, Kind::Int, Kind::Int, Kind::Bytes],
    };
    const HEAD: Statement = Statement {
        table: "audit_heads",
        text: "UPDATE audit_heads SET n = $2, hash = $3, mac = $4 WHERE tenant_id = $1",
        params: &[Kind::Text, Kind::Int, Kind::Bytes, Kind::Bytes],
    };
    let directory = &base.directory;
    let one = base.tenant(1).await?.id;
    let caller = |seconds| Change {
        who: Who::Key(KeyId::from_bytes([3; 16])),
        member: None,
        of: Some(one),
        test: false,
        address: None,
        request: None,
        at: at(seconds),
    };
    let first = key(one, 4);
    directory.create_key(&first, None, None, &[], &by(4)).await?;
    // The chain has 20,009 entries, of which the 10th and the next ones were made at second 100.
    let head = Head::at(&keyring(), one, 20_009, [5; 32]);
    let values = vec![
        one.to_string().into(),
        head.n.into(),
        head.hash.as_slice().into(),
        head.mac.mac.as_slice().into(),
    ];
    let mut batch = Batch::default().run(&HEAD, values);
    for n in 10..15 {
        let entry =
            vec![one.to_string().into(), n.into(), at(100).micros().into(), [0; 32].as_slice().into()];
        batch = batch.run(&PUT, entry);
    }
    base.sql.batch(batch).await?;
    let day = 86_400;
    let refused = directory.create_key(&key(one, 6), None, None, &[], &caller(99 + day)).await;
    ensure!(matches!(refused, Err(StoreError::Full { most: 20_000, .. })), "{refused:?}");
    // The operator, and an act that ends something, are not bounded by this number.
    directory.create_key(&key(one, 8), None, None, &[], &by(99 + day)).await?;
    ensure!(directory.delete_key(one, first.id, None, &caller(99 + day)).await?);
    directory.create_key(&key(one, 6), None, None, &[], &caller(101 + day)).await?;
    // A subuser and its keys stop earlier than the owners, who can then still change something.
    let (boss, clerk) = (member(one, 1, owner()), member(one, 2, subuser()));
    people::join(base, &boss).await?;
    people::join(base, &clerk).await?;
    let entry =
        vec![one.to_string().into(), 18_015.into(), at(100 + day).micros().into(), [0; 32].as_slice().into()];
    let put = (18_012..18_030).fold(Batch::default(), |batch, n| {
        let mut entry = entry.clone();
        entry[1] = i64::from(n).into();
        batch.run(&PUT, entry)
    });
    base.sql.batch(put).await?;
    let of = |member: &Member| Change { member: Some(member.id), ..caller(101 + day) };
    let refused = directory.create_key(&key(one, 10), None, None, &[], &of(&clerk)).await;
    ensure!(matches!(refused, Err(StoreError::Full { most: 2_000, .. })), "{refused:?}");
    directory.create_key(&key(one, 10), None, None, &[], &of(&boss)).await?;
    Ok(())
}

/// A writer of the database alone cannot have the server sign what was forged.
pub async fn nothing_is_appended_to_a_head_that_is_not_genuine(base: &Base) -> Result<()> {
    const FORGE: Statement = Statement {
        table: "audit_heads",
        text: "UPDATE audit_heads SET hash = $2 WHERE tenant_id = $1",
        params: &[Kind::Text, Kind::Bytes],
    };
    const DELETE: Statement = Statement {
        table: "audit_heads",
        text: "DELETE FROM audit_heads WHERE tenant_id = $1",
        params: &[Kind::Text],
    };
    const PUT: Statement = Statement {
        table: "audit",
        text: "INSERT INTO audit (tenant_id, n, at, actor, action, object, hash)
            VALUES ($1, $2, 1, 'system', 'test.put', 'test', $3)",
        params: &[Kind::Text, Kind::Int, Kind::Bytes],
    };
    let directory = &base.directory;
    let tenants = [base.tenant(1).await?.id, base.tenant(2).await?.id, base.tenant(3).await?.id];
    let id = |n: usize| tenants[n].to_string();
    base.sql.execute(&FORGE, vec![id(0).into(), [7; 32].as_slice().into()]).await?;
    base.sql.execute(&DELETE, vec![id(1).into()]).await?;
    base.sql.execute(&PUT, vec![id(2).into(), 2.into(), [7; 32].as_slice().into()]).await?;
    for (n, tenant) in tenants.iter().copied().enumerate() {
        let refused = directory.create_key(&key(tenant, 4 + n as u8), None, None, &[], &by(4)).await;
        ensure!(matches!(refused, Err(StoreError::Corrupt { .. })), "{n}: {refused:?}");
        ensure!(directory.key(tenant, key(tenant, 4 + n as u8).id).await?.is_none());
    }
    // The way out: the chain goes on after its last number, and says so.
    for (n, tenant) in tenants.iter().copied().enumerate() {
        directory.restart_chain(tenant, "the trial", &Change::by_operator(at(5))).await?;
        directory.create_key(&key(tenant, 4 + n as u8), None, None, &[], &by(6)).await?;
        let entries = chain(base, tenant).await?;
        let acts: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(acts, ["audit.restart", "key.create"], "{n}");
        assert_eq!(entries[0].n, if n == 2 { 3 } else { 2 });
    }
    let operators = chain(base, OPERATOR).await?;
    assert_eq!(operators.iter().filter(|entry| entry.action == "audit.restart").count(), 3);
    Ok(())
}

pub async fn entries_are_listed_newest_first_by_filters(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let (one, two) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    for number in [4, 6, 8] {
        directory.create_key(&key(one, number), None, None, &[], &by(number.into())).await?;
    }
    ensure!(directory.delete_key(one, key(one, 6).id, None, &by(20)).await?);
    directory.create_key(&key(two, 10), None, None, &[], &by(21)).await?;
    let list = async |filter: AuditFilter, before, limit| -> Result<Vec<i64>> {
        let found = directory.list_audit(one, &filter, before, limit).await?;
        Ok(found.iter().map(|entry| entry.n).collect())
    };
    let all = AuditFilter::default;
    let of = |text: String| Some(text);
    assert_eq!(list(all(), None, 3).await?, [5, 4, 3]);
    assert_eq!(list(all(), Some(3), 3).await?, [2, 1]);
    let object = of(key(one, 6).id.to_string());
    assert_eq!(list(AuditFilter { object, ..all() }, None, 9).await?, [5, 3]);
    let action = |text: &str| AuditFilter { action: of(text.to_owned()), ..all() };
    assert_eq!(list(action("key"), None, 9).await?, [5, 4, 3, 2]);
    assert_eq!(list(action("key.delete"), None, 9).await?, [5]);
    assert_eq!(list(action("ke"), None, 9).await?, [0; 0]);
    assert_eq!(list(AuditFilter { actor: of("operator".to_owned()), ..all() }, None, 9).await?, [0; 0]);
    assert_eq!(list(AuditFilter { actor: of("system".to_owned()), ..all() }, None, 1).await?, [5]);
    let between = AuditFilter { from: Some(at(6)), until: Some(at(20)), ..all() };
    assert_eq!(list(between, None, 9).await?, [4, 3]);
    assert_eq!(directory.list_audit(two, &all(), None, 9).await?.len(), 2);
    let page = directory.list_chain_heads("", 9).await?;
    assert_eq!(page.heads.iter().map(|head| head.tenant).collect::<Vec<_>>(), [OPERATOR, one, two]);
    assert_eq!(page.next, None);
    let page = directory.list_chain_heads(&OPERATOR.to_string(), 1).await?;
    assert_eq!((page.heads[0].tenant, page.next), (one, Some(one.to_string())));
    // Entries of the first hour may have any order.
    let hour = 3_600;
    directory.create_key(&key(one, 30), None, None, &[], &by(30 + hour)).await?;
    directory.create_key(&key(one, 32), None, None, &[], &by(32 + hour)).await?;
    assert_eq!(directory.number_before(one, at(20 + hour)).await?, 4);
    assert_eq!(directory.number_before(one, at(1)).await?, 0);
    let late = AuditFilter { from: Some(at(31 + hour)), ..all() };
    assert_eq!(list(late, None, 9).await?, [7]);
    Ok(())
}

pub async fn the_retention_removes_a_verified_beginning(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let one = base.tenant(1).await?.id;
    for number in [4, 6, 8] {
        directory.create_key(&key(one, number), None, None, &[], &by(number.into())).await?;
    }
    let old = chain(base, one).await?;
    let anchor = |entries: &[Entry], n: usize| Head::anchor(&keyring(), one, n as i64, entries[n - 1].hash);
    assert_eq!(directory.forget_audit(&anchor(&old, 2), &by(100)).await?, 2);
    assert_eq!(directory.forget_audit(&anchor(&old, 3), &by(101)).await?, 1);
    assert_eq!(directory.forget_audit(&anchor(&old, 2), &by(102)).await?, 0, "another node was first");
    let entries = chain(base, one).await?;
    assert_eq!(entries.iter().map(|entry| entry.n).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(entries[2].action, "audit.forget");
    assert_eq!(entries[2].after.as_deref(), Some(r#"{"removed_until":3}"#));
    let last = Head::anchor(&keyring(), one, 6, entries[2].hash);
    assert_eq!(directory.forget_audit(&last, &by(103)).await?, 0, "the last entry stays");
    let cut = Head::anchor(&keyring(), one, 5, entries[1].hash);
    assert_eq!(directory.forget_audit(&cut, &by(103)).await?, 2);
    assert_eq!(chain(base, one).await?.iter().map(|entry| entry.n).collect::<Vec<_>>(), [6, 7]);
    // Another node's ring did not make these.
    let strange = countersign_core::keyring::VersionedKey { version: 1, key: [77; 32] };
    let strange = countersign_core::keyring::KeyRing::new([77; 32], vec![strange.clone()], vec![strange])
        .context("a ring")?;
    let anchor = directory.chain_anchor(one).await?;
    let refused = Verification::after(&strange, one, anchor.as_ref()).err();
    assert_eq!(refused, Some(Break::Mac("the anchor")));
    Ok(())
}

pub async fn an_erased_tenant_leaves_its_end_in_the_operators_chain(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let (one, two) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    directory.create_key(&key(one, 4), None, None, &[], &by(4)).await?;
    let first = chain(base, one).await?[0].hash;
    directory.forget_audit(&Head::anchor(&keyring(), one, 1, first), &by(5)).await?;
    directory.update_tenant(one, &TenantChange::Delete, &by(6)).await?.context("a tenant")?;
    ensure!(directory.begin_erasure(one, at(6), &by(7)).await?);
    while !directory.erase_tenant(one, 1, &by(8)).await? {}
    ensure!(directory.read_chain(one, 0, 9).await?.is_empty());
    ensure!(directory.chain_head(one).await?.is_none() && directory.chain_anchor(one).await?.is_none());
    let ends = chain(base, OPERATOR).await?;
    let acts: Vec<_> = ends.iter().map(|entry| (entry.action.as_str(), entry.object.clone())).collect();
    let (one, two) = (one.to_string(), two.to_string());
    let expected = [
        ("tenant.create", one.clone()),
        ("tenant.create", two),
        ("tenant.update", one.clone()),
        ("tenant.erase", one.clone()),
        ("tenant.delete", one),
    ];
    assert_eq!(acts, expected);
    Ok(())
}

fn of(text: impl ToString) -> Vec<countersign_stores::sql::Value> {
    vec![text.to_string().into()]
}

/// Runs statements that no method of the directory has, as somebody with the database's password would.
async fn tamper(base: &Base, statements: &[(&str, Vec<countersign_stores::sql::Value>)]) -> Result<()> {
    const KINDS: [&[Kind]; 2] = [&[Kind::Text], &[Kind::Text, Kind::Int]];
    for (text, values) in statements {
        let text: &'static str = text.to_string().leak();
        let statement = Statement { table: "audit", text, params: KINDS[values.len() - 1] };
        let statement: &'static Statement = Box::leak(Box::new(statement));
        base.sql.batch(Batch::default().run(statement, values.clone())).await?;
    }
    Ok(())
}

pub async fn the_chains_of_an_older_release_begin_once(base: &Base) -> Result<()> {
    let directory = &*base.directory;
    let (one, two) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let all = ["audit", "audit_heads"].map(|table| format!("DELETE FROM {table} WHERE tenant_id <> $1"));
    tamper(base, &all.each_ref().map(|text| (text.as_str(), of("")))).await?;
    let standing = async |tenant| standing_of(directory, &keyring(), tenant, None).await;
    assert_eq!(standing(one).await?, Err(Break::NoChain));
    // The operator's and both tenants'.
    assert_eq!(begin_chains(directory, &by(50)).await?.chains, 3);
    assert_eq!(begin_chains(directory, &by(51)).await?.chains, 0);
    for tenant in [one, two] {
        let entries = chain(base, tenant).await?;
        assert_eq!(entries.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["audit.begin"]);
        ensure!(matches!(standing(tenant).await?, Ok(Standing::Whole(_))));
    }
    assert_eq!(chain(base, OPERATOR).await?.len(), 3);
    ensure!(!directory.begin_chain(one, &by(52)).await?);
    // A chain that somebody removed is not begun again.
    let gone = ["audit", "audit_heads"].map(|table| format!("DELETE FROM {table} WHERE tenant_id = $1"));
    tamper(base, &gone.each_ref().map(|text| (text.as_str(), of(one)))).await?;
    assert_eq!(begin_chains(directory, &by(53)).await?.chains, 0);
    assert_eq!(standing(one).await?, Err(Break::NoChain));
    Ok(())
}

pub async fn a_damaged_chain_does_not_keep_others_from_their_beginning(base: &Base) -> Result<()> {
    let directory = &*base.directory;
    let (one, two) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    // The first tenant has entries without a head, the others have nothing.
    let left = "DELETE FROM audit WHERE tenant_id <> $1";
    tamper(base, &[(left, of(one)), ("DELETE FROM audit_heads WHERE tenant_id <> $1", of(""))]).await?;
    let begun = begin_chains(directory, &by(50)).await?;
    assert_eq!(begun.chains, 2, "the operator's and the second tenant's");
    let failed: Vec<_> = begun.failed.iter().map(|(tenant, _)| *tenant).collect();
    assert_eq!(failed, [one]);
    ensure!(matches!(begun.failed[0].1, StoreError::Corrupt { .. }), "{:?}", begun.failed);
    ensure!(matches!(standing_of(directory, &keyring(), two, None).await?, Ok(Standing::Whole(_))));
    Ok(())
}

pub async fn only_the_operators_entry_excuses_a_missing_chain(base: &Base) -> Result<()> {
    let directory = &*base.directory;
    let (one, two) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let standing = async |tenant| standing_of(directory, &keyring(), tenant, None).await;
    tamper(base, &[("UPDATE tenants SET erasing = 1 WHERE id = $1", of(two))]).await?;
    assert_eq!(standing(two).await?, Err(Break::NoTenant), "a row alone says nothing");
    directory.update_tenant(one, &TenantChange::Delete, &by(6)).await?.context("a tenant")?;
    ensure!(directory.begin_erasure(one, at(6), &by(7)).await?);
    let number = directory.chain_head(OPERATOR).await?.context("a head")?.n;
    assert_eq!(standing(one).await?, Ok(Standing::Erased { entry: number }));
    while !directory.erase_tenant(one, 100, &by(8)).await? {}
    assert_eq!(standing(one).await?, Ok(Standing::Erased { entry: number + 1 }));
    assert_eq!(erasure_of(directory, &keyring(), two).await?, None);
    // An entry about another tenant that was made to name this one.
    let forge = "UPDATE audit SET object = $1 WHERE n = $2";
    tamper(base, &[(forge, vec![two.to_string().into(), (number + 1).into()])]).await?;
    assert_eq!(erasure_of(directory, &keyring(), two).await?, None, "it does not lead to the head");
    assert_eq!(standing(two).await?, Err(Break::NoTenant));
    Ok(())
}

pub async fn all_ids_are_found_and_an_unreadable_head_hides_no_other(base: &Base) -> Result<()> {
    let directory = &*base.directory;
    let (one, two) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let entries = "UPDATE audit SET tenant_id = 'zzz' WHERE tenant_id = $1";
    let head = "UPDATE audit_heads SET mac_version = -1 WHERE tenant_id = $1";
    tamper(base, &[(entries, of(two)), (head, of(one))]).await?;
    let (mut found, mut after) = (Vec::new(), String::new());
    while let Some(next) = directory.next_chain(&after).await? {
        found.push(next.clone());
        after = next;
    }
    assert_eq!(found, [OPERATOR.to_string(), one.to_string(), two.to_string(), "zzz".to_owned()]);
    let page = directory.list_chain_heads("", 9).await?;
    assert_eq!(page.heads.iter().map(|head| head.tenant).collect::<Vec<_>>(), [OPERATOR, two]);
    assert_eq!(page.unreadable, [one.to_string()]);
    let unread = standing_of(directory, &keyring(), one, None).await;
    ensure!(matches!(unread, Err(StoreError::Corrupt { .. })), "{unread:?}");
    Ok(())
}

/// Forged entries after the cut: their removal would leave a genuine anchor and nothing to compare.
pub async fn the_retention_keeps_a_chain_that_is_broken_after_the_cut(base: &Base) -> Result<()> {
    let directory = &*base.directory;
    let one = base.tenant(1).await?.id;
    let late = 10 * 86_400;
    directory.create_key(&key(one, 4), None, None, &[], &by(4)).await?;
    directory.create_key(&key(one, 6), None, None, &[], &by(late)).await?;
    directory.create_key(&key(one, 8), None, None, &[], &by(late + 1)).await?;
    let forge = "UPDATE audit SET object = $1 WHERE n = $2";
    tamper(base, &[(forge, vec!["forged".into(), 3.into()])]).await?;
    let forgotten = forget_old(directory, &keyring(), at(late - 1), &by(late + 2)).await?;
    assert_eq!((forgotten.entries, forgotten.failed.len()), (0, 1), "{forgotten:?}");
    ensure!(directory.chain_anchor(one).await?.is_none());
    Ok(())
}

/// Functions that write settings, access or resources without an entry of their own, and why.
const WITHOUT_ENTRY: [(&str, &str); 37] = [
    ("(file)", "a list of statements: the functions that run it have names"),
    ("touch_keys", "the time of a use is no change"),
    ("insert_key", "its callers append the entry"),
    ("insert_profile", "its callers append the entry"),
    ("put_setting", "its callers append the entry"),
    ("insert_person", "its callers append the entry"),
    ("raise_keys", "its callers append the entry"),
    ("end_invitation", "its callers append the entry"),
    ("reseal_resource", "the content stays the same"),
    ("reseal_person", "the content stays the same"),
    ("reseal_invitation", "the content stays the same"),
    ("forget_invitations", "an invitation that expired can do nothing"),
    ("erase", "the chain itself is erased; it appends the end of the tenant"),
    ("is_erasing", "the list of the statements of an erasure follows it"),
    ("add_joining", "its callers append the entry"),
    ("changed", "its caller begins with the entry"),
    ("whole", "its caller begins with the entry"),
    ("consume", "its caller begins with the entry"),
    ("set_phone", "its caller begins with the entry"),
    ("set_recovery_codes", "its caller begins with the entry"),
    ("delete_rows_of_stranger", "its callers append the entry of the person's last membership"),
    ("shut_out", "its callers append the entry of the membership"),
    ("end_tenant_sessions", "its callers append the entry of the membership"),
    ("reseal_phone", "the content stays the same"),
    ("touch_session", "the time of a request is no change"),
    ("enter_tenant", "the row of the sign-in says it"),
    ("renew_session", "another secret of the same session"),
    ("set_flash", "a message for the next page"),
    ("note_sign_in", "the row of the sign-in says it"),
    ("begin_half", "it only takes a lock"),
    ("begin_proof", "it only takes a lock"),
    ("take_proof", "it only takes a lock"),
    ("add_link", "it only takes a lock"),
    ("remind", "it notes that a mail was sent"),
    ("tell_of_pool", "it notes that a mail was sent"),
    ("forget", "what has expired can do nothing"),
    ("forget_devices", "a cookie that has expired can do nothing"),
];

/// Every function that runs a writing statement of an audited table also appends an entry.
#[test]
fn no_statement_writes_without_an_entry() {
    let audited = [
        "tenants",
        "keys",
        "profiles",
        "settings",
        "review_numbers",
        "resources",
        "people",
        "members",
        "invitations",
        "former_passwords",
        "recovery_codes",
        "sessions",
        "device_people",
    ];
    let stores = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/stores/src");
    let folders = ["directory", "people"].map(|folder| fs::read_dir(stores.join(folder)).unwrap());
    let files: Vec<_> = folders.into_iter().flatten().map(|file| file.unwrap().path()).collect();
    let texts: Vec<_> = files
        .iter()
        .filter(|path| !path.ends_with("statements.rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let mut writers =
        BTreeSet::from(["insert_key(".to_owned(), "insert_profile(".into(), "put_setting(".into()]);
    for text in &texts {
        for (name, rest) in text.split("const ").skip(1).filter_map(|rest| rest.split_once(": Statement =")) {
            let statement = rest.split("};").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            let of = |table: &&str| statement.contains(&format!("table: \"{table}\""));
            let writes = ["text: \"INSERT", "text: \"UPDATE", "text: \"DELETE"];
            if audited.iter().any(of) && writes.iter().any(|verb| statement.contains(verb)) {
                writers.insert(format!("&{name}"));
            }
        }
    }
    assert!(writers.len() > 20, "{writers:?}");
    let mut seen = BTreeSet::new();
    let mut bare = Vec::new();
    for text in &texts {
        let mut parts = text.split("fn ");
        let head = parts.next().map(|part| ("(file)", part));
        let functions = parts.map(|part| (part.split(['(', '<']).next().unwrap(), part));
        for (function, body) in head.into_iter().chain(functions) {
            let mut used: Vec<_> = writers
                .iter()
                .filter(|one| {
                    body.match_indices(one.as_str()).any(|(at, one)| {
                        let next = body[at + one.len()..].chars().next();
                        (one.ends_with('(') && at > 0)
                            || next.is_some_and(|next| !next.is_alphanumeric() && next != '_')
                    })
                })
                .cloned()
                .collect();
            // The function's own name is no call.
            used.retain(|one| *one != format!("{function}("));
            if used.is_empty() {
                continue;
            }
            seen.extend(used.iter().cloned());
            let excused = WITHOUT_ENTRY.iter().any(|(name, _)| *name == function);
            let body = body.split_whitespace().collect::<String>();
            let appends = ["chains.append(", "self.audited(", "self.change_device("];
            let appends = appends.iter().any(|call| body.contains(call));
            if !appends && !excused {
                bare.push(format!("{function} uses {used:?}"));
            }
        }
    }
    assert!(bare.is_empty(), "these write without an entry: {bare:#?}");
    let unused: Vec<_> = writers.difference(&seen).collect();
    assert!(unused.is_empty(), "the test does not find the users of {unused:?}");
}
