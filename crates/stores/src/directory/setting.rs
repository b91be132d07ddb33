//! Settings: the directory stores one text for each name of a tenant.

use super::SqlDirectory;
use super::change::{note_change, take_number};
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Sql, Statement,
};
use async_trait::async_trait;
use countersign_core::ports::directory::settings::{self as port};
use countersign_core::{
    access::change::Change,
    audit::{entry::Draft, state::of_setting},
    id::TenantId,
    ports::error::StoreError,
    tenant::{
        limits::LimitScope,
        settings::{Setting, Settings},
    },
    time::Timestamp,
};

pub(super) const SAVE_SETTING: Statement = Statement {
    table: "settings",
    text: "INSERT INTO settings (tenant_id, name, value, updated_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value,
            updated_at = excluded.updated_at",
    params: &[Text, Text, Text, Int],
};

pub(super) const DELETE_SETTING: Statement = Statement {
    table: "settings",
    text: "DELETE FROM settings WHERE tenant_id = $1 AND name = $2",
    params: &[Text, Text],
};

/// Returns one row if the tenant has this limit, or may have another one of its own.
pub(super) const COUNT_LIMITS: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND ((SELECT count(*) FROM settings WHERE tenant_id = $1 AND name LIKE 'limit:%'
            AND name NOT IN ('limit:number', 'limit:end_user_ip', 'limit:key', 'limit:tenant',
                'limit:country', 'limit:prefix')) < $2
            OR EXISTS (SELECT 1 FROM settings WHERE tenant_id = $1 AND name = $3))",
    params: &[Text, Int, Text],
};

/// Adds the statements that store or reset the setting.
pub(super) fn put_setting(batch: Batch, tenant: TenantId, setting: &Setting, now: Timestamp) -> Batch {
    let (name, value) = setting.stored();
    let mut values = vec![tenant.to_string().into(), name.into()];
    match value {
        Some(value) => {
            values.extend([value.into(), now.micros().into()]);
            batch.run_touching(1, &SAVE_SETTING, values)
        }
        None => batch.run(&DELETE_SETTING, values),
    }
}

pub(super) const SELECT_SETTINGS: Statement = Statement {
    table: "settings",
    text: "SELECT tenant_id, name, value FROM settings WHERE tenant_id = $1",
    params: &[Text],
};

pub(super) async fn settings(sql: &Sql, tenant: TenantId) -> Result<Settings, StoreError> {
    let mut settings = Settings::default();
    for row in &sql.query(&SELECT_SETTINGS, vec![tenant.to_string().into()]).await? {
        take(&mut settings, row)?;
    }
    Ok(settings)
}

/// Adds one row to its tenant's settings.
pub(super) fn take(settings: &mut Settings, row: &Row) -> Result<(), StoreError> {
    settings.take(row.text(1)?, row.text(2)?).map_err(|_| row.corrupt())
}

#[async_trait]
impl port::Settings for SqlDirectory {
    async fn settings(&self, tenant: TenantId) -> Result<Settings, StoreError> {
        settings(&self.sql, tenant).await
    }

    async fn save_setting(&self, tenant: TenantId, setting: &Setting, by: &Change) -> Result<(), StoreError> {
        self.put(tenant, setting, by, |_| true).await
    }

    async fn replace_setting(
        &self,
        tenant: TenantId,
        was: &Setting,
        setting: &Setting,
        by: &Change,
    ) -> Result<(), StoreError> {
        let (_, was) = was.stored();
        self.put(tenant, setting, by, |stored| *stored == was).await
    }
}

impl SqlDirectory {
    /// Stores or resets a setting, if `as_read` accepts the stored value.
    async fn put(
        &self,
        tenant: TenantId,
        setting: &Setting,
        by: &Change,
        as_read: impl Fn(&Option<String>) -> bool + Sync,
    ) -> Result<(), StoreError> {
        let ((name, value), as_read) = (&setting.stored(), &as_read);
        self.audited(tenant, by, |mut chains| async move {
            let old = stored_setting(&self.sql, tenant, name).await?;
            if !as_read(&old) {
                return Err(StoreError::Moved);
            }
            let own_limit = matches!(setting, Setting::Limit(name, _) if name.scope() == LimitScope::Caller);
            if old == *value {
                // A limit with the tenant's own name cannot be reset if it does not exist.
                return if own_limit && value.is_none() { Err(StoreError::Conflict) } else { Ok(()) };
            }
            let state = |stored: &String| of_setting(name, stored);
            let draft = Draft {
                action: format!("{}.update", name.split(':').next().unwrap_or_default()),
                object: name.clone(),
                before: old.as_ref().map(state),
                after: value.as_ref().map(state),
            };
            let mut batch = chains.append(take_number(Batch::default()), &draft, by);
            if own_limit && value.is_some() {
                let most = Settings::MOST_LIMITS;
                let count = vec![tenant.to_string().into(), i64::from(most).into(), name.as_str().into()];
                batch = batch.run_within(("limits of its own", most), &COUNT_LIMITS, count);
            }
            let batch = put_setting(batch, tenant, setting, by.at);
            self.sql.batch(note_change(batch, tenant, "setting", name.as_str(), by)).await.map(drop)
        })
        .await
    }
}

async fn stored_setting(sql: &Sql, tenant: TenantId, name: &str) -> Result<Option<String>, StoreError> {
    let rows = sql.query(&SELECT_SETTINGS, vec![tenant.to_string().into()]).await?;
    let mut found = None;
    for row in &rows {
        if row.text(1)? == name {
            found = Some(row.text(2)?.to_owned());
        }
    }
    Ok(found)
}
