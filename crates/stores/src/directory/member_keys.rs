//! The keys of members.

use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Sql, Statement,
};
use countersign_core::{
    access::change::Change,
    id::{MemberId, TenantId},
    ports::error::StoreError,
    snapshot::ends::KeyEnd,
};

/// Gives all keys of a member that are in use new versions, so that a node with the former ones can be told to
/// refuse them. All nodes refuse the others anyway.
pub(super) const RAISE_KEYS: Statement = Statement {
    table: "keys",
    text: "UPDATE keys SET version = version + 1
        WHERE tenant_id = $1 AND member = $2 AND disabled = 0 AND (expires_at IS NULL OR expires_at > $3)
        RETURNING id, version",
    params: &[Text, Text, Int],
};

pub(super) const LIST_MEMBER_KEYS: Statement = Statement {
    table: "keys",
    text: "SELECT id, tenant_id, mode, name, scopes, secret_hash, disabled, expires_at, created_at,
            last_used_at, version, allowlist, replaced_by, member, made_by, profiles
        FROM keys WHERE tenant_id = $1 AND member = $2 ORDER BY id DESC",
    params: &[Text, Text],
};

pub(super) async fn member_keys(sql: &Sql, tenant: TenantId, id: MemberId) -> Result<Vec<Row>, StoreError> {
    sql.query(&LIST_MEMBER_KEYS, vec![tenant.to_string().into(), id.to_string().into()]).await
}

pub(super) const MOVE_KEY: Statement = Statement {
    table: "keys",
    text: "UPDATE keys SET member = $4, version = version + 1
        WHERE tenant_id = $1 AND id = $2 AND version = $3",
    params: &[Text, Text, Int, Text],
};

pub(super) fn raise_keys(batch: Batch, (tenant, id): (TenantId, MemberId), by: &Change) -> Batch {
    batch.run(&RAISE_KEYS, vec![tenant.to_string().into(), id.to_string().into(), by.at.micros().into()])
}

/// The rows of [`RAISE_KEYS`], which was at this place of the batch.
pub(super) fn ends(rows: &[Vec<Row>], place: usize) -> Result<Vec<KeyEnd>, StoreError> {
    let end =
        |row: &Row| Ok(KeyEnd::of_former_versions(row.parsed(0, |text| text.parse().ok())?, row.int(1)?));
    rows.get(place).into_iter().flatten().map(end).collect()
}
