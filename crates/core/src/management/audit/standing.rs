//! Whether a tenant must have a chain.

use super::verification::{Kept, Verified, to_head, verify};
use crate::{
    audit::chain::{Break, Verification},
    id::TenantId,
    keyring::KeyRing,
    ports::{
        directory::{
            Directory,
            audit::{AuditFilter, AuditLog},
        },
        error::StoreError,
    },
    tenant::OPERATOR,
};

/// What is right about the chain of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Whole(Verified),
    /// The tenant is erased, or the server erases it, by this entry of the operator.
    Erased {
        entry: i64,
    },
}

/// Verifies the chain of a tenant. Only the erasure of the tenant excuses a missing or a broken one.
pub async fn standing_of(
    directory: &dyn Directory,
    keyring: &KeyRing,
    tenant: TenantId,
    kept: Option<Kept>,
) -> Result<Result<Standing, Break>, StoreError> {
    if !exists(directory, tenant).await? {
        let erasure = erasure_of(directory, keyring, tenant).await?;
        return Ok(erasure.map(|entry| Standing::Erased { entry }).ok_or(Break::NoTenant));
    }
    let broken = match verify(directory, keyring, tenant, kept).await? {
        Ok(Verified { entries: 0, head, .. }) if head.n == 0 => Break::NoChain,
        Ok(verified) => return Ok(Ok(Standing::Whole(verified))),
        Err(broken) => broken,
    };
    // The erasure may have begun meanwhile.
    let erasure =
        if exists(directory, tenant).await? { None } else { erasure_of(directory, keyring, tenant).await? };
    Ok(erasure.map(|entry| Standing::Erased { entry }).ok_or(broken))
}

/// Whether the tenant exists and is not being erased.
async fn exists(directory: &dyn Directory, tenant: TenantId) -> Result<bool, StoreError> {
    Ok(directory.tenant(tenant).await?.is_some_and(|found| !found.erasing))
}

/// The number of the operator's entry by which the tenant was erased, if the entry is genuine: it must lead to
/// the operator's head. A later entry about the tenant says that the tenant was created again.
pub async fn erasure_of(
    log: &dyn AuditLog,
    keyring: &KeyRing,
    tenant: TenantId,
) -> Result<Option<i64>, StoreError> {
    let filter = AuditFilter {
        object: Some(tenant.to_string()),
        action: Some("tenant".to_owned()),
        ..AuditFilter::default()
    };
    let found = log.list_audit(OPERATOR, &filter, None, 1).await?;
    let ends = |action: &str| matches!(action, "tenant.erase" | "tenant.delete");
    let Some(entry) = found.first().filter(|entry| ends(&entry.action)) else { return Ok(None) };
    let anchor = log.chain_anchor(OPERATOR).await?;
    let before = log.read_chain(OPERATOR, entry.n - 2, 1).await?;
    let begin = match before.first().filter(|before| before.n == entry.n - 1) {
        Some(before) => Ok(Verification::after_entry(before)),
        // The retention removed the entry before it.
        None => Verification::after(keyring, OPERATOR, anchor.as_ref()),
    };
    let Ok(begin) = begin else { return Ok(None) };
    let mut genuine = false;
    let note = |one: &crate::audit::entry::Entry| genuine |= one == entry;
    let outcome = to_head(log, keyring, OPERATOR, begin, note).await?;
    Ok((outcome.is_ok() && genuine).then_some(entry.n))
}
