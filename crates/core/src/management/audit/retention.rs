//! The retention of the audit log.

use super::{PAGE, verification::to_head};
use crate::{
    access::change::Change,
    audit::chain::{Head, Verification},
    id::TenantId,
    keyring::KeyRing,
    ports::{directory::Directory, error::StoreError},
    time::Timestamp,
};
use std::time::Duration;

/// The number of entries that one step removes.
const AT_ONCE: i64 = 500;
/// The maximum number of steps in one pass.
const STEPS: usize = 200;
/// How much longer than the retention an entry may stay. Without this time, the retention would remove each
/// entry alone, and write an entry about each.
const LEEWAY: Duration = Duration::from_secs(86_400);

/// What a pass of the retention did.
#[derive(Debug, Default)]
pub struct Forgotten {
    /// The number of entries that it removed.
    pub entries: u64,
    /// The chains that could not be cut, with the reasons.
    pub failed: Vec<(TenantId, StoreError)>,
}

/// Removes the entries of all tenants from before this time, as far as one pass gets. Several nodes may do so at
/// once.
pub async fn forget_old(
    directory: &dyn Directory,
    keyring: &KeyRing,
    before: Timestamp,
    by: &Change,
) -> Result<Forgotten, StoreError> {
    let (mut forgotten, mut after, mut steps) = (Forgotten::default(), String::new(), STEPS);
    loop {
        let page = directory.list_chain_heads(&after, PAGE).await?;
        for Head { tenant, .. } in page.heads {
            match forget_of(directory, keyring, tenant, before, by, &mut steps).await {
                Ok(removed) => forgotten.entries += removed,
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error) => forgotten.failed.push((tenant, error)),
            }
        }
        match page.next {
            Some(next) if steps > 0 => after = next,
            _ => return Ok(forgotten),
        }
    }
}

/// Verifies the whole chain before it removes its beginning: otherwise somebody could have the retention remove
/// forged entries, and keep the anchor that makes the rest genuine.
async fn forget_of(
    directory: &dyn Directory,
    keyring: &KeyRing,
    tenant: TenantId,
    before: Timestamp,
    by: &Change,
    steps: &mut usize,
) -> Result<u64, StoreError> {
    let oldest = directory.read_chain(tenant, 0, 1).await?;
    if *steps == 0 || oldest.first().is_none_or(|entry| entry.at >= before - LEEWAY) {
        return Ok(0);
    }
    let corrupt = |error| StoreError::Corrupt { table: "audit", id: format!("{tenant}: {error}") };
    let anchor = directory.chain_anchor(tenant).await?;
    let begin = Verification::after(keyring, tenant, anchor.as_ref()).map_err(corrupt)?;
    let (first, mut old, mut last, mut cuts) = (begin.n(), true, None, Vec::new());
    let outcome = to_head(directory, keyring, tenant, begin, |entry| {
        // The last entry of the chain stays, so each is noted only when the next one comes.
        if let Some((n, hash)) = last.take() {
            // Each step removes so many entries; the last step removes the rest.
            cuts.truncate(usize::try_from((n - first - 1) / AT_ONCE).unwrap_or(usize::MAX));
            cuts.push((n, hash));
        }
        old &= entry.at < before;
        last = old.then_some((entry.n, entry.hash));
    });
    match outcome.await? {
        Ok(_) => {}
        // The erasure removes entries in its own order.
        Err(_) if is_erasing(directory, tenant).await? => return Ok(0),
        Err(broken) => return Err(corrupt(broken)),
    }
    let mut removed = 0;
    for (n, hash) in cuts {
        if *steps == 0 || is_erasing(directory, tenant).await? {
            break;
        }
        *steps -= 1;
        removed += directory.forget_audit(&Head::anchor(keyring, tenant, n, hash), by).await?;
    }
    Ok(removed)
}

async fn is_erasing(directory: &dyn Directory, tenant: TenantId) -> Result<bool, StoreError> {
    Ok(directory.tenant(tenant).await?.is_none_or(|found| found.erasing))
}
