//! Reading the audit log, and its retention.

use super::{
    SqlDirectory,
    audit::{READ_CHAIN_HEAD, head_values, read_head},
    change::lock_number,
};
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Statement,
};
use async_trait::async_trait;
use countersign_core::{
    access::change::Change,
    audit::{
        chain::{Head, Verification},
        entry::{Author, Draft, Entry},
    },
    id::TenantId,
    ports::{
        directory::audit::{AuditFilter, AuditLog},
        error::StoreError,
    },
    time::Timestamp,
};
use serde_json::json;

fn read_entry(row: &Row) -> Result<Entry, StoreError> {
    let text = |index| Ok::<_, StoreError>(row.optional_text(index)?.map(str::to_owned));
    Ok(Entry {
        tenant: row.parsed(0, |text| text.parse().ok())?,
        n: row.int(1)?,
        at: Timestamp::from_micros(row.int(2)?),
        author: Author { actor: row.text(3)?.to_owned(), acting_for: text(4)? },
        address: text(5)?,
        request: text(6)?,
        action: row.text(7)?.to_owned(),
        object: row.text(8)?.to_owned(),
        before: text(9)?,
        after: text(10)?,
        hash: row.bytes(11)?.try_into().map_err(|_| row.corrupt())?,
    })
}

/// The entries before a number that a filter admits. An empty text admits all.
pub(super) const LIST_AUDIT: Statement = Statement {
    table: "audit",
    text: "SELECT tenant_id, n, at, actor, acting_for, address, request, action, object,
            state_before, state_after, hash
        FROM audit WHERE tenant_id = $1 AND n < $2 AND ($3 = '' OR actor = $3) AND ($4 = '' OR object = $4)
            AND ($5 = '' OR action = $5 OR substr(action, 1, length($5) + 1) = $5 || '.')
            AND at >= $6 AND at < $7
        ORDER BY n DESC LIMIT $8",
    params: &[Text, Int, Text, Text, Text, Int, Int, Int],
};

pub(super) const READ_CHAIN: Statement = Statement {
    table: "audit",
    text: "SELECT tenant_id, n, at, actor, acting_for, address, request, action, object,
            state_before, state_after, hash
        FROM audit WHERE tenant_id = $1 AND n > $2 ORDER BY n LIMIT $3",
    params: &[Text, Int, Int],
};

pub(super) const READ_ANCHOR: Statement = Statement {
    table: "audit_anchors",
    text: "SELECT tenant_id, n, hash, mac_version, mac FROM audit_anchors WHERE tenant_id = $1",
    params: &[Text],
};

pub(super) const LIST_CHAIN_HEADS: Statement = Statement {
    table: "audit_heads",
    text: "SELECT tenant_id, n, hash, mac_version, mac FROM audit_heads
        WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2",
    params: &[Text, Int],
};

pub(super) const MOVE_ANCHOR: Statement = Statement {
    table: "audit_anchors",
    text: "INSERT INTO audit_anchors (tenant_id, n, hash, mac_version, mac) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id) DO UPDATE SET n = excluded.n, hash = excluded.hash,
            mac_version = excluded.mac_version, mac = excluded.mac",
    params: &[Text, Int, Bytes, Int, Bytes],
};

pub(super) const FORGET_ENTRIES: Statement = Statement {
    table: "audit",
    text: "DELETE FROM audit WHERE tenant_id = $1 AND n <= $2",
    params: &[Text, Int],
};

#[async_trait]
impl AuditLog for SqlDirectory {
    async fn append(&self, tenant: TenantId, draft: &Draft, by: &Change) -> Result<(), StoreError> {
        // An erased tenant gets no new chain.
        super::tenant::tenant(&self.sql, tenant).await?.ok_or(StoreError::Conflict)?;
        self.audited(tenant, by, |mut chains| async move {
            self.sql.batch(chains.append(lock_number(Batch::default()), draft, by)).await.map(drop)
        })
        .await
    }

    async fn list_audit(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u16,
    ) -> Result<Vec<Entry>, StoreError> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default().into();
        let time = |at: Option<Timestamp>, or: i64| at.map_or(or, Timestamp::micros).into();
        let values = vec![
            tenant.to_string().into(),
            before.unwrap_or(i64::MAX).into(),
            text(&filter.actor),
            text(&filter.object),
            text(&filter.action),
            time(filter.from, i64::MIN),
            time(filter.until, i64::MAX),
            i64::from(limit).into(),
        ];
        self.sql.query(&LIST_AUDIT, values).await?.iter().map(read_entry).collect()
    }

    async fn read_chain(&self, tenant: TenantId, after: i64, limit: u16) -> Result<Vec<Entry>, StoreError> {
        let values = vec![tenant.to_string().into(), after.into(), i64::from(limit).into()];
        self.sql.query(&READ_CHAIN, values).await?.iter().map(read_entry).collect()
    }

    async fn chain_head(&self, tenant: TenantId) -> Result<Option<Head>, StoreError> {
        let rows = self.sql.query(&READ_CHAIN_HEAD, vec![tenant.to_string().into()]).await?;
        rows.first().map(read_head).transpose()
    }

    async fn chain_anchor(&self, tenant: TenantId) -> Result<Option<Head>, StoreError> {
        let rows = self.sql.query(&READ_ANCHOR, vec![tenant.to_string().into()]).await?;
        rows.first().map(read_head).transpose()
    }

    async fn list_chain_heads(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<Head>, StoreError> {
        let after = after.map(|tenant| tenant.to_string()).unwrap_or_default();
        let rows = self.sql.query(&LIST_CHAIN_HEADS, vec![after.into(), i64::from(limit).into()]).await?;
        rows.iter().map(read_head).collect()
    }

    /// Removes only what it has verified, so that nobody can have the retention remove a changed entry.
    async fn forget_audit(
        &self,
        tenant: TenantId,
        before: Timestamp,
        limit: u16,
        by: &Change,
    ) -> Result<u64, StoreError> {
        self.audited_in(&[tenant], |mut chains| async move {
            let anchor = self.chain_anchor(tenant).await?;
            let corrupt = |error: countersign_core::audit::chain::Break| StoreError::Corrupt {
                table: "audit",
                id: format!("{tenant}: {error}"),
            };
            let mut verified =
                Verification::after(&self.keyring, tenant, anchor.as_ref()).map_err(corrupt)?;
            let first = verified.n();
            let last = self.head(tenant).await?.n - 1;
            let mut kept = None;
            for entry in self.read_chain(tenant, first, limit).await? {
                if entry.at >= before || entry.n > last {
                    break;
                }
                verified.take(&entry).map_err(corrupt)?;
                kept = Some((entry.n, entry.hash));
            }
            let Some((n, hash)) = kept else { return Ok(0) };
            let draft =
                Draft { after: Some(json!({ "removed_until": n })), ..Draft::act("audit.forget", tenant) };
            let anchor = Head::anchor(&self.keyring, tenant, n, hash);
            let batch = chains
                .append(lock_number(Batch::default()), &draft, by)
                .run_touching(1, &MOVE_ANCHOR, head_values(&anchor))
                .run(&FORGET_ENTRIES, vec![tenant.to_string().into(), n.into()]);
            self.sql.batch(batch).await?;
            Ok((n - first).unsigned_abs())
        })
        .await
    }
}
