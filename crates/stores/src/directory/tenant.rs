//! Tenants.

use super::{
    SqlDirectory,
    answer::answer_once,
    change::{note_change, take_number},
    demo, erasure,
    people::SHUT_OUT_MEMBERS,
    profile, setting,
};
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Sql, Statement,
};
use async_trait::async_trait;
use countersign_core::{
    access::change::Change,
    audit::{entry::Draft, state::of_tenant},
    id::TenantId,
    phone::countries::Countries,
    ports::{directory::tenants::Tenants, error::StoreError},
    tenant::{
        OPERATOR, PORTAL, Tenant, TenantChange, TenantName, profile::Profile, settings::Setting,
        system::is_system,
    },
    time::Timestamp,
    verification::idempotency::Once,
};

pub(super) fn read_tenant(row: &Row) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row.parsed(0, |text| text.parse().ok())?,
        name: row.parsed(1, TenantName::parse)?,
        created_at: Timestamp::from_micros(row.int(2)?),
        version: row.int(3)?,
        disabled_at: row.optional_int(4)?.map(Timestamp::from_micros),
        deleted_at: row.optional_int(5)?.map(Timestamp::from_micros),
        erasing: row.flag(6)?,
    })
}

pub(super) const INSERT_TENANT: Statement = Statement {
    table: "tenants",
    text: "INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3)",
    params: &[Text, Text, Int],
};

pub(super) const SELECT_TENANT: Statement = Statement {
    table: "tenants",
    text: "SELECT id, name, created_at, version, disabled_at, deleted_at, erasing
        FROM tenants WHERE id = $1",
    params: &[Text],
};

pub(super) async fn tenant(sql: &Sql, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
    let rows = sql.query(&SELECT_TENANT, vec![tenant.to_string().into()]).await?;
    rows.first().map(read_tenant).transpose()
}

pub(super) const LIST_TENANTS: Statement = Statement {
    table: "tenants",
    text: "SELECT id, name, created_at, version, disabled_at, deleted_at, erasing
        FROM tenants WHERE id > $1 ORDER BY id LIMIT $2",
    params: &[Text, Int],
};

/// Updates the tenant only if it is as it was when it was read.
pub(super) const UPDATE_TENANT: Statement = Statement {
    table: "tenants",
    text: "UPDATE tenants SET name = $3, disabled_at = $4, deleted_at = $5, version = version + 1
        WHERE id = $1 AND version = $2",
    params: &[Text, Int, Text, Int, Int],
};

#[async_trait]
impl Tenants for SqlDirectory {
    async fn create_tenant(
        &self,
        tenant: &Tenant,
        profile: &Profile,
        countries: &Countries,
        once: Option<&Once>,
        by: &Change,
    ) -> Result<(), StoreError> {
        let now = tenant.created_at;
        let draft = &Draft::created("tenant.create", tenant.id, of_tenant(tenant));
        self.audited_in(&[tenant.id, OPERATOR], |mut chains| async move {
            let values = vec![tenant.id.to_string().into(), tenant.name.as_str().into(), now.micros().into()];
            // The chain begins with its tenant.
            let batch = take_number(Batch::default()).run_touching(1, &INSERT_TENANT, values);
            let batch = chains.append(batch, draft, by);
            let batch = setting::put_setting(batch, tenant.id, &Setting::Countries(countries.clone()), now);
            let batch = note_change(batch, tenant.id, "tenant", tenant.id, by);
            let batch = profile::insert_profile(take_number(batch), profile);
            let batch = note_change(batch, tenant.id, "profile", profile.id, by);
            self.sql.batch(answer_once(batch, OPERATOR, once, now)).await.map(drop)
        })
        .await
    }

    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
        self::tenant(&self.sql, tenant).await
    }

    async fn list_tenants(&self, after: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>, StoreError> {
        // The tenants of the server itself sort before every other, and are not listed.
        let after = after.unwrap_or(OPERATOR).max(PORTAL).to_string();
        let rows = self.sql.query(&LIST_TENANTS, vec![after.into(), i64::from(limit).into()]).await?;
        rows.iter().map(read_tenant).collect()
    }

    async fn update_tenant(
        &self,
        id: TenantId,
        change: &TenantChange,
        by: &Change,
    ) -> Result<Option<Tenant>, StoreError> {
        self.audited_in(&[id, OPERATOR], |mut chains| async move {
            let old = self::tenant(&self.sql, id).await?.filter(|tenant| !is_system(tenant.id));
            let Some(old) = old else { return Ok(None) };
            let new = match old.changed(change, by.at) {
                Some(new) if new != old => new,
                _ => return Ok(Some(old)),
            };
            let draft = Draft::updated("tenant.update", id, of_tenant(&old), of_tenant(&new));
            let values = vec![
                id.to_string().into(),
                old.version.into(),
                new.name.as_str().into(),
                new.disabled_at.map(Timestamp::micros).into(),
                new.deleted_at.map(Timestamp::micros).into(),
            ];
            let batch = chains.append(take_number(Batch::default()), &draft, by);
            let mut batch = batch.run_unmoved(&UPDATE_TENANT, values);
            if old.disabled_at.is_none() && new.disabled_at.is_some() {
                batch = batch.run(&SHUT_OUT_MEMBERS, vec![id.to_string().into()]);
            }
            self.sql.batch(note_change(batch, id, "tenant", id, by)).await?;
            Ok(Some(new))
        })
        .await
    }

    async fn list_deleted_tenants(&self, until: Timestamp, limit: u16) -> Result<Vec<Tenant>, StoreError> {
        erasure::list_deleted(&self.sql, until, limit).await
    }

    async fn begin_erasure(
        &self,
        tenant: TenantId,
        until: Timestamp,
        by: &Change,
    ) -> Result<bool, StoreError> {
        self.begin(tenant, until, by).await
    }

    async fn erase_tenant(&self, tenant: TenantId, limit: u16, by: &Change) -> Result<bool, StoreError> {
        self.erase(tenant, limit, by).await
    }

    async fn mark_demo(&self, now: Timestamp) -> Result<(), StoreError> {
        demo::mark(&self.sql, now).await
    }

    async fn is_demo(&self) -> Result<bool, StoreError> {
        demo::is_marked(&self.sql).await
    }

    async fn unmark_demo(&self, by: &Change) -> Result<(), StoreError> {
        self.unmark(by).await
    }
}
