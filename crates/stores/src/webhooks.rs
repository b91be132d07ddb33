//! The messages to webhooks in SQL: added with what happened, in the same
//! transaction, and taken by any number of workers.
//!
//! A claim is two statements: the first waits for whoever claims just now, so
//! the second sees what that took. Each worker names its claim when it settles.

mod log;
mod upkeep;

use crate::sql::{
    Batch,
    Kind::{self, Int, Text},
    Row, Sql, Statement, Value,
};
use async_trait::async_trait;
use countersign_core::{
    id::{AttemptId, TenantId, WebhookId, WebhookMessageId},
    ports::{
        error::StoreError,
        webhooks::{
            KeptBounds, Retained, Settled, WebhookAttempt, WebhookClaim, WebhookMessage, WebhookOutbox,
            WebhookSettlement,
        },
    },
    time::Timestamp,
};

/// Every statement of the outbox; tests run each one on both engines.
pub const STATEMENTS: &[&Statement] = &[
    &TAKE_TURN,
    &INSERT_MESSAGE,
    &INSERT_MESSAGES,
    &SELECT_DUE,
    &CLAIM,
    &log::SETTLE,
    &log::INSERT_ATTEMPT,
    &log::NOTE_FAILURE,
    &log::COUNT_FAILURES,
    &log::LIST_ATTEMPTS,
    &REDELIVER,
    &upkeep::SELECT_KNOWN,
    &upkeep::SELECT_OLDEST_MESSAGE,
    &upkeep::SELECT_OLDEST_WAITING,
    &upkeep::SELECT_OLDEST_ATTEMPT,
    &upkeep::DELETE_OLD_MESSAGES,
    &upkeep::DELETE_OLD_WAITING,
    &upkeep::DELETE_OLD_ATTEMPTS,
    &upkeep::END_TRIES,
    &upkeep::FORGET_MESSAGES,
    &upkeep::FORGET_ATTEMPTS,
    &log::FORGET_FAILURES,
];

const TAKE_TURN: Statement = Statement {
    table: "webhook_turn",
    text: "UPDATE webhook_turn SET n = n + 1 WHERE only_row = 1",
    params: &[],
};

const INSERT_MESSAGE: Statement = Statement {
    table: "webhook_messages",
    text: "INSERT INTO webhook_messages (webhook_id, id, tenant_id, kind, body, at, due_at, claim, claimed,
            attempts)
        VALUES ($1, $2, $3, $4, $5, $6, $6, 0, 0, 0) ON CONFLICT (webhook_id, id) DO NOTHING",
    params: &ROW,
};

const ROW: [Kind; 6] = [Text, Text, Text, Text, Text, Int];
/// Rows of one insert: fewer statements are fewer round trips of the recorder.
const ROWS: usize = 10;
const ALL_ROWS: [Kind; ROWS * ROW.len()] = {
    let mut all = [Text; ROWS * ROW.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = ROW[at % ROW.len()];
        at += 1;
    }
    all
};

const INSERT_MESSAGES: Statement = Statement {
    table: "webhook_messages",
    text: "INSERT INTO webhook_messages (webhook_id, id, tenant_id, kind, body, at, due_at, claim, claimed,
            attempts)
        VALUES ($1, $2, $3, $4, $5, $6, $6, 0, 0, 0),
            ($7, $8, $9, $10, $11, $12, $12, 0, 0, 0),
            ($13, $14, $15, $16, $17, $18, $18, 0, 0, 0),
            ($19, $20, $21, $22, $23, $24, $24, 0, 0, 0),
            ($25, $26, $27, $28, $29, $30, $30, 0, 0, 0),
            ($31, $32, $33, $34, $35, $36, $36, 0, 0, 0),
            ($37, $38, $39, $40, $41, $42, $42, 0, 0, 0),
            ($43, $44, $45, $46, $47, $48, $48, 0, 0, 0),
            ($49, $50, $51, $52, $53, $54, $54, 0, 0, 0),
            ($55, $56, $57, $58, $59, $60, $60, 0, 0, 0)
        ON CONFLICT (webhook_id, id) DO NOTHING",
    params: &ALL_ROWS,
};

fn message_values(message: &WebhookMessage) -> [Value; ROW.len()] {
    [
        message.webhook.to_string().into(),
        message.id.to_string().into(),
        message.tenant.to_string().into(),
        message.kind.into(),
        message.body.as_str().into(),
        message.at.micros().into(),
    ]
}

/// Adds the statements that add messages.
pub(crate) fn insert(mut batch: Batch, messages: &[WebhookMessage]) -> Batch {
    let mut tens = messages.chunks_exact(ROWS);
    for ten in &mut tens {
        batch = batch.run(&INSERT_MESSAGES, ten.iter().flat_map(message_values).collect());
    }
    let rest = tens.remainder().iter();
    rest.fold(batch, |batch, message| batch.run(&INSERT_MESSAGE, message_values(message).into()))
}

/// Hops from webhook to webhook in the index of what waits, instead of reading all of it.
const SELECT_DUE: Statement = Statement {
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

const CLAIM: Statement = Statement {
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

/// All tries begin anew, but never beside one that is under way: 2 says that
/// they do when that one is settled.
const REDELIVER: Statement = Statement {
    table: "webhook_messages",
    text: "UPDATE webhook_messages SET attempts = 0,
            due_at = CASE WHEN claimed <> 0 AND due_at IS NOT NULL THEN due_at ELSE $4 END,
            claimed = CASE WHEN claimed <> 0 AND due_at IS NOT NULL THEN 2 ELSE 0 END
        WHERE tenant_id = $1 AND webhook_id = $2 AND id = $3",
    params: &[Text, Text, Text, Int],
};

fn webhook_ids(rows: &[Row]) -> Result<Vec<WebhookId>, StoreError> {
    rows.iter().map(|row| row.parsed(0, |text| text.parse().ok())).collect()
}

/// What comes after an id, or after none: a prefix sorts before all ids.
fn after(webhook: Option<WebhookId>) -> Value {
    webhook.map_or_else(|| WebhookId::PREFIX.to_owned(), |id| id.to_string()).into()
}

/// The outbox on a database of either engine.
#[derive(Clone)]
pub struct SqlWebhooks {
    sql: Sql,
}

impl SqlWebhooks {
    /// The outbox in this database, whose schema must be up to date.
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }
}

#[async_trait]
impl WebhookOutbox for SqlWebhooks {
    async fn add(&self, messages: &[WebhookMessage]) -> Result<(), StoreError> {
        self.sql.batch(insert(Batch::default(), messages)).await.map(drop)
    }

    async fn due(
        &self,
        last: Option<WebhookId>,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<WebhookId>, StoreError> {
        let values = vec![after(last), now.micros().into(), i64::from(limit).into()];
        webhook_ids(&self.sql.query(&SELECT_DUE, values).await?)
    }

    async fn claim(
        &self,
        webhook: WebhookId,
        (now, until): (Timestamp, Timestamp),
        limit: u16,
    ) -> Result<Vec<WebhookClaim>, StoreError> {
        let values = vec![
            webhook.to_string().into(),
            now.micros().into(),
            until.micros().into(),
            i64::from(limit).into(),
        ];
        let batch = Batch::default().run_touching(1, &TAKE_TURN, vec![]).run(&CLAIM, values);
        let rows = self.sql.batch(batch).await?;
        rows.get(1).into_iter().flatten().map(read_claim).collect()
    }

    async fn settle(
        &self,
        claim: &WebhookClaim,
        settlement: &WebhookSettlement,
    ) -> Result<Settled, StoreError> {
        log::settle(&self.sql, claim, settlement).await
    }

    async fn end_tries(&self, webhook: WebhookId, limit: u16) -> Result<u64, StoreError> {
        upkeep::end_tries(&self.sql, webhook, limit).await
    }

    async fn failures(&self, webhook: WebhookId, since: Timestamp, most: u16) -> Result<u64, StoreError> {
        log::failures(&self.sql, webhook, since, most).await
    }

    async fn redeliver(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        message: WebhookMessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = vec![
            tenant.to_string().into(),
            webhook.to_string().into(),
            message.to_string().into(),
            now.micros().into(),
        ];
        match self.sql.batch(Batch::default().run_touching(1, &REDELIVER, values)).await {
            Err(StoreError::Conflict) => Ok(false),
            outcome => outcome.map(|_| true),
        }
    }

    async fn list_attempts(
        &self,
        tenant: TenantId,
        webhook: WebhookId,
        before: Option<AttemptId>,
        limit: u16,
    ) -> Result<Vec<WebhookAttempt>, StoreError> {
        log::list_attempts(&self.sql, (tenant, webhook), before, limit).await
    }

    async fn forget(&self, tenant: TenantId, webhook: WebhookId, limit: u16) -> Result<bool, StoreError> {
        upkeep::forget(&self.sql, tenant, webhook, limit).await
    }

    async fn known(
        &self,
        last: Option<WebhookId>,
        limit: u16,
    ) -> Result<Vec<(TenantId, WebhookId)>, StoreError> {
        upkeep::known(&self.sql, last, limit).await
    }

    async fn retain(
        &self,
        webhook: WebhookId,
        bounds: &KeptBounds,
        limit: u16,
    ) -> Result<Retained, StoreError> {
        upkeep::retain(&self.sql, webhook, bounds, limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::STATEMENTS;
    use crate::sql::rules;

    #[test]
    fn statements_keep_to_the_shared_dialect() {
        let broken: Vec<_> = STATEMENTS.iter().filter_map(|one| rules::check(one).err()).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }

    #[test]
    fn every_statement_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/webhooks");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let sources = files.map(|path| std::fs::read_to_string(path).unwrap());
        let written: usize = sources.map(|source| source.matches(": Statement =").count()).sum();
        assert_eq!(written + 6, STATEMENTS.len(), "six stand in this file");
        let mut texts: Vec<_> = STATEMENTS.iter().map(|statement| statement.text).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), STATEMENTS.len(), "a statement stands twice in the list");
    }
}
