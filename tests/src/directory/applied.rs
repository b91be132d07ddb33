//! What `countersign apply` made.

use super::{Base, SELECT_CHANGES, at};
use anyhow::{Result, ensure};
use countersign_core::id::TenantId;
use countersign_core::ports::{
    applied::{Applied, AppliedKind, AppliedNotes},
    error::StoreError,
};

pub async fn notes_are_kept_by_source_and_forgotten_one_by_one(base: &Base) -> Result<()> {
    let (one, two) = (base.tenant(1).await?.id, base.tenant(2).await?.id);
    let changes = base.sql.query(&SELECT_CHANGES, vec![]).await?;
    let note = |tenant, kind, entity: &str| Applied { tenant, kind, entity: entity.to_owned() };
    let of_one = AppliedKind::ALL.map(|kind| note(one, kind, "a"));
    let notes = &base.directory;
    for kind in &of_one {
        notes.note_applied("production", kind, at(1)).await?;
        // Noted again it is noted once.
        notes.note_applied("production", kind, at(2)).await?;
    }
    let other = note(two, AppliedKind::Key, "a");
    notes.note_applied("production", &other, at(1)).await?;
    notes.note_applied("staging", &of_one[0], at(1)).await?;
    let mut all = of_one.to_vec();
    all.sort_by_key(|one| one.kind.as_str());
    all.push(other.clone());
    ensure!(notes.list_applied("production").await? == all);
    notes.forget_applied("production", &of_one[0]).await?;
    notes.forget_applied("production", &of_one[0]).await?;
    all.retain(|one| *one != of_one[0]);
    ensure!(notes.list_applied("production").await? == all);
    ensure!(notes.list_applied("staging").await? == [of_one[0].clone()]);
    ensure!(notes.list_applied("nobody").await?.is_empty());
    let nowhere = note(TenantId::from_bytes([99; 16]), AppliedKind::Key, "a");
    ensure!(matches!(notes.note_applied("production", &nowhere, at(1)).await, Err(StoreError::Conflict)));
    // Nobody keeps a copy, so a note is no change.
    ensure!(base.sql.query(&SELECT_CHANGES, vec![]).await? == changes);
    Ok(())
}
