//! A tenant that was deleted leaves the history, a bounded number of rows at a time.

use super::take_turn;
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Sql, Statement, Value,
};
use countersign_core::{id::TenantId, ports::error::StoreError};

/// Those of the verifications that go with the same batch; the time finds their week.
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

/// There are few, and no index leads to them by tenant.
pub(super) const ERASE_DEAD_EVENTS: Statement = Statement {
    table: "dead_events",
    text: "DELETE FROM dead_events WHERE id IN
            (SELECT id FROM dead_events WHERE tenant_id = $1 ORDER BY id LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

/// Gives its row if anything is left. Where another node deletes just now, the statements
/// above find nothing, and this one finds what that node has not got to.
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

/// In turn: of two nodes that delete at once, the one that waits for the other's events would find none of
/// them, and then delete the next verifications, whose events nobody finds again.
pub(super) async fn erase(sql: &Sql, tenant: TenantId, limit: u16) -> Result<bool, StoreError> {
    let of = || -> Vec<Value> { vec![tenant.to_string().into(), i64::from(limit).into()] };
    let batch = ALL.iter().fold(take_turn(Batch::default()), |batch, statement| batch.run(statement, of()));
    if sql.batch(batch).await?.iter().any(|rows| rows.len() >= usize::from(limit)) {
        return Ok(false);
    }
    Ok(sql.query(&LEFT_OF_TENANT, vec![tenant.to_string().into()]).await?.is_empty())
}
