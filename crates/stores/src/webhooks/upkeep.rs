//! The maintenance of webhook messages: it ends attempts for disabled webhooks, and deletes old rows and the
//! rows of deleted webhooks.

use super::{claim::after, log::FORGET_FAILURES};
use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Sql, Statement,
};
use countersign_core::{
    id::{AttemptId, TenantId, WebhookId, WebhookMessageId},
    ports::{
        error::StoreError,
        webhooks::{KeptBounds, Retained},
    },
};

pub(super) const END_TRIES: Statement = Statement {
    table: "webhook_messages",
    text: "UPDATE webhook_messages SET due_at = NULL, claimed = 0
        WHERE webhook_id = $1 AND due_at IS NOT NULL AND id IN (SELECT id FROM webhook_messages
            WHERE webhook_id = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT $2)
        RETURNING id",
    params: &[Text, Int],
};

pub(super) async fn end_tries(sql: &Sql, webhook: WebhookId, limit: u16) -> Result<u64, StoreError> {
    let values = vec![webhook.to_string().into(), i64::from(limit).into()];
    let rows = sql.batch(Batch::default().run(&END_TRIES, values)).await?;
    Ok(rows.first().map_or(0, Vec::len) as u64)
}

pub(super) const FORGET_MESSAGES: Statement = Statement {
    table: "webhook_messages",
    text: "DELETE FROM webhook_messages WHERE webhook_id = $2 AND id IN (SELECT id
            FROM webhook_messages WHERE tenant_id = $1 AND webhook_id = $2 ORDER BY id LIMIT $3)
        RETURNING id",
    params: &[Text, Text, Int],
};

pub(super) const FORGET_ATTEMPTS: Statement = Statement {
    table: "webhook_attempts",
    text: "DELETE FROM webhook_attempts WHERE webhook_id = $2 AND id IN (SELECT id
            FROM webhook_attempts WHERE tenant_id = $1 AND webhook_id = $2 ORDER BY id LIMIT $3)
        RETURNING id",
    params: &[Text, Text, Int],
};

pub(super) async fn forget(
    sql: &Sql,
    tenant: TenantId,
    webhook: WebhookId,
    limit: u16,
) -> Result<bool, StoreError> {
    let of = || vec![tenant.to_string().into(), webhook.to_string().into(), i64::from(limit).into()];
    // Delete messages last: the maintenance finds remaining rows by the messages of a webhook.
    let batch = Batch::default().run(&FORGET_ATTEMPTS, of());
    let batch = batch.run(&FORGET_FAILURES, vec![webhook.to_string().into()]);
    let attempts = sql.batch(batch).await?.first().map_or(0, Vec::len);
    if attempts >= usize::from(limit) {
        return Ok(false);
    }
    let messages = sql.batch(Batch::default().run(&FORGET_MESSAGES, of())).await?;
    Ok(messages.first().map_or(0, Vec::len) < usize::from(limit))
}

/// The webhooks that have messages, each with its tenant. It makes one index lookup for each webhook, as
/// [`super::SELECT_DUE`] does.
pub(super) const SELECT_KNOWN: Statement = Statement {
    table: "webhook_messages",
    text: "SELECT webhook_id, (SELECT min(m.tenant_id) FROM webhook_messages AS m
                WHERE m.webhook_id = hops.webhook_id AND m.id = (SELECT min(first.id)
                    FROM webhook_messages AS first WHERE first.webhook_id = hops.webhook_id))
        FROM (
            WITH RECURSIVE hop (webhook_id) AS (
                SELECT min(webhook_id) FROM webhook_messages WHERE webhook_id > $1
                UNION ALL
                SELECT (SELECT min(m.webhook_id) FROM webhook_messages AS m WHERE m.webhook_id > hop.webhook_id)
                FROM hop WHERE hop.webhook_id IS NOT NULL)
            SELECT webhook_id FROM hop) AS hops
        WHERE webhook_id IS NOT NULL ORDER BY webhook_id LIMIT $2",
    params: &[Text, Int],
};

pub(super) async fn known(
    sql: &Sql,
    last: Option<WebhookId>,
    limit: u16,
) -> Result<Vec<(TenantId, WebhookId)>, StoreError> {
    let rows = sql.query(&SELECT_KNOWN, vec![after(last), i64::from(limit).into()]).await?;
    let read = |row: &crate::sql::Row| {
        Ok((row.parsed(1, |text| text.parse().ok())?, row.parsed(0, |text| text.parse().ok())?))
    };
    rows.iter().map(read).collect()
}

/// The newest message beyond the maximum number.
pub(super) const SELECT_OLDEST_MESSAGE: Statement = Statement {
    table: "webhook_messages",
    text: "SELECT id FROM webhook_messages WHERE webhook_id = $1 AND due_at IS NULL
        ORDER BY id DESC LIMIT 1 OFFSET $2",
    params: &[Text, Int],
};

pub(super) const SELECT_OLDEST_WAITING: Statement = Statement {
    table: "webhook_messages",
    text: "SELECT id FROM webhook_messages WHERE webhook_id = $1 AND due_at IS NOT NULL
        ORDER BY id DESC LIMIT 1 OFFSET $2",
    params: &[Text, Int],
};

pub(super) const SELECT_OLDEST_ATTEMPT: Statement = Statement {
    table: "webhook_attempts",
    text: "SELECT id FROM webhook_attempts WHERE webhook_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2",
    params: &[Text, Int],
};

pub(super) const DELETE_OLD_MESSAGES: Statement = Statement {
    table: "webhook_messages",
    text: "DELETE FROM webhook_messages WHERE webhook_id = $1 AND due_at IS NULL AND id IN (SELECT id
            FROM webhook_messages WHERE webhook_id = $1 AND id <= $2 AND due_at IS NULL ORDER BY id LIMIT $3)
        RETURNING id",
    params: &[Text, Text, Int],
};

/// Messages with an attempt in progress stay.
pub(super) const DELETE_OLD_WAITING: Statement = Statement {
    table: "webhook_messages",
    text: "DELETE FROM webhook_messages WHERE webhook_id = $1 AND due_at IS NOT NULL AND claimed = 0
            AND id IN (SELECT id FROM webhook_messages
                WHERE webhook_id = $1 AND id <= $2 AND due_at IS NOT NULL AND claimed = 0 ORDER BY id LIMIT $3)
        RETURNING id",
    params: &[Text, Text, Int],
};

pub(super) const DELETE_OLD_ATTEMPTS: Statement = Statement {
    table: "webhook_attempts",
    text: "DELETE FROM webhook_attempts WHERE webhook_id = $1 AND id IN (SELECT id
            FROM webhook_attempts WHERE webhook_id = $1 AND id <= $2 ORDER BY id LIMIT $3)
        RETURNING id",
    params: &[Text, Text, Int],
};

/// The ids of messages and of attempts begin with their time, so old ones are found by id.
pub(super) async fn retain(
    sql: &Sql,
    webhook: WebhookId,
    bounds: &KeptBounds,
    limit: u16,
) -> Result<Retained, StoreError> {
    let (message, attempt) =
        (WebhookMessageId::floor(bounds.before).to_string(), AttemptId::floor(bounds.before).to_string());
    let kinds = [
        (&SELECT_OLDEST_MESSAGE, &DELETE_OLD_MESSAGES, message.clone(), bounds.most),
        (&SELECT_OLDEST_ATTEMPT, &DELETE_OLD_ATTEMPTS, attempt, bounds.most),
        (&SELECT_OLDEST_WAITING, &DELETE_OLD_WAITING, message, bounds.waiting),
    ];
    let mut batch = Batch::default();
    for (select, delete, floor, most) in kinds {
        let rows = sql.query(select, vec![webhook.to_string().into(), i64::from(most).into()]).await?;
        let beyond = rows.first().map(|row| row.text(0)).transpose()?.unwrap_or_default();
        let last = floor.max(beyond.to_owned());
        batch = batch.run(delete, vec![webhook.to_string().into(), last.into(), i64::from(limit).into()]);
    }
    let rows = sql.batch(batch).await?;
    let went = |n: usize| rows.get(n).map_or(0, Vec::len) as u64;
    let more = (0..3).any(|n| went(n) >= limit.into());
    Ok(Retained { deleted: went(0) + went(1), dropped: went(2), more })
}
