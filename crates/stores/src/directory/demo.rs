//! The mark of a directory of `dev`.

use super::SqlDirectory;
use crate::sql::{Batch, Kind::Int, Sql, Statement};
use countersign_core::{
    access::change::Change, audit::entry::Draft, ports::error::StoreError, tenant::OPERATOR, time::Timestamp,
};
use serde_json::json;

pub(super) const MARK_DEMO: Statement = Statement {
    table: "demo",
    text: "INSERT INTO demo (only_row, at) VALUES (1, $1) ON CONFLICT (only_row) DO NOTHING",
    params: &[Int],
};

pub(super) const IS_DEMO: Statement =
    Statement { table: "demo", text: "SELECT at FROM demo WHERE only_row = 1", params: &[] };

pub(super) const UNMARK_DEMO: Statement =
    Statement { table: "demo", text: "DELETE FROM demo WHERE only_row = 1", params: &[] };

pub(super) async fn mark(sql: &Sql, now: Timestamp) -> Result<(), StoreError> {
    sql.batch(Batch::default().run(&MARK_DEMO, vec![now.micros().into()])).await.map(drop)
}

pub(super) async fn is_marked(sql: &Sql) -> Result<bool, StoreError> {
    Ok(!sql.query(&IS_DEMO, Vec::new()).await?.is_empty())
}

impl SqlDirectory {
    pub(super) async fn unmark(&self, by: &Change) -> Result<(), StoreError> {
        if !is_marked(&self.sql).await? {
            return Ok(());
        }
        let draft = &Draft::deleted("demo.remove", "demo", json!({}));
        self.audited(OPERATOR, by, |mut chains| async move {
            let batch = chains.append(Batch::default(), draft, by);
            self.sql.batch(batch.run(&UNMARK_DEMO, Vec::new())).await.map(drop)
        })
        .await
    }
}
