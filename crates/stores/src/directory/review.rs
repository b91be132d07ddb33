//! Review numbers.

use super::SqlDirectory;
use super::{
    answer::answer_once,
    change::{note_change, take_number},
};
use crate::sql::{
    Batch,
    Kind::{Bytes, Int, Text},
    Row, Sql, Statement,
};
use async_trait::async_trait;
use countersign_core::ports::directory::reviews::Reviews;
use countersign_core::{
    access::change::Change,
    audit::{entry::Draft, state::of_review_number},
    id::{ReviewNumberId, TenantId},
    keyring::Fingerprint,
    ports::error::StoreError,
    tenant::review::{self, ReviewNumber},
    time::Timestamp,
    verification::idempotency::Once,
};

pub(super) fn read_review_number(row: &Row) -> Result<ReviewNumber, StoreError> {
    Ok(ReviewNumber {
        id: row.parsed(0, |text| text.parse().ok())?,
        tenant: row.parsed(1, |text| text.parse().ok())?,
        number: Fingerprint(row.bytes(2)?.try_into().map_err(|_| row.corrupt())?),
        sealed: row.bytes(3)?.to_vec(),
        ends_at: Timestamp::from_micros(row.int(4)?),
        created_at: Timestamp::from_micros(row.int(5)?),
    })
}

/// Deletes an ended review number to make room for a new one.
pub(super) const DELETE_ENDED_REVIEW_NUMBER: Statement = Statement {
    table: "review_numbers",
    text: "DELETE FROM review_numbers WHERE tenant_id = $1 AND ends_at <= $2",
    params: &[Text, Int],
};

pub(super) const INSERT_REVIEW_NUMBER: Statement = Statement {
    table: "review_numbers",
    text: "INSERT INTO review_numbers (tenant_id, id, number, sealed, ends_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)",
    params: &[Text, Text, Bytes, Bytes, Int, Int],
};

/// Returns one row unless the tenant has too many.
pub(super) const COUNT_REVIEW_NUMBERS: Statement = Statement {
    table: "change_head",
    text: "SELECT n FROM change_head WHERE only_row = 1
        AND (SELECT count(*) FROM review_numbers WHERE tenant_id = $1) <= $2",
    params: &[Text, Int],
};

pub(super) const LIST_REVIEW_NUMBERS: Statement = Statement {
    table: "review_numbers",
    text: "SELECT id, tenant_id, number, sealed, ends_at, created_at FROM review_numbers
        WHERE tenant_id = $1 ORDER BY id",
    params: &[Text],
};

pub(super) async fn list_review_numbers(
    sql: &Sql,
    tenant: TenantId,
) -> Result<Vec<ReviewNumber>, StoreError> {
    let rows = sql.query(&LIST_REVIEW_NUMBERS, vec![tenant.to_string().into()]).await?;
    rows.iter().map(read_review_number).collect()
}

pub(super) const ALL_REVIEW_NUMBERS: Statement = Statement {
    table: "review_numbers",
    text: "SELECT id, tenant_id, number, sealed, ends_at, created_at FROM review_numbers
        WHERE id > $1 ORDER BY id LIMIT $2",
    params: &[Text, Int],
};

pub(super) const DELETE_REVIEW_NUMBER: Statement = Statement {
    table: "review_numbers",
    text: "DELETE FROM review_numbers WHERE tenant_id = $1 AND id = $2",
    params: &[Text, Text],
};

#[async_trait]
impl Reviews for SqlDirectory {
    async fn create_review_number(
        &self,
        review: &ReviewNumber,
        once: Option<&Once>,
        by: &Change,
    ) -> Result<(), StoreError> {
        let tenant = &|| review.tenant.to_string().into();
        let number = &|| review.number.0.as_slice().into();
        let draft = &Draft::created("review_number.create", review.id, of_review_number(review));
        self.audited(review.tenant, by, |mut chains| async move {
            let values = vec![
                tenant(),
                review.id.to_string().into(),
                number(),
                review.sealed.as_slice().into(),
                review.ends_at.micros().into(),
                review.created_at.micros().into(),
            ];
            let batch = chains
                .append(take_number(Batch::default()), draft, by)
                .run(&DELETE_ENDED_REVIEW_NUMBER, vec![tenant(), by.at.micros().into()])
                .run_touching(1, &INSERT_REVIEW_NUMBER, values)
                .run_within(
                    ("review numbers", review::MOST),
                    &COUNT_REVIEW_NUMBERS,
                    vec![tenant(), i64::from(review::MOST).into()],
                );
            let batch = note_change(batch, review.tenant, "review_number", review.id, by);
            self.sql.batch(answer_once(batch, review.tenant, once, by.at)).await.map(drop)
        })
        .await
    }

    async fn list_review_numbers(&self, tenant: TenantId) -> Result<Vec<ReviewNumber>, StoreError> {
        list_review_numbers(&self.sql, tenant).await
    }

    async fn delete_review_number(
        &self,
        tenant: TenantId,
        id: ReviewNumberId,
        by: &Change,
    ) -> Result<bool, StoreError> {
        self.audited_until(tenant, (by, true), |mut chains| async move {
            let all = list_review_numbers(&self.sql, tenant).await?;
            let Some(old) = all.into_iter().find(|review| review.id == id) else { return Ok(false) };
            let draft = Draft::deleted("review_number.delete", id, of_review_number(&old));
            let values = vec![tenant.to_string().into(), id.to_string().into()];
            let batch = chains.append(take_number(Batch::default()), &draft, by);
            let batch = batch.run_unmoved(&DELETE_REVIEW_NUMBER, values);
            self.sql.batch(note_change(batch, tenant, "review_number", id, by)).await?;
            Ok(true)
        })
        .await
    }
}
