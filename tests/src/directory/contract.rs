//! The contract of the directory. `directory.rs` runs each of these tests on both engines.

use super::{Base, at, is_conflict, key, node, profile, same, tenant};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    access::{allowlist::Allowlist, change::Change, key::Key},
    code::Alphabet,
    id::{KeyId, TenantId},
    phone::countries::Countries,
    ports::{
        directory::{
            changes::Changes,
            keys::{KeyChange, Keys},
            profiles::Profiles,
            settings::Settings as _,
            tenants::Tenants,
            uses::Uses,
        },
        error::StoreError,
        nodes::{DEAD_AFTER, Node, Nodes},
    },
    snapshot::Snapshot,
    tenant::{
        limits::{LimitNotes, NamedLimits},
        profile::{Policy, Profile, ProfileName, ResendPolicy},
        security::Security,
        settings::{Setting, Settings},
    },
};
use countersign_stores::sql::{Batch, Kind, Statement, Value};
use std::time::Duration;

pub async fn tenants_are_made_once_and_listed_by_id(base: &Base) -> Result<()> {
    let directory = &base.directory;
    directory.news(0).await?;
    ensure!(directory.list_tenants(None, 10).await?.is_empty());
    ensure!(directory.tenant(TenantId::from_bytes([1; 16])).await?.is_none());
    let (b, a, c) = (base.tenant(2).await?, base.tenant(1).await?, base.tenant(3).await?);
    assert_eq!(directory.tenant(b.id).await?.as_ref(), Some(&b));
    assert_eq!(directory.list_tenants(None, 2).await?, [a.clone(), b.clone()]);
    assert_eq!(directory.list_tenants(Some(b.id), 2).await?, [c]);
    let again = directory
        .create_tenant(
            &a,
            &profile(a.id, 9, "other")?,
            &Countries::default(),
            None,
            &Change::by_system(a.created_at),
        )
        .await;
    assert!(is_conflict(&again), "{again:?}");
    Ok(())
}

pub async fn a_refused_write_leaves_no_change(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let one = base.tenant(1).await?;
    directory
        .create_key(&key(one.id, 1), None, None, &[], &Change::by_system(key(one.id, 1).created_at))
        .await?;
    let before = base.changes().await?;
    // The profile's id is taken, so the tenant inserted before it must be rolled back too.
    let two = tenant(2)?;
    assert!(is_conflict(
        &directory
            .create_tenant(
                &two,
                &profile(two.id, 1, "default")?,
                &Countries::default(),
                None,
                &Change::by_system(two.created_at)
            )
            .await
    ));
    ensure!(directory.tenant(two.id).await?.is_none());
    assert!(
        is_conflict(
            &directory
                .create_key(&key(one.id, 1), None, None, &[], &Change::by_system(key(one.id, 1).created_at))
                .await
        ),
        "a doubled id"
    );
    assert!(
        is_conflict(
            &directory
                .create_key(&key(two.id, 2), None, None, &[], &Change::by_system(key(two.id, 2).created_at))
                .await
        ),
        "an unknown tenant"
    );
    assert!(
        is_conflict(&directory.create_profile(&profile(one.id, 1, "new")?, &Change::by_system(at(0))).await),
        "a doubled id"
    );
    assert!(
        is_conflict(&directory.create_profile(&profile(two.id, 5, "new")?, &Change::by_system(at(0))).await),
        "no such tenant"
    );
    let gone = key(one.id, 9).id;
    ensure!(!directory.delete_key(one.id, gone, None, &Change::by_system(at(0))).await?);
    ensure!(
        directory
            .update_key(one.id, gone, KeyChange::default(), None, &Change::by_system(at(0)))
            .await?
            .is_none()
    );
    assert_eq!(base.changes().await?, before);
    // The change numbers continue without a gap.
    directory
        .create_key(&key(one.id, 2), None, None, &[], &Change::by_system(key(one.id, 2).created_at))
        .await?;
    assert_eq!(base.changes().await?.last().map(|change| change.0), Some(before.len() as i64 + 1));
    Ok(())
}

pub async fn keys_round_trip_and_are_listed_newest_first(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let tenant = base.tenant(1).await?;
    let keys: Vec<Key> = (0..5).map(|number| key(tenant.id, number)).collect();
    for key in [3, 0, 4, 1, 2].map(|index| &keys[index]) {
        directory.create_key(key, None, None, &[], &Change::by_system(key.created_at)).await?;
    }
    for key in &keys {
        let found = directory.key(tenant.id, key.id).await?.context("key")?;
        assert!(same(&found, key), "{found:?}");
        let presented = directory.presented_key(key.id).await?.context("key")?;
        assert!(same(&presented, key), "{presented:?}");
    }
    let list = async |before, limit| -> Result<Vec<KeyId>> {
        Ok(directory.list_keys(tenant.id, before, limit).await?.iter().map(|key| key.id).collect())
    };
    assert_eq!(list(None, 2).await?, [keys[4].id, keys[3].id]);
    assert_eq!(list(Some(keys[3].id), 2).await?, [keys[2].id, keys[1].id]);
    assert_eq!(list(Some(keys[1].id), 2).await?, [keys[0].id]);
    ensure!(directory.delete_key(tenant.id, keys[2].id, None, &Change::by_system(at(9))).await?);
    ensure!(!directory.delete_key(tenant.id, keys[2].id, None, &Change::by_system(at(9))).await?);
    ensure!(directory.presented_key(keys[2].id).await?.is_none());
    assert_eq!(list(None, 10).await?.len(), 4);
    Ok(())
}

pub async fn no_method_reaches_another_tenant(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let (mine, theirs) = (base.tenant(1).await?, base.tenant(2).await?);
    let key = key(theirs.id, 4);
    directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await?;
    directory.create_profile(&profile(theirs.id, 7, "shop")?, &Change::by_system(at(1))).await?;
    let before = base.changes().await?;

    ensure!(directory.key(mine.id, key.id).await?.is_none());
    ensure!(directory.list_keys(mine.id, None, 10).await?.is_empty());
    let change = KeyChange { disabled: Some(true), ..KeyChange::default() };
    ensure!(directory.update_key(mine.id, key.id, change, None, &Change::by_system(at(2))).await?.is_none());
    ensure!(!directory.delete_key(mine.id, key.id, None, &Change::by_system(at(2))).await?);
    directory.touch_keys(&[(mine.id, key.id, at(2))]).await?;
    let shop = ProfileName::parse("shop").context("name")?;
    ensure!(directory.profile(mine.id, &shop).await?.is_none());
    assert_eq!(directory.list_profiles(mine.id).await?.len(), 1);
    assert_eq!(base.changes().await?, before);

    // Two tenants may each have a profile with the same name.
    let mut strict = profile(mine.id, 8, "shop")?;
    strict.policy.max_checks = 1;
    directory.create_profile(&strict, &Change::by_system(at(3))).await?;
    let found = directory.profile(theirs.id, &shop).await?.context("profile")?;
    assert_eq!(found, profile(theirs.id, 7, "shop")?);
    let found = directory.key(theirs.id, key.id).await?.context("key")?;
    assert!(same(&found, &key), "{found:?}");
    Ok(())
}

pub async fn update_key_changes_what_it_is_told(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let tenant = base.tenant(1).await?;
    let mut key = key(tenant.id, 2);
    directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await?;
    let changes = base.changes().await?.len();
    let steps = [
        KeyChange { name: Some("renamed".to_owned()), ..KeyChange::default() },
        KeyChange { disabled: Some(true), ..KeyChange::default() },
        KeyChange { expires_at: Some(Some(at(77))), ..KeyChange::default() },
        KeyChange { expires_at: Some(None), ..KeyChange::default() },
        KeyChange { allowlist: Allowlist::parse("2001:db8::/64\thome\n"), ..KeyChange::default() },
        KeyChange { allowlist: Some(Allowlist::default()), ..KeyChange::default() },
    ];
    for change in steps {
        key.name = change.name.clone().unwrap_or(key.name);
        key.disabled = change.disabled.unwrap_or(key.disabled);
        key.expires_at = change.expires_at.unwrap_or(key.expires_at);
        key.allowlist = change.allowlist.clone().unwrap_or(key.allowlist);
        key.version += 1;
        let updated = directory
            .update_key(tenant.id, key.id, change, None, &Change::by_system(at(3)))
            .await?
            .context("key")?;
        assert!(same(&updated, &key), "{updated:?}");
        let stored = directory.key(tenant.id, key.id).await?.context("key")?;
        assert!(same(&stored, &key), "{stored:?}");
    }
    let same_again = KeyChange { disabled: Some(true), ..KeyChange::default() };
    let unchanged = directory
        .update_key(tenant.id, key.id, same_again, None, &Change::by_system(at(4)))
        .await?
        .context("key")?;
    assert_eq!(unchanged.version, key.version);
    assert_eq!(base.changes().await?.len(), changes + 6, "what changes nothing is no change");
    Ok(())
}

pub async fn concurrent_updates_lose_nothing(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?;
    let key = key(tenant.id, 2);
    base.directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await?;
    let tasks: Vec<_> = (0..20i64)
        .map(|number| {
            let (directory, tenant, key) = (base.directory.clone(), tenant.id, key.id);
            tokio::spawn(async move {
                // Half of the updates change the name and half the expiry; both kinds must be kept.
                let change = match number % 2 {
                    0 => KeyChange { name: Some(format!("name {number}")), ..KeyChange::default() },
                    _ => KeyChange { expires_at: Some(Some(at(number))), ..KeyChange::default() },
                };
                directory.update_key(tenant, key, change, None, &Change::by_system(at(number))).await
            })
        })
        .collect();
    let mut updated = vec![key];
    for task in tasks {
        updated.push(task.await??.context("key")?);
    }
    updated.sort_by_key(|key| key.version);
    assert_eq!(updated.iter().map(|key| key.version).collect::<Vec<_>>(), (1..=21).collect::<Vec<i64>>());
    // Each update changed one of the two, and kept the other as the update before left it.
    for pair in updated.windows(2) {
        let (renamed, moved) = (pair[0].name != pair[1].name, pair[0].expires_at != pair[1].expires_at);
        assert!(renamed != moved, "an update was lost: {pair:?}");
    }
    Ok(())
}

pub async fn last_use_never_moves_back(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let tenant = base.tenant(1).await?;
    let key = key(tenant.id, 2);
    directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await?;
    let changes = base.changes().await?.len();
    let used =
        async || -> Result<_> { Ok(directory.key(tenant.id, key.id).await?.context("key")?.last_used_at) };
    directory.touch_keys(&[]).await?;
    assert_eq!(used().await?, None);
    let of = |seconds| (tenant.id, key.id, at(seconds));
    directory.touch_keys(&[of(5), of(9), of(7)]).await?;
    assert_eq!(used().await?, Some(at(9)));
    directory.touch_keys(&[of(8)]).await?;
    assert_eq!(used().await?, Some(at(9)));
    // More keys than one transaction takes, and some of them deleted.
    let mut many: Vec<_> = (0..250u16)
        .map(|number| (tenant.id, KeyId::from_bytes([number.to_be_bytes()[1]; 16]), at(1)))
        .collect();
    many.push(of(20));
    directory.touch_keys(&many).await?;
    assert_eq!(used().await?, Some(at(20)));
    assert_eq!(base.changes().await?.len(), changes, "a use is no change");
    assert_eq!(directory.key(tenant.id, key.id).await?.context("key")?.version, 1);
    Ok(())
}

pub async fn profiles_are_listed_by_name_and_deleted_by_id(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let (tenant, other) = (base.tenant(1).await?, base.tenant(2).await?);
    let mut first = profile(tenant.id, 5, "app")?;
    first.policy = Policy {
        code_length: 8,
        alphabet: Alphabet::Letters,
        expires_in: Duration::from_secs(90),
        max_checks: 2,
        max_sends: 3,
        resend: ResendPolicy::NewKeepPrevious,
    };
    directory.create_profile(&first, &Change::by_system(at(1))).await?;
    assert_eq!(directory.profile(tenant.id, &first.name).await?.as_ref(), Some(&first));
    let listed = directory.list_profiles(tenant.id).await?;
    assert_eq!(listed.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["app", "default"]);
    ensure!(!directory.delete_profile(other.id, first.id, &Change::by_system(at(2))).await?);
    ensure!(directory.delete_profile(tenant.id, first.id, &Change::by_system(at(2))).await?);
    // Another profile that has the name now is not affected.
    let second = profile(tenant.id, 6, "app")?;
    directory.create_profile(&second, &Change::by_system(at(3))).await?;
    ensure!(!directory.delete_profile(tenant.id, first.id, &Change::by_system(at(4))).await?);
    assert_eq!(directory.profile(tenant.id, &first.name).await?.as_ref(), Some(&second));
    // Each change contains the profile's id.
    let named: Vec<_> = base.changes().await?.into_iter().map(|(_, _, kind, id)| (kind, id)).collect();
    let of = |profile: &Profile| ("profile".to_owned(), profile.id.to_string());
    assert_eq!(named[4..], [of(&first), of(&first), of(&second)]);
    Ok(())
}

pub async fn a_profile_is_made_once_and_its_limits_change_in_turn(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let tenant = base.tenant(1).await?;
    let first = profile(tenant.id, 5, "app")?;
    directory.create_profile(&first, &Change::by_system(at(1))).await?;
    assert_eq!(directory.profile(tenant.id, &first.name).await?.as_ref(), Some(&first));
    let changes = base.changes().await?.len();
    for taken in [profile(tenant.id, 6, "app")?, profile(tenant.id, 5, "other")?] {
        assert!(is_conflict(&directory.create_profile(&taken, &Change::by_system(at(2))).await), "{taken:?}");
    }
    let limits = NamedLimits::parse("signup=5/600;later=1/60;").context("limits")?;
    let second = Profile { limits, limit_notes: LimitNotes::default(), ..first.clone() };
    directory.replace_profile(&first, &second, &Change::by_system(at(3))).await?;
    assert_eq!(directory.profile(tenant.id, &first.name).await?.as_ref(), Some(&second));
    // Of two updates based on the same version, the later one is refused, whatever it changes.
    let policy = Policy { code_length: 8, ..second.policy.clone() };
    let otherwise = Profile { policy, ..second.clone() };
    assert!(is_conflict(&directory.replace_profile(&otherwise, &second, &Change::by_system(at(4))).await));
    assert!(is_conflict(&directory.replace_profile(&first, &second, &Change::by_system(at(4))).await));
    let other = base.tenant(2).await?;
    let foreign = Profile { tenant: other.id, ..second.clone() };
    assert!(
        is_conflict(&directory.replace_profile(&foreign, &first, &Change::by_system(at(4))).await),
        "of another tenant"
    );
    assert_eq!(directory.profile(tenant.id, &first.name).await?.as_ref(), Some(&second));
    let named: Vec<_> = base.changes().await?.into_iter().map(|(_, _, kind, id)| (kind, id)).collect();
    assert_eq!(named[changes - 1..=changes], [(); 2].map(|()| ("profile".to_owned(), first.id.to_string())));
    Ok(())
}

pub async fn settings_round_trip(base: &Base) -> Result<()> {
    let (mine, theirs) = (base.tenant(1).await?, base.tenant(2).await?);
    let list = Allowlist::parse("10.0.0.0/8\tZażółć\n2001:db8::/32\t\n").context("list")?;
    base.directory
        .save_setting(mine.id, &Setting::ApiAllowlist(list.clone()), &Change::by_system(at(1)))
        .await?;
    assert_eq!(base.directory.settings(mine.id).await?.api_allowlist, list);
    assert_eq!(base.directory.settings(theirs.id).await?, Settings::default());
    base.directory
        .save_setting(mine.id, &Setting::ApiAllowlist(Allowlist::default()), &Change::by_system(at(2)))
        .await?;
    assert_eq!(base.directory.settings(mine.id).await?, Settings::default());
    let security = Security::parse("password_age=force session_idle=900").context("settings")?;
    for setting in [Setting::PortalAllowlist(list.clone()), Setting::Security(security.clone())] {
        base.directory.save_setting(mine.id, &setting, &Change::by_system(at(3))).await?;
    }
    let expected = Settings { portal_allowlist: list, security, ..Settings::default() };
    assert_eq!(base.directory.settings(mine.id).await?, expected);
    let snapshot = Snapshot::default();
    let news = base.directory.news(0).await?.context("news")?;
    ensure!(snapshot.apply(0, news));
    assert_eq!(snapshot.tenant(mine.id).context("a tenant")?.settings, expected, "in the copy of a node");
    Ok(())
}

pub async fn a_setting_is_replaced_only_as_it_was_read(base: &Base) -> Result<()> {
    let (directory, tenant) = (&base.directory, base.tenant(1).await?.id);
    let of = |text: &str| Setting::Security(Security::parse(text).unwrap_or_default());
    let (none, short, long) = (of(""), of("session_idle=900"), of("session_idle=14400"));
    let replace = async |was: &Setting, setting: &Setting| {
        directory.replace_setting(tenant, was, setting, &Change::by_system(at(2))).await
    };
    let moved = |outcome: Result<(), StoreError>| matches!(outcome, Err(StoreError::Moved));
    replace(&none, &short).await?;
    ensure!(moved(replace(&none, &long).await) && moved(replace(&long, &none).await));
    replace(&short, &short).await?;
    ensure!(moved(replace(&long, &long).await), "also if nothing would change");
    replace(&short, &long).await?;
    let changes = base.changes().await?.len();
    replace(&long, &none).await?;
    assert_eq!(base.changes().await?.len(), changes + 1);
    assert_eq!(directory.settings(tenant).await?, Settings::default());
    // What a newer release wrote into it is not dropped.
    let newer = vec![
        tenant.to_string().into(),
        "security".into(),
        "colour=red session_idle=900".into(),
        at(3).micros().into(),
    ];
    base.sql.batch(Batch::default().run(&WRITE_SETTING, newer)).await?;
    ensure!(moved(replace(&short, &none).await));
    Ok(())
}

const WRITE_SETTING: Statement = Statement {
    table: "settings",
    text: "INSERT INTO settings (tenant_id, name, value, updated_at) VALUES ($1, $2, $3, $4)",
    params: &[Kind::Text, Kind::Text, Kind::Text, Kind::Int],
};

const COUNT_CHANGES: Statement =
    Statement { table: "changes", text: "SELECT count(*), coalesce(max(n), 0) FROM changes", params: &[] };

pub async fn changes_are_gapless_and_in_commit_order(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?;
    let writers: Vec<_> = (0..50u8)
        .map(|number| {
            let (directory, tenant) = (base.directory.clone(), tenant.id);
            tokio::spawn(async move {
                directory
                    .create_key(
                        &key(tenant, number),
                        None,
                        None,
                        &[],
                        &Change::by_system(key(tenant, number).created_at),
                    )
                    .await
            })
        })
        .collect();
    // A reader never sees a change number without the one before it.
    let mut looks = 0;
    while looks < 10_000 && !writers.iter().all(|writer| writer.is_finished()) {
        let rows = base.sql.query(&COUNT_CHANGES, vec![]).await?;
        let row = rows.first().context("a count")?;
        assert_eq!(row.int(0)?, row.int(1)?, "a number was skipped");
        looks += 1;
    }
    for writer in writers {
        writer.await??;
    }
    assert!(looks > 0);
    let changes = base.changes().await?;
    assert_eq!(changes.iter().map(|change| change.0).collect::<Vec<_>>(), (1..=52).collect::<Vec<i64>>());
    let mut ids: Vec<_> = changes[2..].iter().map(|change| change.3.clone()).collect();
    ids.sort();
    let listed = base.directory.list_keys(tenant.id, None, 100).await?;
    assert_eq!(ids, listed.iter().rev().map(|key| key.id.to_string()).collect::<Vec<_>>());
    Ok(())
}

pub async fn an_unreadable_row_is_corrupt(base: &Base) -> Result<()> {
    const BREAK_KEY: Statement = Statement {
        table: "keys",
        text: "UPDATE keys SET secret_hash = $2 WHERE id = $1",
        params: &[Kind::Text, Kind::Bytes],
    };
    let tenant = base.tenant(1).await?;
    let key = key(tenant.id, 1);
    base.directory.create_key(&key, None, None, &[], &Change::by_system(key.created_at)).await?;
    let values = vec![key.id.to_string().into(), [7_u8; 5].as_slice().into()];
    base.sql.batch(Batch::default().run_touching(1, &BREAK_KEY, values)).await?;
    let error = base.directory.presented_key(key.id).await.err().context("it was read")?;
    let id = key.id.to_string();
    assert!(matches!(&error, StoreError::Corrupt { table: "keys", id: of } if *of == id), "{error:?}");
    Ok(())
}

pub async fn statements_must_touch_what_they_say(base: &Base) -> Result<()> {
    const RENAME: Statement = Statement {
        table: "tenants",
        text: "UPDATE tenants SET name = $1 WHERE created_at > 0",
        params: &[Kind::Text],
    };
    base.tenant(1).await?;
    base.tenant(2).await?;
    let rename = |name: &str| vec![Value::from(name)];
    let batch = Batch::default().run(&RENAME, rename("x")).run_touching(1, &RENAME, rename("y"));
    assert!(is_conflict(&base.sql.batch(batch).await));
    let names: Vec<_> = base.directory.list_tenants(None, 9).await?.into_iter().map(|t| t.name).collect();
    assert_eq!(names, [tenant(1)?.name, tenant(2)?.name], "all of it rolled back");
    base.sql.batch(Batch::default().run_touching(2, &RENAME, rename("z"))).await?;
    let misfit = base.sql.batch(Batch::default().run(&RENAME, vec![Value::from(1)])).await;
    assert!(matches!(misfit, Err(StoreError::Unavailable(_))), "{misfit:?}");
    Ok(())
}

pub async fn nodes_are_listed_while_they_live(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let changes = base.changes().await?;
    let nodes = directory.nodes();
    assert_eq!(nodes.list_nodes(at(2)).await?, []);
    let (a, b) = (node(2), node(3));
    nodes.note_node(&b).await?;
    nodes.note_node(&a).await?;
    assert_eq!(nodes.list_nodes(at(2) + DEAD_AFTER).await?, [a.clone(), b.clone()]);
    let later = Node { seen_at: at(40), versions: b.versions.clone(), changed_at: Some(at(39)), ..a };
    nodes.note_node(&later).await?;
    assert_eq!(nodes.list_nodes(at(40)).await?, [later.clone(), b.clone()]);
    assert_eq!(
        nodes.list_nodes(at(3) + DEAD_AFTER).await?,
        std::slice::from_ref(&later),
        "the other is dead"
    );
    assert_eq!(nodes.list_nodes(at(2)).await?, std::slice::from_ref(&later), "and deleted");
    // A node that writes its row also deletes the rows of dead nodes, so nobody else needs to.
    let third = Node { seen_at: at(41) + DEAD_AFTER, ..b };
    nodes.note_node(&third).await?;
    assert_eq!(nodes.list_nodes(at(2)).await?, std::slice::from_ref(&third));
    nodes.forget_node(later.id).await?;
    nodes.forget_node(third.id).await?;
    assert_eq!(nodes.list_nodes(at(2)).await?, []);
    assert_eq!(base.changes().await?, changes, "nodes are no changes");
    Ok(())
}
