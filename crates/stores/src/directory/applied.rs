//! What `countersign apply` made. Notes come and go without a change: nobody keeps a copy of them.

use super::SqlDirectory;
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::{
    ports::{
        applied::{Applied, AppliedKind, AppliedNotes},
        error::StoreError,
    },
    time::Timestamp,
};

pub(super) const NOTE_APPLIED: Statement = Statement {
    table: "applied",
    text: "INSERT INTO applied (source, tenant_id, kind, entity_id, at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (source, tenant_id, kind, entity_id) DO NOTHING",
    params: &[Text, Text, Text, Text, Int],
};

pub(super) const LIST_APPLIED: Statement = Statement {
    table: "applied",
    text: "SELECT tenant_id, kind, entity_id FROM applied WHERE source = $1
        ORDER BY tenant_id, kind, entity_id",
    params: &[Text],
};

pub(super) const FORGET_APPLIED: Statement = Statement {
    table: "applied",
    text: "DELETE FROM applied WHERE source = $1 AND tenant_id = $2 AND kind = $3 AND entity_id = $4",
    params: &[Text, Text, Text, Text],
};

fn values(source: &str, applied: &Applied) -> Vec<Value> {
    let Applied { tenant, kind, entity } = applied;
    vec![source.into(), tenant.to_string().into(), kind.as_str().into(), entity.as_str().into()]
}

fn read_applied(row: &Row) -> Result<Applied, StoreError> {
    Ok(Applied {
        tenant: row.parsed(0, |text| text.parse().ok())?,
        kind: row.parsed(1, AppliedKind::parse)?,
        entity: row.text(2)?.to_owned(),
    })
}

#[async_trait]
impl AppliedNotes for SqlDirectory {
    async fn note_applied(&self, source: &str, applied: &Applied, at: Timestamp) -> Result<(), StoreError> {
        let mut values = values(source, applied);
        values.push(at.micros().into());
        self.sql.batch(Batch::default().run(&NOTE_APPLIED, values)).await.map(drop)
    }

    async fn list_applied(&self, source: &str) -> Result<Vec<Applied>, StoreError> {
        let rows = self.sql.query(&LIST_APPLIED, vec![source.into()]).await?;
        rows.iter().map(read_applied).collect()
    }

    async fn forget_applied(&self, source: &str, applied: &Applied) -> Result<(), StoreError> {
        let batch = Batch::default().run(&FORGET_APPLIED, values(source, applied));
        self.sql.batch(batch).await.map(drop)
    }
}
