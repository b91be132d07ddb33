//! Forms that came after the session had ended.

use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Sql, Statement,
};
use countersign_core::{
    id::{PersonId, TenantId},
    ports::{error::StoreError, people::sessions::LateForm},
    time::Timestamp,
};

/// The person may have been deleted since the session ended.
pub(super) const KEEP_FORM: Statement = Statement {
    table: "late_forms",
    text: "INSERT INTO late_forms (person_id, tenant_id, sealed, expires_at)
        SELECT people.id, $2, $3, $4 FROM people WHERE people.id = $1
        ON CONFLICT (person_id) DO UPDATE SET tenant_id = excluded.tenant_id, sealed = excluded.sealed,
            expires_at = excluded.expires_at",
    params: &[Text, Text, Bytes, Int],
};

/// An empty $2 means a form of no tenant.
pub(super) const TAKE_FORM: Statement = Statement {
    table: "late_forms",
    text: "DELETE FROM late_forms WHERE person_id = $1 AND coalesce(tenant_id, '') = $2
        RETURNING person_id, tenant_id, sealed, expires_at",
    params: &[Text, Text],
};

pub(super) async fn keep(sql: &Sql, form: &LateForm) -> Result<(), StoreError> {
    let values = vec![
        form.person.to_string().into(),
        form.tenant.map(|tenant| tenant.to_string()).into(),
        form.sealed.as_slice().into(),
        form.expires_at.micros().into(),
    ];
    sql.execute(&KEEP_FORM, values).await
}

pub(super) async fn take(
    sql: &Sql,
    (person, tenant): (PersonId, Option<TenantId>),
    now: Timestamp,
) -> Result<Option<LateForm>, StoreError> {
    let of = tenant.map_or_else(String::new, |tenant| tenant.to_string());
    let rows =
        sql.batch(Batch::default().run(&TAKE_FORM, vec![person.to_string().into(), of.into()])).await?;
    let Some(row) = rows.first().and_then(|rows| rows.first()) else { return Ok(None) };
    let form = LateForm {
        person,
        tenant,
        sealed: row.bytes(2)?.to_vec(),
        expires_at: Timestamp::from_micros(row.int(3)?),
    };
    Ok(Some(form).filter(|form| now < form.expires_at))
}
