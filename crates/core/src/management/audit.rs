//! The audit log: its list, its export, its verification and its retention.

use crate::{
    access::{actor::Actor, change::Change},
    audit::{
        chain::{Break, Head, Verification},
        entry::Entry,
    },
    id::TenantId,
    keyring::KeyRing,
    ports::{
        directory::audit::{AuditFilter, AuditLog},
        error::StoreError,
    },
    time::Timestamp,
};
use std::time::Duration;

/// The number of entries that one step reads. An entry is at most a few kilobytes.
const PAGE: u16 = 200;
/// The number of entries that one step of the retention removes.
const AT_ONCE: u16 = 500;
/// The maximum number of steps of the retention in one pass.
const STEPS: usize = 200;
/// How much longer than the retention an entry may stay. Without this time, the retention would remove each
/// entry alone, and write an entry about each.
const LEEWAY: Duration = Duration::from_secs(86_400);
/// How often a verification begins again because the retention moved the anchor meanwhile.
const ROUNDS: usize = 3;

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
        Ok(Self { tenant, from, after: 0, last })
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

/// A head that somebody noted outside the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub n: i64,
    pub hash: [u8; 32],
}

/// A chain that is as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The number of entries that were compared.
    pub entries: i64,
    /// The last entry, or the entry after which the chain begins.
    pub head: Head,
}

/// Compares a tenant's chain with its anchor and its head, and with a head that was kept elsewhere.
pub async fn verify(
    log: &dyn AuditLog,
    keyring: &KeyRing,
    tenant: TenantId,
    kept: Option<Kept>,
) -> Result<Result<Verified, Break>, StoreError> {
    let mut anchor = log.chain_anchor(tenant).await?;
    for _ in 1..ROUNDS {
        let found = verify_after(log, keyring, tenant, anchor.as_ref(), kept).await?;
        let now = log.chain_anchor(tenant).await?;
        if found.is_ok() || now == anchor {
            return Ok(found);
        }
        anchor = now;
    }
    verify_after(log, keyring, tenant, anchor.as_ref(), kept).await
}

async fn verify_after(
    log: &dyn AuditLog,
    keyring: &KeyRing,
    tenant: TenantId,
    anchor: Option<&Head>,
    kept: Option<Kept>,
) -> Result<Result<Verified, Break>, StoreError> {
    let stored = log.chain_head(tenant).await?;
    let head = stored.clone().unwrap_or_else(|| Head::first(keyring, tenant));
    let mut verification = match Verification::after(keyring, tenant, anchor) {
        Ok(verification) => verification,
        Err(broken) => return Ok(Err(broken)),
    };
    let begin = verification.n();
    // The retention may have removed the kept entry; then nothing but its number can be compared.
    let mut seen =
        kept.is_none_or(|kept| kept.n < begin || anchor.is_some_and(|anchor| is_kept(anchor, kept)));
    loop {
        let page = log.read_chain(tenant, verification.n(), PAGE).await?;
        for entry in page.iter().take_while(|entry| entry.n <= head.n) {
            if let Err(broken) = verification.take(entry) {
                return Ok(Err(broken));
            }
            seen |= kept.is_some_and(|kept| (kept.n, kept.hash) == (entry.n, entry.hash));
        }
        let beyond = page.last().filter(|entry| entry.n > head.n);
        if beyond.is_some() || page.is_empty() {
            // A change appends its entry and moves the head at once. So an entry after the head is one of a
            // change that came since the head was read, or it is forged.
            if beyond.is_some() && log.chain_head(tenant).await? == stored {
                return Ok(Err(if stored.is_some() { Break::Beyond(head.n + 1) } else { Break::NoHead }));
            }
            break;
        }
    }
    if let Err(broken) = verification.finish(keyring, &head) {
        return Ok(Err(broken));
    }
    if let Some(kept) = kept.filter(|_| !seen) {
        return Ok(Err(Break::NotKept(kept.n)));
    }
    Ok(Ok(Verified { entries: head.n - begin, head }))
}

fn is_kept(head: &Head, kept: Kept) -> bool {
    (head.n, head.hash) == (kept.n, kept.hash)
}

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
pub async fn forget_old(log: &dyn AuditLog, before: Timestamp, by: &Change) -> Result<Forgotten, StoreError> {
    let (mut forgotten, mut after, mut steps) = (Forgotten::default(), None, STEPS);
    loop {
        let heads = log.list_chain_heads(after, PAGE).await?;
        for Head { tenant, .. } in &heads {
            match forget_of(log, *tenant, before, by, &mut steps).await {
                Ok(removed) => forgotten.entries += removed,
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error) => forgotten.failed.push((*tenant, error)),
            }
        }
        after = heads.last().map(|head| head.tenant);
        if heads.len() < usize::from(PAGE) || steps == 0 {
            return Ok(forgotten);
        }
    }
}

async fn forget_of(
    log: &dyn AuditLog,
    tenant: TenantId,
    before: Timestamp,
    by: &Change,
    steps: &mut usize,
) -> Result<u64, StoreError> {
    let oldest = log.read_chain(tenant, 0, 1).await?;
    if oldest.first().is_none_or(|entry| entry.at >= before - LEEWAY) {
        return Ok(0);
    }
    let mut removed = 0;
    while *steps > 0 {
        *steps -= 1;
        let now = log.forget_audit(tenant, before, AT_ONCE, by).await?;
        removed += now;
        if now < u64::from(AT_ONCE) {
            break;
        }
    }
    Ok(removed)
}
