//! Begins the chains of tenants that an older release created.

use super::PAGE;
use crate::{
    access::change::Change,
    ports::{
        directory::audit::{AuditFilter, AuditLog},
        error::StoreError,
    },
    tenant::OPERATOR,
};

/// The maximum number of pages of one pass.
const PAGES: usize = 500;

/// Begins the chain of each tenant that never had one. Returns how many it began. A tenant about which the
/// operator's chain has an entry had a chain: if it is gone, somebody removed it, and it is not begun again. Once
/// the retention has cut the operator's chain, that cannot be known any more, so no chain is begun.
pub async fn begin_chains(log: &dyn AuditLog, by: &Change) -> Result<u64, StoreError> {
    let (mut begun, mut after) = (0, None);
    if log.chain_anchor(OPERATOR).await?.is_some() {
        return Ok(0);
    }
    for _ in 0..PAGES {
        let page = log.list_headless(after, PAGE).await?;
        for tenant in &page {
            let about = AuditFilter { object: Some(tenant.to_string()), ..AuditFilter::default() };
            if log.list_audit(OPERATOR, &about, None, 1).await?.is_empty() {
                begun += u64::from(log.begin_chain(*tenant, by).await?);
            }
        }
        after = page.last().copied();
        if page.len() < usize::from(PAGE) {
            break;
        }
    }
    Ok(begun)
}
