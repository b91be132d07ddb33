//! Writes that must happen only once: rotations, and writes with an Idempotency-Key.

use super::{Base, at, is_conflict, key, once, same};
use anyhow::{Context, Result, ensure};
use countersign_core::{
    access::{change::Change, key::Key},
    id::KeyId,
    ports::directory::{
        changes::Changes,
        keys::{KeyChange, Keys, Rotation},
    },
};
use std::time::Duration;

fn rotation(old: &Key, number: u8, version: i64) -> Rotation {
    let new = Key { scopes: old.scopes, ..key(old.tenant, number) };
    Rotation { new, old: old.id, version, ends_at: at(50) }
}

pub async fn a_rotation_happens_whole_or_not_at_all(base: &Base) -> Result<()> {
    let directory = &base.directory;
    let tenant = base.tenant(1).await?;
    let old = key(tenant.id, 2);
    directory.create_key(&old, None, None, &[], &Change::by_system(old.created_at)).await?;
    let before = base.changes().await?;
    let stale = rotation(&old, 7, 9);
    assert!(
        is_conflict(
            &directory
                .rotate_key(&stale, Some(&once(1, 1)), None, &Change::by_system(stale.new.created_at))
                .await
        ),
        "another version"
    );
    let taken = Rotation { new: old.clone(), ..rotation(&old, 7, 1) };
    assert!(
        is_conflict(
            &directory
                .rotate_key(&taken, Some(&once(1, 1)), None, &Change::by_system(taken.new.created_at))
                .await
        ),
        "the id is taken"
    );
    let foreign = Rotation { new: key(base.tenant(2).await?.id, 7), ..rotation(&old, 7, 1) };
    assert!(
        is_conflict(
            &directory.rotate_key(&foreign, None, None, &Change::by_system(foreign.new.created_at)).await
        ),
        "another tenant's key"
    );
    let changes = base.changes().await?;
    assert_eq!(changes[..before.len()], before);
    assert_eq!(changes.len(), before.len() + 2, "the second tenant and its profile alone");
    ensure!(directory.key(tenant.id, stale.new.id).await?.is_none());
    ensure!(directory.answered(tenant.id, &once(1, 1), at(0)).await?.is_none());

    let rotated = rotation(&old, 8, 1);
    directory
        .rotate_key(&rotated, Some(&once(1, 1)), None, &Change::by_system(rotated.new.created_at))
        .await?;
    let new = directory.key(tenant.id, rotated.new.id).await?.context("new")?;
    assert!(same(&new, &rotated.new), "{new:?}");
    let expected =
        Key { expires_at: Some(at(50)), replaced_by: Some(rotated.new.id), version: 2, ..old.clone() };
    let found = directory.key(tenant.id, old.id).await?.context("old")?;
    assert!(same(&found, &expected), "{found:?}");
    let ids: Vec<_> = base.changes().await?.into_iter().skip(changes.len()).map(|change| change.3).collect();
    assert_eq!(ids, [rotated.new.id.to_string(), old.id.to_string()]);
    // A change of the old key between the read and the rotation is not lost.
    let change = KeyChange { disabled: Some(!old.disabled), ..KeyChange::default() };
    let _ = directory.update_key(tenant.id, new.id, change, None, &Change::by_system(at(3))).await?;
    assert!(is_conflict(
        &directory
            .rotate_key(
                &rotation(&new, 9, 1),
                None,
                None,
                &Change::by_system(rotation(&new, 9, 1).new.created_at)
            )
            .await
    ));
    Ok(())
}

pub async fn of_keys_made_at_once_with_one_idempotency_key_one_is_made(base: &Base) -> Result<()> {
    let tenant = base.tenant(1).await?;
    let tasks: Vec<_> = (0..20u8)
        .map(|number| {
            let (directory, key) = (base.directory.clone(), key(tenant.id, number));
            tokio::spawn(async move {
                directory
                    .create_key(
                        &key,
                        Some((key.tenant, &once(1, 1))),
                        None,
                        &[],
                        &Change::by_system(key.created_at),
                    )
                    .await
            })
        })
        .collect();
    let (mut made, mut refused) = (0, 0);
    for task in tasks {
        match task.await? {
            Ok(()) => made += 1,
            outcome if is_conflict(&outcome) => refused += 1,
            outcome => outcome?,
        }
    }
    assert_eq!((made, refused), (1, 19));
    assert_eq!(base.directory.list_keys(tenant.id, None, 100).await?.len(), 1);
    assert_eq!(base.changes().await?.len(), 3, "tenant, profile and one key");
    Ok(())
}

pub async fn an_idempotency_key_is_kept_for_a_day(base: &Base) -> Result<()> {
    const DAY: Duration = Duration::from_secs(24 * 3_600);
    let directory = &base.directory;
    let (mine, theirs) = (base.tenant(1).await?, base.tenant(2).await?);
    let made = |number: u8, now| Key { created_at: now, ..key(mine.id, number) };
    directory
        .create_key(
            &made(1, at(0)),
            Some((mine.id, &once(1, 5))),
            None,
            &[],
            &Change::by_system(made(1, at(0)).created_at),
        )
        .await?;
    let mac = directory.answered(mine.id, &once(1, 6), at(0)).await?.context("mac")?;
    assert!(once(1, 5).is_same(&mac) && !once(1, 6).is_same(&mac));
    ensure!(directory.answered(mine.id, &once(2, 5), at(0)).await?.is_none(), "another slot");
    ensure!(directory.answered(theirs.id, &once(1, 5), at(0)).await?.is_none(), "another tenant");
    ensure!(directory.answered(mine.id, &once(1, 5), at(1)).await?.is_none(), "too old");
    assert!(is_conflict(
        &directory
            .create_key(
                &made(2, at(0) + DAY),
                Some((mine.id, &once(1, 5))),
                None,
                &[],
                &Change::by_system(made(2, at(0) + DAY).created_at)
            )
            .await
    ));
    directory
        .create_key(
            &made(3, at(1) + DAY),
            Some((mine.id, &once(1, 7))),
            None,
            &[],
            &Change::by_system(made(3, at(1) + DAY).created_at),
        )
        .await?;
    let mac = directory.answered(mine.id, &once(1, 7), at(2)).await?.context("mac")?;
    assert!(once(1, 7).is_same(&mac));
    directory.forget_answered(at(1) + DAY).await?;
    ensure!(directory.answered(mine.id, &once(1, 7), at(0)).await?.is_some());
    directory.forget_answered(at(2) + DAY).await?;
    ensure!(directory.answered(mine.id, &once(1, 7), at(0)).await?.is_none());
    let unknown: KeyId = key(mine.id, 2).id;
    ensure!(directory.key(mine.id, unknown).await?.is_none(), "what was refused is not made");
    Ok(())
}
