//! The Idempotency-Keys of requests that changed the directory.

use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Sql, Statement,
};
use countersign_core::{
    id::TenantId,
    ports::error::StoreError,
    time::Timestamp,
    verification::idempotency::{KEPT, Once},
};

/// Deletes an expired answer that the maintenance has not deleted yet.
pub(super) const DROP_OLD_ANSWER: Statement = Statement {
    table: "idempotency",
    text: "DELETE FROM idempotency WHERE tenant_id = $1 AND slot = $2 AND at < $3",
    params: &[Text, Bytes, Int],
};

pub(super) const NOTE_ANSWER: Statement = Statement {
    table: "idempotency",
    text: "INSERT INTO idempotency (tenant_id, slot, request, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, slot) DO NOTHING",
    params: &[Text, Bytes, Bytes, Int],
};

/// Adds the statements that let a batch with an Idempotency-Key happen only once. Of several batches at the
/// same time, one inserts the row; the others touch no row and are rolled back.
pub(super) fn answer_once(batch: Batch, tenant: TenantId, once: Option<&Once>, now: Timestamp) -> Batch {
    let Some(once) = once else { return batch };
    let (tenant, slot) = (tenant.to_string(), once.slot.as_slice());
    let old = vec![tenant.as_str().into(), slot.into(), (now - KEPT).micros().into()];
    let new = vec![tenant.as_str().into(), slot.into(), once.request.as_slice().into(), now.micros().into()];
    batch.run(&DROP_OLD_ANSWER, old).run_touching(1, &NOTE_ANSWER, new)
}

pub(super) const SELECT_ANSWER: Statement = Statement {
    table: "idempotency",
    text: "SELECT tenant_id, request FROM idempotency
        WHERE tenant_id = $1 AND slot = $2 AND at >= $3",
    params: &[Text, Bytes, Int],
};

pub(super) async fn answered(
    sql: &Sql,
    tenant: TenantId,
    once: &Once,
    since: Timestamp,
) -> Result<Option<[u8; 16]>, StoreError> {
    let values = vec![tenant.to_string().into(), once.slot.as_slice().into(), since.micros().into()];
    let read = |row: &Row| row.bytes(1)?.try_into().map_err(|_| row.corrupt());
    sql.query(&SELECT_ANSWER, values).await?.first().map(read).transpose()
}

pub(super) const FORGET_ANSWERS: Statement =
    Statement { table: "idempotency", text: "DELETE FROM idempotency WHERE at < $1", params: &[Int] };

pub(super) async fn forget_answered(sql: &Sql, before: Timestamp) -> Result<(), StoreError> {
    sql.execute(&FORGET_ANSWERS, vec![before.micros().into()]).await
}
