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
    Row, Sql, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::ports::directory::resources::Resources;
use countersign_core::{
    access::change::Change,
    audit::{entry::Draft, state::of_resource},
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

/// The values of [`UPDATE_RESOURCE`], for a resource whose version is one more than the stored one.
fn update_values(resource: &Resource) -> Vec<Value> {
    vec![
        resource.tenant.to_string().into(),
        resource.id_text().into(),
        resource.name.as_str().into(),
        resource.body.as_str().into(),
        resource.sealed.as_deref().into(),
        resource.updated_at.micros().into(),
        (resource.version - 1).into(),
    ]
}

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
        let action = format!("{}.create", kind.as_str());
        let draft = &Draft::created(action, resource.id_text(), of_resource(resource));
        self.audited(tenant, by, |mut chains| async move {
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
            let batch = chains.append(take_number(Batch::default()), draft, by);
            let batch = unchanged(batch, basis).run_touching(1, &INSERT_RESOURCE, values).run_within(
                (kind.plural(), kind.most()),
                &COUNT_RESOURCES,
                count,
            );
            let batch = note_change(batch, tenant, "resource", resource.id_text(), by);
            self.sql.batch(answer_once(batch, tenant, once, now)).await.map(drop)
        })
        .await
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
        let (tenant, kind) = (resource.tenant, resource.kind.as_str());
        self.audited(tenant, by, |mut chains| async move {
            let all = list_resources(&self.sql, tenant).await?;
            let old = all.into_iter().find(|one| (one.kind, one.id) == (resource.kind, resource.id));
            let old = old.ok_or(StoreError::Conflict)?;
            let act = if old.sealed == resource.sealed { "update" } else { "update_secrets" };
            let draft = Draft::updated(
                format!("{kind}.{act}"),
                resource.id_text(),
                of_resource(&old),
                of_resource(resource),
            );
            let batch = chains.append(take_number(Batch::default()), &draft, by);
            let batch = unchanged(batch, basis).run_touching(1, &UPDATE_RESOURCE, update_values(resource));
            self.sql.batch(note_change(batch, tenant, "resource", resource.id_text(), by)).await.map(drop)
        })
        .await
    }

    async fn reseal_resource(&self, resource: &Resource, by: &Change) -> Result<(), StoreError> {
        let batch = take_number(Batch::default()).run_touching(1, &UPDATE_RESOURCE, update_values(resource));
        let batch = note_change(batch, resource.tenant, "resource", resource.id_text(), by);
        self.sql.batch(batch).await.map(drop)
    }

    async fn delete_resource(
        &self,
        tenant: TenantId,
        (kind, id): (ResourceKind, [u8; 16]),
        basis: &[Basis],
        by: &Change,
    ) -> Result<bool, StoreError> {
        self.audited_until(tenant, (by, true), |mut chains| async move {
            let all = list_resources(&self.sql, tenant).await?;
            let Some(old) = all.into_iter().find(|one| (one.kind, one.id) == (kind, id)) else {
                return Ok(false);
            };
            let action = format!("{}.delete", kind.as_str());
            let draft = Draft::deleted(action, old.id_text(), of_resource(&old));
            let values = vec![tenant.to_string().into(), old.id_text().into()];
            let batch = chains.append(take_number(Batch::default()), &draft, by);
            let batch = unchanged(batch, basis).run_unmoved(&DELETE_RESOURCE, values);
            self.sql.batch(note_change(batch, tenant, "resource", old.id_text(), by)).await?;
            Ok(true)
        })
        .await
    }
}
