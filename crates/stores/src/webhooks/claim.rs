//! Claims due messages.
//!
//! A claim consists of two statements. The first waits until another running claim has ended, so that the
//! second sees what that claim took.

use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Sql, Statement, Value,
};
use countersign_core::{
    id::WebhookId,
    ports::{error::StoreError, webhooks::WebhookClaim},
    time::Timestamp,
};

pub(super) const TAKE_TURN: Statement = Statement {
    table: "webhook_turn",
    text: "UPDATE webhook_turn SET n = n + 1 WHERE only_row = 1",
    params: &[],
};

/// Finds webhooks with due messages. It makes one index lookup for each webhook with waiting messages, and
/// does not read the messages.
pub(super) const SELECT_DUE: Statement = Statement {
    table: "webhook_messages",
    text: "SELECT webhook_id FROM (
            WITH RECURSIVE hop (webhook_id) AS (
                SELECT min(webhook_id) FROM webhook_messages WHERE webhook_id > $1 AND due_at IS NOT NULL
                UNION ALL
                SELECT (SELECT min(m.webhook_id) FROM webhook_messages AS m
                    WHERE m.webhook_id > hop.webhook_id AND m.due_at IS NOT NULL)
                FROM hop WHERE hop.webhook_id IS NOT NULL)
            SELECT webhook_id FROM hop) AS hops
        WHERE webhook_id IS NOT NULL AND EXISTS (SELECT 1 FROM webhook_messages AS due
            WHERE due.webhook_id = hops.webhook_id AND due.due_at <= $2)
        ORDER BY webhook_id LIMIT $3",
    params: &[Text, Int, Int],
};

pub(super) const CLAIM: Statement = Statement {
    table: "webhook_messages",
    text: "UPDATE webhook_messages SET due_at = $3, claim = claim + 1, claimed = 1
        WHERE webhook_id = $1 AND due_at <= $2 AND id IN (SELECT id FROM webhook_messages
            WHERE webhook_id = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $4)
        RETURNING id, webhook_id, tenant_id, kind, body, attempts, claim",
    params: &[Text, Int, Int, Int],
};

fn read_claim(row: &Row) -> Result<WebhookClaim, StoreError> {
    Ok(WebhookClaim {
        id: row.parsed(0, |text| text.parse().ok())?,
        webhook: row.parsed(1, |text| text.parse().ok())?,
        tenant: row.parsed(2, |text| text.parse().ok())?,
        kind: row.text(3)?.to_owned(),
        body: row.text(4)?.to_owned(),
        attempts: u32::try_from(row.int(5)?).map_err(|_| row.corrupt())?,
        claim: row.int(6)?,
    })
}

pub(super) fn webhook_ids(rows: &[Row]) -> Result<Vec<WebhookId>, StoreError> {
    rows.iter().map(|row| row.parsed(0, |text| text.parse().ok())).collect()
}

/// The webhook after which a query begins. Without a webhook it is the bare prefix, which sorts before all
/// ids.
pub(super) fn after(webhook: Option<WebhookId>) -> Value {
    webhook.map_or_else(|| WebhookId::PREFIX.to_owned(), |id| id.to_string()).into()
}

pub(super) async fn due(
    sql: &Sql,
    last: Option<WebhookId>,
    now: Timestamp,
    limit: u16,
) -> Result<Vec<WebhookId>, StoreError> {
    let values = vec![after(last), now.micros().into(), i64::from(limit).into()];
    webhook_ids(&sql.query(&SELECT_DUE, values).await?)
}

pub(super) async fn claim(
    sql: &Sql,
    webhook: WebhookId,
    (now, until): (Timestamp, Timestamp),
    limit: u16,
) -> Result<Vec<WebhookClaim>, StoreError> {
    let values =
        vec![webhook.to_string().into(), now.micros().into(), until.micros().into(), i64::from(limit).into()];
    let batch = Batch::default().run_touching(1, &TAKE_TURN, vec![]).run(&CLAIM, values);
    let rows = sql.batch(batch).await?;
    rows.get(1).into_iter().flatten().map(read_claim).collect()
}
