//! Events that can never be recorded. They are stored apart for the operator.

use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Sql, Statement, Value,
};
use countersign_core::{id::RecordKey, ports::error::StoreError};

pub(super) const INSERT_DEAD_EVENT: Statement = Statement {
    table: "dead_events",
    text: "INSERT INTO dead_events (id, verification_id, tenant_id, mode, at, kind, body, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
    params: &[Text, Text, Text, Text, Int, Text, Bytes, Text],
};

/// Stores an event apart from the history, because it can never be recorded.
pub(super) async fn bury(
    sql: &Sql,
    key: RecordKey,
    (id, at, kind, body): (String, i64, &str, Value),
    reason: String,
) -> Result<(), StoreError> {
    tracing::error!(
        event.id = %id, verification.id = %key.id, tenant.id = %key.tenant, kind, reason,
        "An event cannot be recorded; it was put into dead_events"
    );
    let values = vec![
        id.into(),
        key.id.to_string().into(),
        key.tenant.to_string().into(),
        key.mode.as_str().into(),
        at.into(),
        kind.into(),
        body,
        reason.into(),
    ];
    sql.batch(Batch::default().run(&INSERT_DEAD_EVENT, values)).await.map(drop)
}
