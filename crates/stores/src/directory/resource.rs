//! Resources of all kinds, each stored as one text.

use super::SqlDirectory;
use super::{
    answer::answer_once,
    basis::unchanged,
    change::{note_change, take_number},
};
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Sql, Statement,
};
use async_trait::async_trait;
use countersign_core::ports::directory::resources::Resources;
use countersign_core::{
    access::change::Change,
    id::TenantId,
    ports::error::StoreError,
    tenant::resource::{Basis, Resource, ResourceKind},
    time::Timestamp,
    verification::idempotency::Once,
};

/// Returns `None` for a kind that only a newer release knows.
pub(super) fn read_resource(row: &Row) -> Result<Option<Resource>, StoreError> {
    let Some(kind) = ResourceKind::parse(row.text(2)?) else { return Ok(None) };
    Ok(Some(Resource {
        id: row.parsed(0, |text| kind.parse_id(text))?,
        tenant: row.parsed(1, |text| text.parse().ok())?,
        kind,
        name: row.text(3)?.to_owned(),
        body: row.text(4)?.to_owned(),
        sealed: row.optional_bytes(5)?.map(<[u8]>::to_vec),
        version: row.int(6)?,
        created_at: Timestamp::from_micros(row.int(7)?),
        updated_at: Timestamp::from_micros(row.int(8)?),
    }))
}

pub(super) const INSERT_RESOURCE: Statement = Statement {
    table: "resources",
    text: "INSERT INTO resources (tenant_id, id, kind, name, body, sealed, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8)",
    params: &[Text, Text, Text, Text, Text, Bytes, Int, Int],
};

/// Returns one row if the tenant may have another resource of this kind, and no row at the maximum.
pub(super) const COUNT_RESOURCES: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT count(*) FROM resources WHERE tenant_id = $1 AND kind = $2) <= $3",
    params: &[Text, Text, Int],
};

pub(super) const LIST_RESOURCES: Statement = Statement {
    table: "resources",
    text: "SELECT id, tenant_id, kind, name, body, sealed, version, created_at, updated_at FROM resources
        WHERE tenant_id = $1 ORDER BY id",
    params: &[Text],
};

pub(super) async fn list_resources(sql: &Sql, tenant: TenantId) -> Result<Vec<Resource>, StoreError> {
    let rows = sql.query(&LIST_RESOURCES, vec![tenant.to_string().into()]).await?;
    rows.iter().filter_map(|row| read_resource(row).transpose()).collect()
}

pub(super) const ALL_RESOURCES: Statement = Statement {
    table: "resources",
    text: "SELECT id, tenant_id, kind, name, body, sealed, version, created_at, updated_at FROM resources
        WHERE id > $1 ORDER BY id LIMIT $2",
    params: &[Text, Int],
};

/// Updates the resource only if it is as it was when it was read.
pub(super) const UPDATE_RESOURCE: Statement = Statement {
    table: "resources",
    text: "UPDATE resources SET name = $3, body = $4, sealed = $5, updated_at = $6, version = version + 1
        WHERE tenant_id = $1 AND id = $2 AND version = $7",
    params: &[Text, Text, Text, Text, Bytes, Int, Int],
};

pub(super) const DELETE_RESOURCE: Statement = Statement {
    table: "resources",
    text: "DELETE FROM resources WHERE tenant_id = $1 AND id = $2",
    params: &[Text, Text],
};

#[async_trait]
impl Resources for SqlDirectory {
    async fn create_resource(
        &self,
        resource: &Resource,
        basis: &[Basis],
        once: Option<&Once>,
        by: &Change,
    ) -> Result<(), StoreError> {
        let Resource { tenant, kind, created_at: now, .. } = *resource;
        let values = vec![
            tenant.to_string().into(),
            resource.id_text().into(),
            kind.as_str().into(),
            resource.name.as_str().into(),
            resource.body.as_str().into(),
            resource.sealed.as_deref().into(),
            now.micros().into(),
            now.micros().into(),
        ];
        let count = vec![tenant.to_string().into(), kind.as_str().into(), i64::from(kind.most()).into()];
        let batch = unchanged(take_number(Batch::default()), basis)
            .run_touching(1, &INSERT_RESOURCE, values)
            .run_within((kind.plural(), kind.most()), &COUNT_RESOURCES, count);
        let batch = note_change(batch, tenant, "resource", resource.id_text(), by);
        self.sql.batch(answer_once(batch, tenant, once, now)).await.map(drop)
    }

    async fn list_resources(&self, tenant: TenantId) -> Result<Vec<Resource>, StoreError> {
        list_resources(&self.sql, tenant).await
    }

    async fn update_resource(
        &self,
        resource: &Resource,
        basis: &[Basis],
        by: &Change,
    ) -> Result<(), StoreError> {
        let Resource { tenant, updated_at: now, .. } = *resource;
        let values = vec![
            tenant.to_string().into(),
            resource.id_text().into(),
            resource.name.as_str().into(),
            resource.body.as_str().into(),
            resource.sealed.as_deref().into(),
            now.micros().into(),
            (resource.version - 1).into(),
        ];
        let batch = unchanged(take_number(Batch::default()), basis).run_touching(1, &UPDATE_RESOURCE, values);
        self.sql.batch(note_change(batch, tenant, "resource", resource.id_text(), by)).await.map(drop)
    }

    async fn delete_resource(
        &self,
        tenant: TenantId,
        (kind, id): (ResourceKind, [u8; 16]),
        basis: &[Basis],
        by: &Change,
    ) -> Result<bool, StoreError> {
        let id = kind.id_text(id);
        let values = vec![tenant.to_string().into(), id.as_str().into()];
        let batch = unchanged(take_number(Batch::default()), basis).run_touching(1, &DELETE_RESOURCE, values);
        match self.sql.batch(note_change(batch, tenant, "resource", id, by)).await {
            // Only the required row count can conflict here, because no other row refers to a resource.
            Err(StoreError::Conflict) => Ok(false),
            outcome => outcome.map(|_| true),
        }
    }
}
