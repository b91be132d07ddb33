//! Removes a deleted tenant from the history, a limited number of rows at a time.

use super::take_turn;
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Sql, Statement, Value,
};
use countersign_core::{id::TenantId, ports::error::StoreError};

/// Deletes the events of the verifications that the same batch deletes. The time finds their weekly
/// partition.
pub(super) const ERASE_EVENTS: Statement = Statement {
    table: "events",
    text: "DELETE FROM events WHERE (verification_id, created_at) IN
            (SELECT id, created_at FROM verifications WHERE tenant_id = $1 ORDER BY mode, id LIMIT $2)",
    params: &[Text, Int],
};

pub(super) const ERASE_VERIFICATIONS: Statement = Statement {
    table: "verifications",
    text: "DELETE FROM verifications WHERE (id, created_at) IN
            (SELECT id, created_at FROM verifications WHERE tenant_id = $1 ORDER BY mode, id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) const ERASE_COUNTS: Statement = Statement {
    table: "rollups",
    text: "DELETE FROM rollups WHERE tenant_id = $1 AND (mode, hour, profile_id, country, provider) IN
            (SELECT mode, hour, profile_id, country, provider FROM rollups WHERE tenant_id = $1
                ORDER BY mode, hour, profile_id, country, provider LIMIT $2)
        RETURNING tenant_id",
    params: &[Text, Int],
};

pub(super) const ERASE_CONVERSIONS: Statement = Statement {
    table: "conversions",
    text: "DELETE FROM conversions WHERE tenant_id = $1 AND (mode, day, provider, country, prefix) IN
            (SELECT mode, day, provider, country, prefix FROM conversions WHERE tenant_id = $1
                ORDER BY mode, day, provider, country, prefix LIMIT $2)
        RETURNING tenant_id",
    params: &[Text, Int],
};

pub(super) const ERASE_ERASURES: Statement = Statement {
    table: "erasures",
    text: "DELETE FROM erasures WHERE tenant_id = $1 AND (mode, number) IN
            (SELECT mode, number FROM erasures WHERE tenant_id = $1 ORDER BY mode, number LIMIT $2)
        RETURNING tenant_id",
    params: &[Text, Int],
};

/// Searches the whole table, because it has few rows and no index by tenant.
pub(super) const ERASE_DEAD_EVENTS: Statement = Statement {
    table: "dead_events",
    text: "DELETE FROM dead_events WHERE id IN
            (SELECT id FROM dead_events WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

/// Returns one row if anything of the tenant is left. If another node is deleting at the same time, the
/// statements above may find nothing, and this one still finds the rows that the other node has not deleted
/// yet.
pub(super) const LEFT_OF_TENANT: Statement = Statement {
    table: "history_turn",
    text: "SELECT n FROM history_turn WHERE only_row = 1
        AND (EXISTS (SELECT 1 FROM verifications WHERE tenant_id = $1)
            OR EXISTS (SELECT 1 FROM rollups WHERE tenant_id = $1)
            OR EXISTS (SELECT 1 FROM conversions WHERE tenant_id = $1)
            OR EXISTS (SELECT 1 FROM erasures WHERE tenant_id = $1)
            OR EXISTS (SELECT 1 FROM dead_events WHERE tenant_id = $1))",
    params: &[Text],
};

const ALL: [&Statement; 6] = [
    &ERASE_EVENTS,
    &ERASE_VERIFICATIONS,
    &ERASE_COUNTS,
    &ERASE_CONVERSIONS,
    &ERASE_ERASURES,
    &ERASE_DEAD_EVENTS,
];

/// The batch waits until another node's batch has ended. Otherwise its first statement would find no events,
/// because the other node has deleted them, and its second would delete the next verifications without their
/// events. Nothing would find those events again.
pub(super) async fn erase(sql: &Sql, tenant: TenantId, limit: u16) -> Result<bool, StoreError> {
    let of = || -> Vec<Value> { vec![tenant.to_string().into(), i64::from(limit).into()] };
    let batch = ALL.iter().fold(take_turn(Batch::default()), |batch, statement| batch.run(statement, of()));
    if sql.batch(batch).await?.iter().any(|rows| rows.len() >= usize::from(limit)) {
        return Ok(false);
    }
    Ok(sql.query(&LEFT_OF_TENANT, vec![tenant.to_string().into()]).await?.is_empty())
}
