//! Reading the audit log, its beginning and its retention.

use super::{
    SqlDirectory,
    audit::{READ_CHAIN_HEAD, chains_of, head_values, read_head},
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
        chain::Head,
        entry::{Author, Draft, Entry},
    },
    id::TenantId,
    ports::{
        directory::audit::{AuditFilter, AuditLog, CLOCKS_DIFFER, HeadPage},
        error::StoreError,
    },
    tenant::OPERATOR,
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
            AND at >= $6 AND at < $7 AND n > $9
        ORDER BY n DESC LIMIT $8",
    params: &[Text, Int, Text, Text, Text, Int, Int, Int, Int],
};

/// The latest entry from before a time.
pub(super) const LAST_BEFORE: Statement = Statement {
    table: "audit",
    text: "SELECT n FROM audit WHERE tenant_id = $1 AND at < $2 ORDER BY at DESC, n DESC LIMIT 1",
    params: &[Text, Int],
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

/// One step to the next id, because a list of all would read every entry.
pub(super) const NEXT_CHAIN: Statement = Statement {
    table: "tenants",
    text: "SELECT min(id) FROM (SELECT min(id) AS id FROM tenants WHERE id > $1
            UNION ALL SELECT min(tenant_id) FROM audit WHERE tenant_id > $1
            UNION ALL SELECT min(tenant_id) FROM audit_heads WHERE tenant_id > $1
            UNION ALL SELECT min(tenant_id) FROM audit_anchors WHERE tenant_id > $1) AS found",
    params: &[Text],
};

pub(super) const LIST_HEADLESS: Statement = Statement {
    table: "tenants",
    text: "SELECT id FROM tenants WHERE id > $1 AND erasing = 0
            AND NOT EXISTS (SELECT 1 FROM audit_heads WHERE tenant_id = tenants.id)
        ORDER BY id LIMIT $2",
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
        // Its author waits for its turn however much it does: a key of a member may cancel hundreds at once.
        self.audited_in(&chains_of(tenant, by), |mut chains| async move {
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
        // Without it, a page that is not full would read every earlier entry.
        let above = match filter.from {
            Some(from) => self.number_before(tenant, from).await?,
            None => 0,
        };
        let values = vec![
            tenant.to_string().into(),
            before.unwrap_or(i64::MAX).into(),
            text(&filter.actor),
            text(&filter.object),
            text(&filter.action),
            time(filter.from, i64::MIN),
            time(filter.until, i64::MAX),
            i64::from(limit).into(),
            above.into(),
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

    async fn list_chain_heads(&self, after: &str, limit: u16) -> Result<HeadPage, StoreError> {
        let rows = self.sql.query(&LIST_CHAIN_HEADS, vec![after.into(), i64::from(limit).into()]).await?;
        let mut page = HeadPage::default();
        for row in &rows {
            match read_head(row) {
                Ok(head) => page.heads.push(head),
                Err(_) => page.unreadable.push(row.text(0)?.to_owned()),
            }
        }
        if let Some(last) = rows.last().filter(|_| rows.len() >= usize::from(limit)) {
            page.next = Some(last.text(0)?.to_owned());
        }
        Ok(page)
    }

    async fn next_chain(&self, after: &str) -> Result<Option<String>, StoreError> {
        let rows = self.sql.query(&NEXT_CHAIN, vec![after.into()]).await?;
        let next = rows.first().map(|row| row.optional_text(0)).transpose()?.flatten();
        Ok(next.map(str::to_owned))
    }

    /// If an entry is older than the time by more than the clocks differ, so is each entry before it.
    async fn number_before(&self, tenant: TenantId, at: Timestamp) -> Result<i64, StoreError> {
        let surely = (at - CLOCKS_DIFFER).micros();
        let rows = self.sql.query(&LAST_BEFORE, vec![tenant.to_string().into(), surely.into()]).await?;
        rows.first().map_or(Ok(0), |row| row.int(0))
    }

    async fn begin_chain(&self, tenant: TenantId, by: &Change) -> Result<bool, StoreError> {
        let both = [tenant, OPERATOR];
        let chains = if tenant == OPERATOR { &both[1..] } else { &both };
        self.audited_in(chains, |mut chains| async move {
            // A chain that lost its head is refused before this.
            if chains.heads[0].n > 0 {
                return Ok(false);
            }
            let batch = chains.append(lock_number(Batch::default()), &Draft::act("audit.begin", tenant), by);
            self.sql.batch(batch).await.map(|_| true)
        })
        .await
    }

    async fn list_headless(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<TenantId>, StoreError> {
        let after = after.map(|tenant| tenant.to_string()).unwrap_or_default();
        let rows = self.sql.query(&LIST_HEADLESS, vec![after.into(), i64::from(limit).into()]).await?;
        rows.iter().map(|row| row.parsed(0, |text| text.parse().ok())).collect()
    }

    async fn forget_audit(&self, anchor: &Head, by: &Change) -> Result<u64, StoreError> {
        let (tenant, n) = (anchor.tenant, anchor.n);
        self.audited_in(&[tenant], |mut chains| async move {
            let first = self.chain_anchor(tenant).await?.map_or(0, |anchor| anchor.n);
            if n <= first || n >= chains.heads[0].n {
                return Ok(0);
            }
            let draft =
                Draft { after: Some(json!({ "removed_until": n })), ..Draft::act("audit.forget", tenant) };
            let batch = chains
                .append(lock_number(Batch::default()), &draft, by)
                .run_touching(1, &MOVE_ANCHOR, head_values(anchor))
                .run(&FORGET_ENTRIES, vec![tenant.to_string().into(), n.into()]);
            self.sql.batch(batch).await?;
            Ok((n - first).unsigned_abs())
        })
        .await
    }
}
