//! The numbered list of changes, and the row that numbers them.

use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Statement, Value,
};
use countersign_core::{access::change::Change, id::TenantId};

/// The first statement of each change. No other writer gets a number before this transaction commits.
pub(super) const TAKE_NUMBER: Statement = Statement {
    table: "change_head",
    text: "UPDATE change_head SET n = n + 1 WHERE only_row = 1",
    params: &[],
};

pub(crate) fn take_number(batch: Batch) -> Batch {
    batch.run_touching(1, &TAKE_NUMBER, Vec::new())
}

/// Keeps other writers of the directory waiting until this transaction ends, without a change of the copies.
pub(super) const LOCK_NUMBER: Statement =
    Statement { table: "change_head", text: "UPDATE change_head SET n = n WHERE only_row = 1", params: &[] };

pub(crate) fn lock_number(batch: Batch) -> Batch {
    batch.run_touching(1, &LOCK_NUMBER, Vec::new())
}

pub(super) const NOTE_CHANGE: Statement = Statement {
    table: "changes",
    text: "INSERT INTO changes (n, tenant_id, kind, entity_id, at)
        SELECT n, $1, $2, $3, $4 FROM change_head WHERE only_row = 1",
    params: &[Text, Text, Text, Int],
};

/// Adds the statement that records the changed thing under the number taken last.
pub(super) fn note_change(
    batch: Batch,
    tenant: TenantId,
    kind: &str,
    entity: impl ToString,
    by: &Change,
) -> Batch {
    let values: Vec<Value> =
        vec![tenant.to_string().into(), kind.into(), entity.to_string().into(), by.at.micros().into()];
    batch.run_touching(1, &NOTE_CHANGE, values)
}

pub(super) const READ_HEAD: Statement =
    Statement { table: "change_head", text: "SELECT n FROM change_head WHERE only_row = 1", params: &[] };
