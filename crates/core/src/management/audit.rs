//! The audit log: its list, its export, its verification, its beginning and its retention.

mod begin;
mod retention;
mod standing;
mod verification;

use crate::{
    access::actor::Actor,
    audit::entry::Entry,
    id::TenantId,
    ports::{
        directory::audit::{AuditFilter, AuditLog},
        error::StoreError,
    },
    time::Timestamp,
};
pub use begin::{Begun, begin_chains};
pub use retention::{Forgotten, forget_old};
pub use standing::{Standing, erasure_of, standing_of};
pub use verification::{Kept, Verified, verify};

/// The number of entries that one step reads. An entry is at most a few kilobytes.
const PAGE: u16 = 200;

/// The entries of the actor's tenant with a number below `before`, newest first.
pub async fn list_entries(
    log: &dyn AuditLog,
    actor: &Actor,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: u16,
) -> Result<Vec<Entry>, StoreError> {
    log.list_audit(actor.tenant, filter, before, limit).await
}

/// A part of a chain without gaps, oldest entry first: from the first entry at or after one time to the last
/// entry before another. The clocks of nodes differ, so an entry between them may have an earlier or a later
/// time.
#[derive(Debug)]
pub struct Export {
    tenant: TenantId,
    /// The first entry has this time or a later one; `None` once it was found.
    from: Option<Timestamp>,
    /// The number of the last entry that was read.
    after: i64,
    /// The number of the last entry of the export.
    last: i64,
}

impl Export {
    pub async fn begin(
        log: &dyn AuditLog,
        tenant: TenantId,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Self, StoreError> {
        let filter = AuditFilter { from, until, ..AuditFilter::default() };
        let last = log.list_audit(tenant, &filter, None, 1).await?.first().map_or(0, |entry| entry.n);
        let after = match from {
            Some(from) => log.number_before(tenant, from).await?,
            None => 0,
        };
        Ok(Self { tenant, from, after, last })
    }

    /// The next entries. It is empty after the last one.
    pub async fn next_page(&mut self, log: &dyn AuditLog) -> Result<Vec<Entry>, StoreError> {
        while self.after < self.last {
            let mut page = log.read_chain(self.tenant, self.after, PAGE).await?;
            // Without a further entry, the retention has removed the rest meanwhile.
            self.after = page.last().map_or(self.last, |entry| entry.n);
            page.retain(|entry| entry.n <= self.last);
            if let Some(from) = self.from {
                let early = page.iter().take_while(|entry| entry.at < from).count();
                page.drain(..early);
            }
            if !page.is_empty() {
                self.from = None;
                return Ok(page);
            }
        }
        Ok(Vec::new())
    }
}
