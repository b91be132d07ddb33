//! Begins the chains of tenants that an older release created.

use super::PAGE;
use crate::{
    access::change::Change,
    id::TenantId,
    ports::{
        directory::audit::{AuditFilter, AuditLog},
        error::StoreError,
    },
    tenant::OPERATOR,
};

/// The maximum number of pages of one pass.
const PAGES: usize = 500;

/// The maximum number of failures that a pass reports. If the operator's chain is damaged, every tenant fails.
const MOST_FAILED: usize = 100;

/// The result of a pass.
#[derive(Debug, Default)]
pub struct Begun {
    /// The number of chains that it began.
    pub chains: u64,
    /// The first [`MOST_FAILED`] tenants whose chain could not be begun, and why.
    pub failed: Vec<(TenantId, StoreError)>,
}

/// Begins the chain of each tenant that never had one. A tenant about which the operator's chain has an entry had a
/// chain: if it is gone, somebody removed it, and it is not begun again. Once the retention has cut the operator's
/// chain, that cannot be known any more, so no chain is begun. One damaged chain does not stop the others.
pub async fn begin_chains(log: &dyn AuditLog, by: &Change) -> Result<Begun, StoreError> {
    let (mut begun, mut after) = (Begun::default(), None);
    if log.chain_anchor(OPERATOR).await?.is_some() {
        return Ok(begun);
    }
    for _ in 0..PAGES {
        let page = log.list_headless(after, PAGE).await?;
        for tenant in &page {
            match begin_chain(log, *tenant, by).await {
                Ok(began) => begun.chains += u64::from(began),
                // The other tenants would only wait for the same store.
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error) if begun.failed.len() < MOST_FAILED => begun.failed.push((*tenant, error)),
                Err(_) => {}
            }
        }
        after = page.last().copied();
        if page.len() < usize::from(PAGE) {
            break;
        }
    }
    Ok(begun)
}

async fn begin_chain(log: &dyn AuditLog, tenant: TenantId, by: &Change) -> Result<bool, StoreError> {
    let about = AuditFilter { object: Some(tenant.to_string()), ..AuditFilter::default() };
    if !log.list_audit(OPERATOR, &about, None, 1).await?.is_empty() {
        return Ok(false);
    }
    log.begin_chain(tenant, by).await
}
