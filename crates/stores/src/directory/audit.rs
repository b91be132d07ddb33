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
    id::TenantId,
    keyring::{ChainMac, KeyRing},
    ports::error::StoreError,
    tenant::OPERATOR,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How often a change is repeated if another change of the tenant was first. In each round one succeeds, so
/// this many processes may change one tenant at once.
const ROUNDS: usize = 64;

/// The number of changes that the keys and members of a tenant may make in [`A_DAY`]. The log keeps each for a
/// year, so a tenant must not fill the database with them.
const MOST_IN_A_DAY: u32 = 20_000;
/// The number for acts that end something, or disable a key. It is higher, so that a thief of one key cannot
/// keep others from ending it.
const MOST_ENDS_IN_A_DAY: u32 = 30_000;
const A_DAY: Duration = Duration::from_secs(86_400);

/// The changes of one tenant wait for each other in this process, so that they do not repeat each other's
/// work. Several tenants may share a place.
pub(super) struct Turns([Mutex<()>; 64]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    fn of(&self, tenant: TenantId) -> &Mutex<()> {
        let random = usize::from(tenant.bytes()[15]);
        &self.0[random % self.0.len()]
    }
}

pub(super) const READ_CHAIN_HEAD: Statement = Statement {
    table: "audit_heads",
    text: "SELECT tenant_id, n, hash, mac_version, mac FROM audit_heads WHERE tenant_id = $1",
    params: &[Text],
};

/// Moves a head to its next entry. It touches no row if the head has moved since it was read.
pub(super) const MOVE_CHAIN_HEAD: Statement = Statement {
    table: "audit_heads",
    text: "INSERT INTO audit_heads (tenant_id, n, hash, mac_version, mac) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id) DO UPDATE SET n = excluded.n, hash = excluded.hash,
            mac_version = excluded.mac_version, mac = excluded.mac
        WHERE audit_heads.n = excluded.n - 1",
    params: &[Text, Int, Bytes, Int, Bytes],
};

pub(super) const APPEND_ENTRY: Statement = Statement {
    table: "audit",
    text: "INSERT INTO audit (tenant_id, n, at, actor, acting_for, address, request, action, object,
            state_before, state_after, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    params: &[Text, Int, Int, Text, Text, Text, Text, Text, Text, Text, Text, Bytes],
};

/// Returns one row unless the entry with this number is younger than the time.
pub(super) const COUNT_ENTRIES: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND NOT EXISTS (SELECT 1 FROM audit WHERE tenant_id = $1 AND n = $2 AND at > $3)",
    params: &[Text, Int, Int],
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

/// The chains to which a change belongs, as they were read.
pub(super) struct Chains {
    keyring: Arc<KeyRing>,
    heads: Vec<Head>,
}

impl Chains {
    /// Adds the statements that append the entry to each chain.
    pub fn append(&mut self, batch: Batch, draft: &Draft, by: &Change) -> Batch {
        let ends = draft.after.is_none() || draft.action == "key.update";
        let most = if ends { MOST_ENDS_IN_A_DAY } else { MOST_IN_A_DAY };
        let bounded = matches!(by.who, Who::Key(_) | Who::Member { .. });
        self.heads.iter_mut().fold(batch, |mut batch, head| {
            let full_since = head.n + 1 - i64::from(most);
            if bounded && head.tenant != OPERATOR && full_since > 0 {
                let since = (by.at - A_DAY).micros();
                let values = vec![head.tenant.to_string().into(), full_since.into(), since.into()];
                batch = batch.run_within(("changes in 24 hours", most), &COUNT_ENTRIES, values);
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
            batch.run_unmoved(&MOVE_CHAIN_HEAD, head_values(head)).run_touching(1, &APPEND_ENTRY, values)
        })
    }
}

impl SqlDirectory {
    pub(super) async fn head(&self, tenant: TenantId) -> Result<Head, StoreError> {
        let rows = self.sql.query(&READ_CHAIN_HEAD, vec![tenant.to_string().into()]).await?;
        let head = rows.first().map(read_head).transpose()?;
        Ok(head.unwrap_or_else(|| Head::first(&self.keyring, tenant)))
    }

    async fn chains(&self, tenants: &[TenantId]) -> Result<Chains, StoreError> {
        let mut heads = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            heads.push(self.head(*tenant).await?);
        }
        Ok(Chains { keyring: Arc::clone(&self.keyring), heads })
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
        let operators = matches!(by.who, Who::Operator(_)) || by.of == Some(OPERATOR);
        match tenant {
            OPERATOR => self.audited_in(&[OPERATOR], round).await,
            tenant if operators => self.audited_in(&[tenant, OPERATOR], round).await,
            tenant => self.audited_in(&[tenant], round).await,
        }
    }

    /// Makes a change with an entry in each of these chains. `round` reads the object, and commits a batch
    /// with the entry. It runs again if a chain has moved meanwhile.
    pub(super) async fn audited_in<T, F>(
        &self,
        tenants: &[TenantId],
        mut round: impl FnMut(Chains) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let _turn = self.turns.of(tenants[0]).lock().await;
        for _ in 0..ROUNDS {
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
        }
        Err(StoreError::Busy)
    }
}
