//! The results of attempts, and the log of attempts.

use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Row, Sql, Statement,
};
use countersign_core::{
    acts::webhook_events::PING,
    id::{AttemptId, TenantId, WebhookId},
    ports::{
        error::StoreError,
        webhooks::{NextTry, Settled, WebhookAttempt, WebhookClaim, WebhookSettlement},
    },
    time::Timestamp,
};
use std::time::Duration;

pub(super) const SETTLE: Statement = Statement {
    table: "webhook_messages",
    text: "UPDATE webhook_messages SET due_at = CASE WHEN claimed = 2 THEN $5 ELSE $4 END,
            attempts = CASE WHEN claimed = 2 THEN 0 ELSE attempts + 1 END, claimed = 0
        WHERE webhook_id = $1 AND id = $2 AND claim = $3 AND claimed <> 0",
    params: &[Text, Text, Int, Int, Int],
};

pub(super) const INSERT_ATTEMPT: Statement = Statement {
    table: "webhook_attempts",
    text: "INSERT INTO webhook_attempts (webhook_id, id, tenant_id, message_id, kind, at, status_code,
            duration_ms, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    params: &[Text, Text, Text, Text, Text, Int, Int, Int, Text],
};

/// Only the first failure after a success is stored.
pub(super) const NOTE_FAILURE: Statement = Statement {
    table: "webhook_failures",
    text: "INSERT INTO webhook_failures (webhook_id, since) VALUES ($1, $2)
        ON CONFLICT (webhook_id) DO UPDATE SET since = webhook_failures.since
        RETURNING webhook_id, since",
    params: &[Text, Int],
};

pub(super) const FORGET_FAILURES: Statement = Statement {
    table: "webhook_failures",
    text: "DELETE FROM webhook_failures WHERE webhook_id = $1",
    params: &[Text],
};

pub(super) async fn settle(
    sql: &Sql,
    claim: &WebhookClaim,
    WebhookSettlement { attempt, next }: &WebhookSettlement,
) -> Result<Settled, StoreError> {
    let webhook = claim.webhook.to_string();
    let due_at = match next {
        NextTry::At(at) => Some(at.micros()),
        NextTry::Delivered | NextTry::GivenUp => None,
    };
    let settled = vec![
        webhook.as_str().into(),
        claim.id.to_string().into(),
        claim.claim.into(),
        due_at.into(),
        attempt.at.micros().into(),
    ];
    let logged = vec![
        webhook.as_str().into(),
        attempt.id.to_string().into(),
        claim.tenant.to_string().into(),
        attempt.message.to_string().into(),
        attempt.kind.as_str().into(),
        attempt.at.micros().into(),
        attempt.status_code.map(i64::from).into(),
        i64::try_from(attempt.duration.as_millis()).unwrap_or(i64::MAX).into(),
        attempt.reason.as_deref().into(),
    ];
    let batch = Batch::default().run_touching(1, &SETTLE, settled).run(&INSERT_ATTEMPT, logged);
    let batch = match attempt.reason {
        None => batch.run(&FORGET_FAILURES, vec![webhook.into()]),
        // The author of a ping sees its result, and a failed ping says nothing about events.
        Some(_) if attempt.kind == PING => batch,
        Some(_) => batch.run(&NOTE_FAILURE, vec![webhook.into(), attempt.at.micros().into()]),
    };
    let rows = match sql.batch(batch).await {
        Err(StoreError::Conflict) => return Ok(Settled::Lost),
        outcome => outcome?,
    };
    let since = rows.get(2).and_then(|rows| rows.first()).map(|row| row.int(1)).transpose()?;
    Ok(Settled::Noted { failing_since: since.map(Timestamp::from_micros) })
}

pub(super) const COUNT_FAILURES: Statement = Statement {
    table: "webhook_attempts",
    text: "SELECT count(*) FROM (SELECT id FROM webhook_attempts
        WHERE webhook_id = $1 AND id >= $2 AND reason IS NOT NULL AND kind <> $3 LIMIT $4) AS failed",
    params: &[Text, Text, Text, Int],
};

pub(super) async fn failures(
    sql: &Sql,
    webhook: WebhookId,
    since: Timestamp,
    most: u16,
) -> Result<u64, StoreError> {
    let since = AttemptId::floor(since).to_string();
    let values = vec![webhook.to_string().into(), since.into(), PING.into(), i64::from(most).into()];
    let rows = sql.query(&COUNT_FAILURES, values).await?;
    let failed = rows.first().map(|row| row.int(0)).transpose()?.unwrap_or_default();
    Ok(u64::try_from(failed).unwrap_or_default())
}

pub(super) const LIST_ATTEMPTS: Statement = Statement {
    table: "webhook_attempts",
    text: "SELECT id, message_id, kind, at, status_code, duration_ms, reason FROM webhook_attempts
        WHERE tenant_id = $1 AND webhook_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
    params: &[Text, Text, Text, Int],
};

fn read_attempt(row: &Row) -> Result<WebhookAttempt, StoreError> {
    let status = row.optional_int(4)?.map(u16::try_from).transpose();
    Ok(WebhookAttempt {
        id: row.parsed(0, |text| text.parse().ok())?,
        message: row.parsed(1, |text| text.parse().ok())?,
        kind: row.text(2)?.to_owned(),
        at: Timestamp::from_micros(row.int(3)?),
        status_code: status.map_err(|_| row.corrupt())?,
        duration: Duration::from_millis(u64::try_from(row.int(5)?).map_err(|_| row.corrupt())?),
        reason: row.optional_text(6)?.map(str::to_owned),
    })
}

pub(super) async fn list_attempts(
    sql: &Sql,
    (tenant, webhook): (TenantId, WebhookId),
    before: Option<AttemptId>,
    limit: u16,
) -> Result<Vec<WebhookAttempt>, StoreError> {
    // A tilde sorts after every character of an id.
    let before = before.map_or_else(|| format!("{}~", AttemptId::PREFIX), |id| id.to_string());
    let values =
        vec![tenant.to_string().into(), webhook.to_string().into(), before.into(), i64::from(limit).into()];
    sql.query(&LIST_ATTEMPTS, values).await?.iter().map(read_attempt).collect()
}
