//! The verification of a chain.

use super::PAGE;
use crate::{
    audit::{
        chain::{Break, Head, Verification},
        entry::Entry,
    },
    id::TenantId,
    keyring::KeyRing,
    ports::{directory::audit::AuditLog, error::StoreError},
};

/// How often a verification begins again because the retention moved the anchor meanwhile.
const ROUNDS: usize = 3;

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
    /// True if the retention removed the entry of the kept head, so that it cannot be compared.
    pub kept_removed: bool,
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
    let verification = match Verification::after(keyring, tenant, anchor) {
        Ok(verification) => verification,
        Err(broken) => return Ok(Err(broken)),
    };
    let begin = verification.n();
    let kept_removed = kept.is_some_and(|kept| kept.n < begin);
    let is = |n, hash| kept.is_some_and(|kept| (kept.n, kept.hash) == (n, hash));
    let mut seen = kept.is_none() || kept_removed || anchor.is_some_and(|anchor| is(anchor.n, anchor.hash));
    let note = |entry: &Entry| seen |= is(entry.n, entry.hash);
    let head = match to_head(log, keyring, tenant, verification, note).await? {
        Ok(head) => head,
        Err(broken) => return Ok(Err(broken)),
    };
    if let Some(kept) = kept.filter(|_| !seen) {
        return Ok(Err(Break::NotKept(kept.n)));
    }
    Ok(Ok(Verified { entries: head.n - begin, head, kept_removed }))
}

/// Compares the rest of a chain up to its head, which must be genuine. Calls `note` with each entry.
pub(super) async fn to_head(
    log: &dyn AuditLog,
    keyring: &KeyRing,
    tenant: TenantId,
    mut verification: Verification,
    mut note: impl FnMut(&Entry),
) -> Result<Result<Head, Break>, StoreError> {
    let stored = log.chain_head(tenant).await?;
    let head = stored.clone().unwrap_or_else(|| Head::first(keyring, tenant));
    loop {
        let page = log.read_chain(tenant, verification.n(), PAGE).await?;
        for entry in page.iter().take_while(|entry| entry.n <= head.n) {
            if let Err(broken) = verification.take(entry) {
                return Ok(Err(broken));
            }
            note(entry);
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
    Ok(verification.finish(keyring, &head).map(|()| head))
}
