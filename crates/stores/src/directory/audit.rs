//! The audit log. Each change of the directory appends its entry in the same transaction.
//!
//! A change first reads the head of the chain, then the object. Its batch moves the head from the number that
//! was read. If another change of the tenant was first, the batch is rolled back, and everything is read
//! again. So the state before, in an entry, is always the state after of the object's former entry.

use super::SqlDirectory;
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Statement, Value,
};
use countersign_core::{
    access::{actor::Who, change::Change},
    audit::{
        chain::Head,
        entry::{Author, Draft, Entry},
    },
    id::{MemberId, TenantId},
    keyring::{ChainMac, KeyRing},
    ports::{directory::audit::AuditLog as _, error::StoreError},
    tenant::OPERATOR,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// How often a change that ends nothing is repeated if another change of the tenant was first. In each round one
/// succeeds, so this many processes may change one tenant at once.
const ROUNDS: usize = 64;

/// The number of changes that the keys and members of a tenant may make in [`A_DAY`]. The log keeps each for a
/// year, so a tenant must not fill the database with them.
const MOST_IN_A_DAY: u32 = 20_000;
/// The number for test keys, which lie in scripts and on laptops.
const MOST_BY_TEST_KEYS: u32 = 2_000;
/// The number for subusers and their keys, so that the owners can still change something.
const MOST_BY_SUBUSERS: u32 = 2_000;
/// The number for erasures of phone numbers, which the law may demand.
const MOST_ERASURES: u32 = 30_000;
const A_DAY: Duration = Duration::from_secs(86_400);

/// How long a change waits for the other changes of its tenant in this process, and how long a change that ends
/// something is repeated.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) const READ_CHAIN_HEAD: Statement = Statement {
    table: "audit_heads",
    text: "SELECT tenant_id, n, hash, mac_version, mac FROM audit_heads WHERE tenant_id = $1",
    params: &[Text],
};

/// Moves a head to its next entry. It touches no row if the head has moved since it was read.
pub(super) const MOVE_CHAIN_HEAD: Statement = Statement {
    table: "audit_heads",
    text: "INSERT INTO audit_heads (tenant_id, n, hash, mac_version, mac)
        SELECT $1, $2, $3, $4, $5
            WHERE $2 = 1 OR EXISTS (SELECT 1 FROM audit_heads WHERE tenant_id = $1)
        ON CONFLICT (tenant_id) DO UPDATE SET n = excluded.n, hash = excluded.hash,
            mac_version = excluded.mac_version, mac = excluded.mac
        WHERE audit_heads.n = excluded.n - 1",
    params: &[Text, Int, Bytes, Int, Bytes],
};

/// Touches no row if the chain has an entry with this number, which its head does not know.
pub(super) const APPEND_ENTRY: Statement = Statement {
    table: "audit",
    text: "INSERT INTO audit (tenant_id, n, at, actor, acting_for, address, request, action, object,
            state_before, state_after, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (tenant_id, n) DO NOTHING",
    params: &[Text, Int, Int, Text, Text, Text, Text, Text, Text, Text, Text, Bytes],
};

/// Returns one row unless the entry with this number is younger than the time.
pub(super) const COUNT_ENTRIES: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND NOT EXISTS (SELECT 1 FROM audit WHERE tenant_id = $1 AND n = $2 AND at > $3)",
    params: &[Text, Int, Int],
};

/// As [`COUNT_ENTRIES`], for authors who are subusers: it always returns a row for an owner.
pub(super) const COUNT_ENTRIES_OF_SUBUSER: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (NOT EXISTS (SELECT 1 FROM audit WHERE tenant_id = $1 AND n = $2 AND at > $3)
            OR EXISTS (SELECT 1 FROM members WHERE tenant_id = $1 AND id = $4 AND role = 'owner'))",
    params: &[Text, Int, Int, Text],
};

pub(super) const ERASE_ENTRIES: Statement = Statement {
    table: "audit",
    text: "DELETE FROM audit WHERE tenant_id = $1 AND n IN
            (SELECT n FROM audit WHERE tenant_id = $1 ORDER BY n LIMIT $2)
        RETURNING n",
    params: &[Text, Int],
};

pub(super) const ERASE_CHAIN_HEAD: Statement =
    Statement { table: "audit_heads", text: "DELETE FROM audit_heads WHERE tenant_id = $1", params: &[Text] };

pub(super) const ERASE_ANCHOR: Statement = Statement {
    table: "audit_anchors",
    text: "DELETE FROM audit_anchors WHERE tenant_id = $1",
    params: &[Text],
};

pub(super) fn read_head(row: &Row) -> Result<Head, StoreError> {
    let fixed = |index| row.bytes(index)?.try_into().map_err(|_| row.corrupt());
    Ok(Head {
        tenant: row.parsed(0, |text| text.parse().ok())?,
        n: row.int(1)?,
        hash: fixed(2)?,
        mac: ChainMac { version: row.int(3)?.try_into().map_err(|_| row.corrupt())?, mac: fixed(4)? },
    })
}

pub(super) fn head_values(head: &Head) -> Vec<Value> {
    vec![
        head.tenant.to_string().into(),
        head.n.into(),
        head.hash.as_slice().into(),
        i64::from(head.mac.version).into(),
        head.mac.mac.as_slice().into(),
    ]
}

/// The number of entries of the last day at which the author may not add this one; `None` without a bound. What
/// ends something has none, so that a thief of a key cannot keep the owner from ending it: only as many things
/// end as were made.
fn most_in_a_day(draft: &Draft, by: &Change) -> Option<u32> {
    if !matches!(by.who, Who::Key(_) | Who::Member { .. }) || draft.ends() {
        None
    } else if draft.action.starts_with("number.erase") {
        Some(MOST_ERASURES)
    } else if by.test {
        Some(MOST_BY_TEST_KEYS)
    } else {
        Some(MOST_IN_A_DAY)
    }
}

/// The chains to which a change belongs, as they were read.
pub(crate) struct Chains {
    pub keyring: Arc<KeyRing>,
    pub heads: Vec<Head>,
    /// Whether the change ends something, though its draft does not say so.
    pub ends: bool,
}

impl Chains {
    /// Adds the statements that append the entry to each chain. In the operator's chain, the object of another
    /// tenant has that tenant's id before its own: `ten_.../key_...`.
    pub fn append(&mut self, batch: Batch, draft: &Draft, by: &Change) -> Batch {
        let most = most_in_a_day(draft, by).filter(|_| !self.ends);
        let tenant = self.heads[0].tenant;
        let of_tenant = Draft { object: format!("{tenant}/{}", draft.object), ..draft.clone() };
        let named = draft.object == tenant.to_string();
        self.heads.iter_mut().fold(batch, |mut batch, head| {
            let draft = if head.tenant == tenant || named { draft } else { &of_tenant };
            if let Some(most) = most.filter(|_| head.tenant != OPERATOR) {
                batch = count_entries(batch, head, most, None, by);
                if let Some(member) = by.member.filter(|_| most > MOST_BY_SUBUSERS) {
                    batch = count_entries(batch, head, MOST_BY_SUBUSERS, Some(member), by);
                }
            }
            let (entry, next) = head.append(&self.keyring, draft, by);
            *head = next;
            let Entry { tenant, n, at, author: Author { actor, acting_for }, .. } = entry;
            let values = vec![
                tenant.to_string().into(),
                n.into(),
                at.micros().into(),
                actor.into(),
                acting_for.into(),
                entry.address.into(),
                entry.request.into(),
                entry.action.into(),
                entry.object.into(),
                entry.before.into(),
                entry.after.into(),
                entry.hash.as_slice().into(),
            ];
            batch.run_unmoved(&MOVE_CHAIN_HEAD, head_values(head)).run_sound(&APPEND_ENTRY, values)
        })
    }
}

/// Adds the statement that the chain has fewer than `most` entries of the last day. If a member is given, it holds
/// only for a subuser.
fn count_entries(batch: Batch, head: &Head, most: u32, of: Option<MemberId>, by: &Change) -> Batch {
    let full_since = head.n + 1 - i64::from(most);
    if full_since <= 0 {
        return batch;
    }
    let since = (by.at - A_DAY).micros();
    let mut values: Vec<Value> = vec![head.tenant.to_string().into(), full_since.into(), since.into()];
    let statement = if of.is_some() { &COUNT_ENTRIES_OF_SUBUSER } else { &COUNT_ENTRIES };
    values.extend(of.map(|member| Value::from(member.to_string())));
    batch.run_within(("changes in 24 hours", most), statement, values)
}

/// The chains of a change of a tenant.
pub(super) fn chains_of(tenant: TenantId, by: &Change) -> Vec<TenantId> {
    let operators = matches!(by.who, Who::Operator(_)) || by.of == Some(OPERATOR);
    match tenant {
        tenant if operators && tenant != OPERATOR => vec![tenant, OPERATOR],
        tenant => vec![tenant],
    }
}

impl SqlDirectory {
    /// The head of a chain, to which the next entry is appended. A head that the key ring did not make is
    /// refused: the next one, with a genuine MAC, would vouch for it.
    pub(super) async fn head(&self, tenant: TenantId) -> Result<Head, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt {
            table: "audit_heads",
            id: format!("{tenant}: {what}; `countersign audit verify` says more"),
        };
        let mut head = self.chain_head(tenant).await?;
        let begun = head.is_some()
            || self.chain_anchor(tenant).await?.is_some()
            || !self.read_chain(tenant, i64::MIN, 1).await?.is_empty();
        if begun && head.is_none() {
            // Another change may have begun the chain between these reads.
            head = self.chain_head(tenant).await?;
        }
        match head {
            Some(head) if head.is_genuine(&self.keyring) => Ok(head),
            Some(_) => Err(corrupt("the MAC is wrong")),
            None if begun => Err(corrupt("the head is missing")),
            None => Ok(Head::first(&self.keyring, tenant)),
        }
    }

    async fn chains(&self, tenants: &[TenantId]) -> Result<Chains, StoreError> {
        let mut heads = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            heads.push(self.head(*tenant).await?);
        }
        Ok(Chains { keyring: Arc::clone(&self.keyring), heads, ends: false })
    }

    /// Makes a change of a tenant with its entry. What the operator does in a tenant is also in the operator's
    /// own chain.
    pub(super) async fn audited<T, F>(
        &self,
        tenant: TenantId,
        by: &Change,
        round: impl FnMut(Chains) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let _waiting = self.turns.join(by)?;
        self.audited_in(&chains_of(tenant, by), round).await
    }

    /// Like [`Self::audited`]. If the change ends something, it does not wait for its turn, and is repeated for as
    /// long as the caller waits: a thief who makes many changes must not keep the owner from ending the key. The
    /// head of the chain guards it as it guards each change.
    pub(super) async fn audited_until<T, F>(
        &self,
        tenant: TenantId,
        (by, ends): (&Change, bool),
        round: impl FnMut(Chains) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        if ends {
            self.repeated(&chains_of(tenant, by), Repeats::UntilDeadline, round).await
        } else {
            self.audited(tenant, by, round).await
        }
    }

    /// Makes a change with an entry in each of these chains.
    pub(super) async fn audited_in<T, F>(
        &self,
        tenants: &[TenantId],
        round: impl FnMut(Chains) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let turn = timeout(PATIENCE, self.turns.of(tenants[0]).lock()).await;
        let _turn = turn.map_err(|_| StoreError::Busy)?;
        self.repeated(tenants, Repeats::Rounds, round).await
    }

    /// Like [`Self::audited_in`], for changes of persons. See [`Self::audited_until`] about those that end something.
    pub(crate) async fn audited_in_each<T, F>(
        &self,
        tenants: &[TenantId],
        ends: bool,
        round: impl FnMut(Chains) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        if ends {
            self.repeated(tenants, Repeats::UntilDeadline, round).await
        } else {
            self.audited_in(tenants, round).await
        }
    }

    /// `round` reads the object, and commits a batch with the entry. It runs again if a chain has moved
    /// meanwhile.
    async fn repeated<T, F>(
        &self,
        tenants: &[TenantId],
        repeats: Repeats,
        mut round: impl FnMut(Chains) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let (began, mut rounds) = (Instant::now(), 0);
        loop {
            let chains = self.chains(tenants).await?;
            let read: Vec<i64> = chains.heads.iter().map(|head| head.n).collect();
            match round(chains).await {
                Err(StoreError::Moved) => {
                    let now = self.chains(tenants).await?;
                    // The chain is as it was: what the caller decided by has moved.
                    if now.heads.iter().map(|head| head.n).eq(read) {
                        return Err(StoreError::Moved);
                    }
                }
                outcome => return outcome,
            }
            rounds += 1;
            let more = match repeats {
                Repeats::Rounds => rounds < ROUNDS,
                Repeats::UntilDeadline => began.elapsed() < PATIENCE,
            };
            if !more {
                return Err(StoreError::Busy);
            }
        }
    }
}

/// How often a change is repeated.
#[derive(Clone, Copy)]
enum Repeats {
    /// At most [`ROUNDS`] times.
    Rounds,
    /// For [`PATIENCE`].
    UntilDeadline,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Database, Options};
    use countersign_core::{keyring::VersionedKey, time::Timestamp};

    #[tokio::test]
    async fn an_ending_change_outlasts_the_rounds_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("d"), Options { full_sync: false }).unwrap();
        let sql = crate::sql::Sql::sqlite(database);
        sql.migrate().await.unwrap();
        let keys = || vec![VersionedKey { version: 1, key: [1; 32] }];
        let keyring = Arc::new(KeyRing::new([1; 32], keys(), keys()).unwrap());
        let [one, other] = [(); 2].map(|()| SqlDirectory::new(sql.clone(), Arc::clone(&keyring)));
        let by = Change::by_system(Timestamp::from_millis(1_800_000_000_000));
        let draft = Draft::act("test", "one");
        // In each round, another process is first.
        let run = async |ends, moved: usize| {
            let mut round = 0;
            one.audited_until(OPERATOR, (&by, ends), |mut chains| {
                round += 1;
                let first = round <= moved;
                let (other, one, draft, by) = (&other, &one, &draft, &by);
                async move {
                    if first {
                        other.append(OPERATOR, draft, by).await?;
                    }
                    one.sql.batch(chains.append(Batch::default(), draft, by)).await.map(drop)
                }
            })
            .await
        };
        assert!(matches!(run(false, ROUNDS).await, Err(StoreError::Busy)));
        assert!(run(false, ROUNDS - 1).await.is_ok());
        assert!(run(true, 2 * ROUNDS).await.is_ok());
    }
}
