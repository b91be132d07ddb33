//! Watches the heads of the audit log. A database that was put back to an earlier state is consistent in
//! itself; a node that saw a later head notices it.

use countersign_core::{
    audit::chain::Head,
    context::Management,
    error::chain,
    id::TenantId,
    keyring::KeyRing,
    ports::{clock::Clock, error::StoreError},
    time::Timestamp,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);
/// The time between two lines of the log about one head.
const TELL_EVERY: Duration = Duration::from_secs(3_600);
/// The number of heads on a page.
const PAGE: u16 = 500;
/// The maximum number of tenants whose heads a node remembers: some 20 MB.
const MOST: usize = 200_000;

/// The reason why a head is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// It has a lower number than before.
    Back,
    /// It has another hash for the same number.
    Other,
    /// The key ring did not make its MAC.
    Mac,
    /// The tenant exists, but its head does not.
    Gone,
}

impl Wrong {
    fn as_str(self) -> &'static str {
        match self {
            Self::Back => "back",
            Self::Other => "other",
            Self::Mac => "mac",
            Self::Gone => "gone",
        }
    }
}

/// What a node remembers of a tenant.
struct Remembered {
    /// The highest genuine head.
    highest: Head,
    /// The number of the head in the last line of the log.
    told: Option<i64>,
    /// The wrong head that was reported last; its number is `None` for one that is gone.
    reported: Option<(Wrong, Option<i64>)>,
}

#[derive(Default)]
struct Heads(BTreeMap<TenantId, Remembered>);

impl Heads {
    /// Compares a head with the highest one, and remembers it. Returns what is wrong with it, once for each
    /// number.
    fn take(&mut self, keyring: &KeyRing, head: &Head) -> Option<Wrong> {
        let genuine = head.is_genuine(keyring);
        let known = self.0.get(&head.tenant).map(|known| (known.highest.n, known.highest.hash));
        let wrong = match known {
            _ if !genuine => Some(Wrong::Mac),
            Some((n, _)) if head.n < n => Some(Wrong::Back),
            Some((n, hash)) if head.n == n && head.hash != hash => Some(Wrong::Other),
            _ => None,
        };
        if wrong.is_none() {
            if let Some(known) = self.0.get_mut(&head.tenant) {
                known.highest = head.clone();
                known.reported = None;
            } else if self.0.len() < MOST {
                let new = Remembered { highest: head.clone(), told: None, reported: None };
                self.0.insert(head.tenant, new);
            }
        }
        wrong.filter(|wrong| self.is_news(head.tenant, *wrong, Some(head.n)))
    }

    fn is_news(&mut self, tenant: TenantId, wrong: Wrong, n: Option<i64>) -> bool {
        let Some(known) = self.0.get_mut(&tenant) else { return true };
        known.reported.replace((wrong, n)) != Some((wrong, n))
    }

    /// The heads that moved since the last call, for the log.
    fn moved(&mut self) -> impl Iterator<Item = &Head> {
        self.0.values_mut().filter_map(|known| {
            let n = known.highest.n;
            (known.told.replace(n) != Some(n)).then_some(&known.highest)
        })
    }
}

/// Reads all heads once a minute, until `stop` is set, and writes those that moved to the log once an hour.
pub(super) async fn watch_heads(management: Management, clock: Arc<dyn Clock>, stop: CancellationToken) {
    metrics::describe_counter!(
        "countersign_audit_heads_back_total",
        "Heads of the audit log that went back, differ or are not genuine; there should be none"
    );
    let (mut heads, mut told) = (Heads::default(), None::<Timestamp>);
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let round = look(&management, &mut heads);
        let outcome = tokio::select! { () = stop.cancelled() => return, outcome = round => outcome };
        if let Err(error) = outcome {
            tracing::warn!(error = %chain(&error), "The heads of the audit log cannot be read; they are read again in a minute");
            continue;
        }
        let now = clock.now();
        if told.is_none_or(|told| now.since(told) >= TELL_EVERY) {
            told = Some(now);
            for head in heads.moved() {
                let (tenant, head) = (head.tenant.to_string(), head.text());
                tracing::info!(target: "audit", head, tenant.id = tenant, "The head of the audit log");
            }
        }
    }
}

async fn look(management: &Management, heads: &mut Heads) -> Result<(), StoreError> {
    let (mut after, mut seen) = (None, BTreeSet::new());
    loop {
        let page = management.directory.list_chain_heads(after, PAGE).await?;
        for head in &page {
            seen.insert(head.tenant);
            if let Some(wrong) = heads.take(&management.keyring, head) {
                report(head.tenant, wrong, Some(head));
            }
        }
        after = page.last().map(|head| head.tenant);
        if page.len() < usize::from(PAGE) {
            break;
        }
    }
    let missing: Vec<_> = heads.0.keys().filter(|tenant| !seen.contains(tenant)).copied().collect();
    for tenant in missing {
        // The erasure of a tenant removes its chain with the tenant.
        match management.directory.tenant(tenant).await? {
            Some(found) if !found.erasing => {
                if heads.is_news(tenant, Wrong::Gone, None) {
                    report(tenant, Wrong::Gone, None);
                }
            }
            _ => drop(heads.0.remove(&tenant)),
        }
    }
    Ok(())
}

fn report(tenant: TenantId, wrong: Wrong, head: Option<&Head>) {
    metrics::counter!("countersign_audit_heads_back_total", "reason" => wrong.as_str()).increment(1);
    tracing::error!(
        tenant.id = %tenant,
        reason = wrong.as_str(),
        head = head.map(Head::text),
        "The head of a tenant's audit log is not one that follows the last; was the database put back or changed?"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::keyring::VersionedKey;

    const TENANT: TenantId = TenantId::from_bytes([1; 16]);

    fn ring(byte: u8) -> KeyRing {
        let key = || vec![VersionedKey { version: 1, key: [byte; 32] }];
        KeyRing::new([byte; 32], key(), key()).unwrap()
    }

    #[test]
    fn a_head_that_goes_back_or_differs_is_reported_once() {
        let (ring, mut heads) = (ring(1), Heads::default());
        let head = |n, byte| Head::at(&ring, TENANT, n, [byte; 32]);
        assert_eq!(heads.take(&ring, &head(5, 5)), None);
        assert_eq!(heads.take(&ring, &head(7, 7)), None);
        for (n, byte, wrong) in [(5, 5, Wrong::Back), (7, 8, Wrong::Other), (6, 6, Wrong::Back)] {
            assert_eq!(heads.take(&ring, &head(n, byte)), Some(wrong));
            assert_eq!(heads.take(&ring, &head(n, byte)), None, "told already");
        }
        assert_eq!(heads.take(&ring, &head(7, 7)), None);
        assert_eq!(heads.take(&ring, &head(6, 6)), Some(Wrong::Back), "it was right in between");
        assert_eq!(heads.take(&ring, &head(8, 8)), None);
    }

    #[test]
    fn a_forged_head_is_reported_and_not_remembered() {
        let (own, other, mut heads) = (ring(1), ring(2), Heads::default());
        assert_eq!(heads.take(&own, &Head::at(&own, TENANT, 5, [5; 32])), None);
        assert_eq!(heads.take(&own, &Head::at(&other, TENANT, 99, [9; 32])), Some(Wrong::Mac));
        let anchor = Head::anchor(&own, TENANT, 99, [9; 32]);
        assert_eq!(heads.take(&own, &anchor), None, "the same number was told already");
        assert_eq!(heads.take(&own, &Head::at(&own, TENANT, 6, [6; 32])), None);
    }

    #[test]
    fn only_heads_that_moved_go_to_the_log() {
        let (ring, mut heads) = (ring(1), Heads::default());
        heads.take(&ring, &Head::at(&ring, TENANT, 5, [5; 32]));
        assert_eq!(heads.moved().map(|head| head.n).collect::<Vec<_>>(), [5]);
        assert_eq!(heads.moved().count(), 0);
        heads.take(&ring, &Head::at(&ring, TENANT, 6, [6; 32]));
        assert_eq!(heads.moved().map(|head| head.n).collect::<Vec<_>>(), [6]);
    }
}
