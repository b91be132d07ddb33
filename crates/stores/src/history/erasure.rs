//! Erasure: removes a phone number from the history, and keeps it from coming back.

use super::take_turn;
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Sql, Statement, Value,
};
use countersign_core::{
    id::TenantId, keyring::Fingerprint, mode::Mode, ports::error::StoreError, time::Timestamp,
};

/// The number of rows that one statement changes, so that it does not hold locks for long.
const AT_ONCE: usize = 500;

/// Notes the erasure, for starts up to this time that are not recorded yet.
pub(super) const NOTE_ERASURE: Statement = Statement {
    table: "erasures",
    text: "INSERT INTO erasures (tenant_id, mode, number, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, mode, number) DO UPDATE SET
            at = CASE WHEN excluded.at > erasures.at THEN excluded.at ELSE erasures.at END",
    params: &[Text, Text, Bytes, Int],
};

pub(super) const ERASE_NUMBER: Statement = Statement {
    table: "verifications",
    text: "UPDATE verifications SET number = NULL, contact = NULL
        WHERE (id, created_at) IN (SELECT id, created_at FROM verifications
            WHERE tenant_id = $1 AND mode = $2 AND number = $3 AND started_at <= $4 LIMIT $5)
        RETURNING id",
    params: &[Text, Text, Bytes, Int, Int],
};

/// First writes the note, in a batch that waits for running recorders. A recorder that comes later sees the
/// note, and the rows of an earlier one are visible to the next statements.
pub(super) async fn erase(
    sql: &Sql,
    (tenant, mode, number): (TenantId, Mode, Fingerprint),
    at: Timestamp,
) -> Result<u64, StoreError> {
    let whose = || -> Vec<Value> {
        vec![tenant.to_string().into(), mode.as_str().into(), number.0.as_slice().into(), at.micros().into()]
    };
    sql.batch(take_turn(Batch::default()).run_touching(1, &NOTE_ERASURE, whose())).await?;
    let mut erased = 0;
    loop {
        let mut values = whose();
        values.push((AT_ONCE as i64).into());
        let rows = sql.batch(Batch::default().run(&ERASE_NUMBER, values)).await?;
        let rows = rows.first().map_or(0, Vec::len);
        erased += rows as u64;
        if rows < AT_ONCE {
            return Ok(erased);
        }
    }
}
