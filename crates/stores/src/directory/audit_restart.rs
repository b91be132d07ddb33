//! The way out when a chain is broken: the operator begins a new one, and the log says so.

use super::{
    SqlDirectory,
    audit::{Chains, READ_CHAIN_HEAD, head_values, read_head},
    audit_log::MOVE_ANCHOR,
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
    audit::{chain::Head, entry::Draft},
    id::TenantId,
    ports::{
        directory::audit::{AuditLog as _, AuditRepair},
        error::StoreError,
    },
    tenant::OPERATOR,
};
use serde_json::json;
use std::sync::Arc;

pub(super) const LAST_ENTRY: Statement = Statement {
    table: "audit",
    text: "SELECT tenant_id, n, hash FROM audit WHERE tenant_id = $1 ORDER BY n DESC LIMIT 1",
    params: &[Text],
};

pub(super) const SET_CHAIN_HEAD: Statement = Statement {
    table: "audit_heads",
    text: "INSERT INTO audit_heads (tenant_id, n, hash, mac_version, mac) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id) DO UPDATE SET n = excluded.n, hash = excluded.hash,
            mac_version = excluded.mac_version, mac = excluded.mac",
    params: &[Text, Int, Bytes, Int, Bytes],
};

#[async_trait]
impl AuditRepair for SqlDirectory {
    async fn restart_chain(&self, tenant: TenantId, why: &str, by: &Change) -> Result<Head, StoreError> {
        let id = || tenant.to_string().into();
        let stored = self.sql.query(&READ_CHAIN_HEAD, vec![id()]).await?;
        // The restart replaces the head, also an unreadable one.
        let stored = stored.first().map(read_head).transpose().ok().flatten();
        let genuine = stored.as_ref().filter(|head| head.is_genuine(&self.keyring));
        let anchor = self.chain_anchor(tenant).await.ok().flatten();
        let anchor = anchor.filter(|anchor| anchor.is_genuine_anchor(&self.keyring));
        let last = self.sql.query(&LAST_ENTRY, vec![id()]).await?;
        let hash =
            |row: &Row| Ok::<_, StoreError>((row.int(1)?, row.bytes(2)?.try_into().unwrap_or([0; 32])));
        let last = last.first().map(hash).transpose()?.unwrap_or((0, [0; 32]));
        // No number that a node may have seen is used again.
        let known = [genuine, anchor.as_ref()].into_iter().flatten().map(|head| (head.n, head.hash));
        let (n, hash) = known.chain([last]).max_by_key(|(n, _)| *n).unwrap_or(last);
        let (head, anchor) =
            (Head::at(&self.keyring, tenant, n, hash), Head::anchor(&self.keyring, tenant, n, hash));
        let before = stored.as_ref().map(|head| json!({ "head": head.text() }));
        let after = Some(json!({ "continues_after": n, "why": why }));
        let draft = Draft { before, after, ..Draft::act("audit.restart", tenant) };
        let mut heads = vec![head.clone()];
        if tenant != OPERATOR {
            heads.push(self.head(OPERATOR).await?);
        }
        let mut chains = Chains { keyring: Arc::clone(&self.keyring), heads, ends: false };
        let batch = lock_number(Batch::default())
            .run_touching(1, &SET_CHAIN_HEAD, head_values(&head))
            .run_touching(1, &MOVE_ANCHOR, head_values(&anchor));
        self.sql.batch(chains.append(batch, &draft, by)).await?;
        Ok(head)
    }
}
