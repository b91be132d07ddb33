//! Erases a deleted tenant, a limited number of rows at a time. The erasure may be interrupted at any point,
//! and several nodes may work on it at once.

use super::{
    change::{note_change, take_number},
    tenant::read_tenant,
};
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Sql, Statement, Value,
};
use countersign_core::{
    access::change::Change, id::TenantId, ports::error::StoreError, tenant::Tenant, time::Timestamp,
};

pub(super) const LIST_DELETED: Statement = Statement {
    table: "tenants",
    text: "SELECT id, name, created_at, version, disabled_at, deleted_at, erasing
        FROM tenants WHERE deleted_at <= $1 ORDER BY id LIMIT $2",
    params: &[Int, Int],
};

pub(super) async fn list_deleted(sql: &Sql, until: Timestamp, limit: u16) -> Result<Vec<Tenant>, StoreError> {
    let rows = sql.query(&LIST_DELETED, vec![until.micros().into(), i64::from(limit).into()]).await?;
    rows.iter().map(read_tenant).collect()
}

/// Begins the erasure, unless the tenant was enabled again.
pub(super) const BEGIN_ERASURE: Statement = Statement {
    table: "tenants",
    text: "UPDATE tenants SET erasing = 1, version = version + 1
        WHERE id = $1 AND deleted_at <= $2 AND disabled_at IS NOT NULL AND erasing = 0",
    params: &[Text, Int],
};

pub(super) const IS_ERASING: Statement = Statement {
    table: "tenants",
    text: "SELECT id FROM tenants WHERE id = $1 AND erasing = 1",
    params: &[Text],
};

pub(super) async fn begin(
    sql: &Sql,
    tenant: TenantId,
    until: Timestamp,
    by: &Change,
) -> Result<bool, StoreError> {
    let values = vec![tenant.to_string().into(), until.micros().into()];
    let batch = take_number(Batch::default()).run_touching(1, &BEGIN_ERASURE, values);
    match sql.batch(note_change(batch, tenant, "tenant", tenant, by)).await {
        Err(StoreError::Conflict) => is_erasing(sql, tenant).await,
        outcome => outcome.map(|_| true),
    }
}

async fn is_erasing(sql: &Sql, tenant: TenantId) -> Result<bool, StoreError> {
    Ok(!sql.query(&IS_ERASING, vec![tenant.to_string().into()]).await?.is_empty())
}

pub(super) const ERASE_KEYS: Statement = Statement {
    table: "keys",
    text: "DELETE FROM keys WHERE id IN (SELECT id FROM keys WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_PROFILES: Statement = Statement {
    table: "profiles",
    text: "DELETE FROM profiles WHERE id IN
            (SELECT id FROM profiles WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_RESOURCES: Statement = Statement {
    table: "resources",
    text: "DELETE FROM resources WHERE id IN
            (SELECT id FROM resources WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_REVIEW_NUMBERS: Statement = Statement {
    table: "review_numbers",
    text: "DELETE FROM review_numbers WHERE id IN
            (SELECT id FROM review_numbers WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_SETTINGS: Statement = Statement {
    table: "settings",
    text: "DELETE FROM settings WHERE tenant_id = $1 AND name IN
            (SELECT name FROM settings WHERE tenant_id = $1 ORDER BY name LIMIT $2)
        RETURNING name",
    params: &[Text, Int],
};

pub(super) const ERASE_ANSWERS: Statement = Statement {
    table: "idempotency",
    text: "DELETE FROM idempotency WHERE tenant_id = $1 AND slot IN
            (SELECT slot FROM idempotency WHERE tenant_id = $1 ORDER BY slot LIMIT $2)
        RETURNING tenant_id",
    params: &[Text, Int],
};

pub(super) const ERASE_USES: Statement = Statement {
    table: "key_addresses",
    text: "DELETE FROM key_addresses WHERE tenant_id = $1 AND (key_id, address) IN
            (SELECT key_id, address FROM key_addresses WHERE tenant_id = $1
                ORDER BY key_id, address LIMIT $2)
        RETURNING key_id",
    params: &[Text, Int],
};

pub(super) const ERASE_APPLIED: Statement = Statement {
    table: "applied",
    text: "DELETE FROM applied WHERE tenant_id = $1 AND (source, kind, entity_id) IN
            (SELECT source, kind, entity_id FROM applied WHERE tenant_id = $1
                ORDER BY source, kind, entity_id LIMIT $2)
        RETURNING entity_id",
    params: &[Text, Int],
};

pub(super) const ERASE_TENANT: Statement = Statement {
    table: "tenants",
    text: "DELETE FROM tenants WHERE id = $1 AND erasing = 1",
    params: &[Text],
};

const OF_A_TENANT: [&Statement; 8] = [
    &ERASE_KEYS,
    &ERASE_PROFILES,
    &ERASE_RESOURCES,
    &ERASE_REVIEW_NUMBERS,
    &ERASE_SETTINGS,
    &ERASE_ANSWERS,
    &ERASE_USES,
    &ERASE_APPLIED,
];

/// The deletions get no change numbers, so the copies in memory do not follow them. The copies already refuse
/// the tenant's keys. The last change, which says that the tenant does not exist, removes it from them.
pub(super) async fn erase(sql: &Sql, tenant: TenantId, limit: u16, by: &Change) -> Result<bool, StoreError> {
    if !is_erasing(sql, tenant).await? {
        return Ok(true);
    }
    let of = || -> Vec<Value> { vec![tenant.to_string().into(), i64::from(limit).into()] };
    let batch = OF_A_TENANT.iter().fold(Batch::default(), |batch, statement| batch.run(statement, of()));
    if sql.batch(batch).await?.iter().any(|rows| rows.len() >= usize::from(limit)) {
        return Ok(false);
    }
    let last = vec![tenant.to_string().into()];
    let batch = take_number(Batch::default()).run_touching(1, &ERASE_TENANT, last);
    match sql.batch(note_change(batch, tenant, "tenant", tenant, by)).await {
        // A row was added in the meantime, or another node was first. The next call finds out which.
        Err(StoreError::Conflict) => Ok(false),
        outcome => outcome.map(|_| true),
    }
}
