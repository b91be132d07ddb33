//! Watches the heads of the audit log. A database that was put back to an earlier state is consistent in
//! itself; a node that saw a later head notices it.

use countersign_core::{
    audit::chain::Head,
    context::Management,
    error::chain,
    id::TenantId,
    keyring::KeyRing,
    management::audit::erasure_of,
    ports::{
        clock::Clock,
        directory::{Directory, audit::AuditLog},
        error::StoreError,
    },
    time::Timestamp,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const NAME: &str = "countersign_audit_heads_back_total";
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
    /// It has another hash for the same number, or the chain has another entry at the number from before.
    Other,
    /// The key ring did not make its MAC.
    Mac,
    /// The head does not exist any more, and no entry of the operator says that the tenant was erased.
    Gone,
    /// Its row cannot be read.
    Unreadable,
}

impl Wrong {
    const ALL: [Self; 5] = [Self::Back, Self::Other, Self::Mac, Self::Gone, Self::Unreadable];

    fn as_str(self) -> &'static str {
        match self {
            Self::Back => "back",
            Self::Other => "other",
            Self::Mac => "mac",
            Self::Gone => "gone",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What a node remembers of a tenant.
struct Remembered {
    /// The highest genuine head.
    highest: Head,
    /// The number of the head in the last line of the log.
    told: Option<i64>,
    /// The last report about this tenant: the reason, and the number of the wrong head. A head that is gone has
    /// no number.
    reported: Option<(Wrong, Option<i64>)>,
}

#[derive(Default)]
struct Heads(BTreeMap<TenantId, Remembered>);

impl Heads {
    /// Compares a head with the highest one, and remembers it if it is right.
    async fn take(
        &mut self,
        log: &dyn AuditLog,
        keyring: &KeyRing,
        head: &Head,
    ) -> Result<Option<Wrong>, StoreError> {
        let known = self.0.get(&head.tenant).map(|known| (known.highest.n, known.highest.hash));
        let wrong = match known {
            _ if !head.is_genuine(keyring) => Some(Wrong::Mac),
            Some((n, _)) if head.n < n => Some(Wrong::Back),
            Some((n, hash)) if head.n == n && head.hash != hash => Some(Wrong::Other),
            Some((n, hash)) if head.n > n && !follows(log, keyring, head.tenant, n, hash).await? => {
                Some(Wrong::Other)
            }
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
        Ok(wrong)
    }

    /// Whether the log has no line about this yet.
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

/// Whether the chain still has the entry that was its head. Otherwise somebody put the chain back, and later
/// changes took the same numbers. If the retention removed the entry, the anchor shows it.
async fn follows(
    log: &dyn AuditLog,
    keyring: &KeyRing,
    tenant: TenantId,
    n: i64,
    hash: [u8; 32],
) -> Result<bool, StoreError> {
    let found = match log.read_chain(tenant, n - 1, 1).await {
        Err(StoreError::Corrupt { .. }) => return Ok(false),
        found => found?,
    };
    if let Some(entry) = found.first().filter(|entry| entry.n == n) {
        return Ok(entry.hash == hash);
    }
    let anchor = match log.chain_anchor(tenant).await {
        Err(StoreError::Corrupt { .. }) => return Ok(false),
        anchor => anchor?.filter(|anchor| anchor.is_genuine_anchor(keyring)),
    };
    Ok(anchor.is_some_and(|anchor| anchor.n > n || (anchor.n == n && anchor.hash == hash)))
}

/// Reads all heads once a minute, until `stop` is set, and writes those that moved to the log once an hour.
pub(super) async fn watch_heads(management: Management, clock: Arc<dyn Clock>, stop: CancellationToken) {
    metrics::describe_counter!(
        NAME,
        "Looks at a head of the audit log that went back, differs, is gone, is not genuine or cannot be read; there should be none"
    );
    // An alert on an increase needs the value before it.
    for wrong in Wrong::ALL {
        metrics::counter!(NAME, "reason" => wrong.as_str()).increment(0);
    }
    let (mut heads, mut told) = (Heads::default(), None::<Timestamp>);
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let mut found = Vec::new();
        let round = look(&*management.directory, &management.keyring, &mut heads, &mut found);
        let outcome = tokio::select! { () = stop.cancelled() => return, outcome = round => outcome };
        for finding in &found {
            report(&mut heads, finding);
        }
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

/// What one look found wrong.
struct Finding {
    /// The tenant, if its id can be read.
    tenant: Option<TenantId>,
    wrong: Wrong,
    head: Option<Head>,
}

async fn look(
    directory: &dyn Directory,
    keyring: &KeyRing,
    heads: &mut Heads,
    found: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let (mut after, mut seen) = (String::new(), BTreeSet::new());
    loop {
        let page = directory.list_chain_heads(&after, PAGE).await?;
        for head in page.heads {
            seen.insert(head.tenant);
            if let Some(wrong) = heads.take(directory, keyring, &head).await? {
                found.push(Finding { tenant: Some(head.tenant), wrong, head: Some(head) });
            }
        }
        for text in page.unreadable {
            let tenant: Option<TenantId> = text.parse().ok();
            seen.extend(tenant);
            found.push(Finding { tenant, wrong: Wrong::Unreadable, head: None });
        }
        let Some(next) = page.next else { break };
        after = next;
    }
    let missing: Vec<_> = heads.0.keys().filter(|tenant| !seen.contains(tenant)).copied().collect();
    for tenant in missing {
        // The erasure of a tenant removes its chain, and leaves an entry in the operator's.
        match erasure_of(directory, keyring, tenant).await {
            Ok(Some(_)) => drop(heads.0.remove(&tenant)),
            Ok(None) | Err(StoreError::Corrupt { .. }) => {
                found.push(Finding { tenant: Some(tenant), wrong: Wrong::Gone, head: None });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Counts a wrong head at each look, and writes it to the log once.
fn report(heads: &mut Heads, Finding { tenant, wrong, head }: &Finding) {
    let wrong = *wrong;
    metrics::counter!(NAME, "reason" => wrong.as_str()).increment(1);
    if tenant.is_none_or(|tenant| heads.is_news(tenant, wrong, head.as_ref().map(|head| head.n))) {
        tracing::error!(
            tenant.id = tenant.map(|tenant| tenant.to_string()),
            reason = wrong.as_str(),
            head = head.as_ref().map(Head::text),
            "The head of a tenant's audit log is not one that follows the last; was the database put back or changed?"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::{
        access::change::Change, audit::entry::Draft, keyring::VersionedKey, tenant::OPERATOR,
    };
    use countersign_stores::{
        directory::SqlDirectory,
        sql::{Batch, Kind, Sql, Statement},
        sqlite::{Database, Options},
    };

    const TENANT: TenantId = TenantId::from_bytes([1; 16]);

    fn ring(byte: u8) -> Arc<KeyRing> {
        let key = || vec![VersionedKey { version: 1, key: [byte; 32] }];
        Arc::new(KeyRing::new([byte; 32], key(), key()).unwrap())
    }

    /// A database with a log, and a node that watches it.
    struct Place {
        sql: Sql,
        directory: SqlDirectory,
        heads: Heads,
        _folder: tempfile::TempDir,
    }

    impl Place {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("directory.sqlite");
            let sql = Sql::sqlite(Database::open(&file, Options { full_sync: false }).unwrap());
            sql.migrate().await.unwrap();
            const TENANT_ROW: Statement = Statement {
                table: "tenants",
                text: "INSERT INTO tenants (id, name, created_at) VALUES ($1, 'Acme', 1)",
                params: &[Kind::Text],
            };
            sql.execute(&TENANT_ROW, vec![TENANT.to_string().into()]).await.unwrap();
            let directory = SqlDirectory::new(sql.clone(), ring(1));
            Self { sql, directory, heads: Heads::default(), _folder: folder }
        }

        async fn append(&self, tenant: TenantId, action: &str) {
            let by = Change::by_system(Timestamp::from_micros(1));
            self.directory.append(tenant, &Draft::act(action, TENANT), &by).await.unwrap();
        }

        async fn head(&self) -> Head {
            self.directory.chain_head(TENANT).await.unwrap().unwrap()
        }

        /// Changes the database behind the server's back.
        async fn tamper(&self, text: &str) {
            let text: &'static str = format!("{text} WHERE tenant_id = '{TENANT}'").leak();
            let statement: &'static Statement =
                Box::leak(Box::new(Statement { table: "audit", text, params: &[] }));
            self.sql.batch(Batch::default().run(statement, vec![])).await.unwrap();
        }

        /// Puts the chain back to an earlier head.
        async fn put_back(&self, head: &Head) {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let (n, hash, mac) = (head.n, hex(&head.hash), hex(&head.mac.mac));
            self.tamper(&format!("UPDATE audit_heads SET n = {n}, hash = x'{hash}', mac = x'{mac}'")).await;
            let text: &'static str =
                format!("DELETE FROM audit WHERE tenant_id = '{TENANT}' AND n > {n}").leak();
            let statement: &'static Statement =
                Box::leak(Box::new(Statement { table: "audit", text, params: &[] }));
            self.sql.batch(Batch::default().run(statement, vec![])).await.unwrap();
        }

        /// What one look finds wrong, and whether it is news.
        async fn look(&mut self) -> Vec<(Wrong, bool)> {
            let mut found = Vec::new();
            look(&self.directory, &ring(1), &mut self.heads, &mut found).await.unwrap();
            let news = |one: &Finding| {
                let n = one.head.as_ref().map(|head| head.n);
                (one.wrong, self.heads.is_news(one.tenant.unwrap(), one.wrong, n))
            };
            found.iter().map(news).collect()
        }
    }

    #[tokio::test]
    async fn a_chain_that_was_put_back_is_found_even_when_it_has_grown_since() {
        let mut place = Place::new().await;
        place.append(TENANT, "one").await;
        place.append(TENANT, "two").await;
        let early = place.head().await;
        place.append(TENANT, "three").await;
        assert_eq!(place.look().await, []);
        let late = place.head().await;
        place.put_back(&early).await;
        assert_eq!(place.look().await, [(Wrong::Back, true)]);
        assert_eq!(place.look().await, [(Wrong::Back, false)], "it is counted at each look, and told once");
        place.append(TENANT, "other").await;
        assert_eq!(place.look().await, [(Wrong::Other, true)]);
        place.append(TENANT, "four").await;
        assert_eq!(place.head().await.n, late.n + 1);
        assert_eq!(place.look().await, [(Wrong::Other, true)], "the entry of the former head is another");
    }

    #[tokio::test]
    async fn a_chain_that_grows_or_that_the_retention_cuts_is_right() {
        let mut place = Place::new().await;
        place.append(TENANT, "one").await;
        assert_eq!(place.look().await, []);
        let first = place.head().await;
        for _ in 0..3 {
            place.append(TENANT, "more").await;
        }
        assert_eq!(place.look().await, []);
        assert_eq!(place.heads.moved().map(|head| head.n).collect::<Vec<_>>(), [4]);
        assert_eq!(place.heads.moved().count(), 0);
        place.heads = Heads::default();
        place.heads.0.insert(TENANT, Remembered { highest: first.clone(), told: None, reported: None });
        let cut = Head::anchor(&ring(1), TENANT, first.n, first.hash);
        place.directory.forget_audit(&cut, &Change::by_system(Timestamp::default())).await.unwrap();
        assert_eq!(place.look().await, []);
        place.heads.0.insert(TENANT, Remembered { highest: first, told: None, reported: None });
        place.tamper("DELETE FROM audit_anchors").await;
        assert_eq!(place.look().await, [(Wrong::Other, true)], "no anchor says that it was removed");
    }

    #[tokio::test]
    async fn a_forged_head_and_one_that_cannot_be_read_are_found() {
        let mut place = Place::new().await;
        place.append(OPERATOR, "one").await;
        place.append(TENANT, "one").await;
        assert_eq!(place.look().await, []);
        place.tamper("UPDATE audit_heads SET n = 99").await;
        assert_eq!(place.look().await, [(Wrong::Mac, true)]);
        place.tamper("UPDATE audit_heads SET mac = x'00'").await;
        place.append(OPERATOR, "two").await;
        assert_eq!(place.look().await, [(Wrong::Unreadable, true)]);
        assert_eq!(place.heads.0[&OPERATOR].highest.n, 2, "the others are read");
        assert_eq!(place.heads.0[&TENANT].highest.n, 1, "a wrong head is not remembered");
    }

    #[tokio::test]
    async fn a_head_that_is_gone_is_found_unless_the_operators_chain_has_the_erasure() {
        let mut place = Place::new().await;
        place.append(OPERATOR, "tenant.create").await;
        place.append(TENANT, "one").await;
        assert_eq!(place.look().await, []);
        place.tamper("DELETE FROM audit_heads").await;
        assert_eq!(place.look().await, [(Wrong::Gone, true)], "without a row of the tenant");
        assert_eq!(place.look().await, [(Wrong::Gone, false)]);
        place.append(OPERATOR, "tenant.erase").await;
        assert_eq!(place.look().await, []);
        assert!(!place.heads.0.contains_key(&TENANT));
    }
}
