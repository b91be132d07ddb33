//! The messages to webhooks in SQL. A message is added in the same transaction as the change that it
//! reports. Any number of workers claim messages; each names its claim when it settles a message.

mod claim;
mod insert;
mod log;
mod upkeep;

pub(crate) use insert::insert;

use crate::sql::{
    Batch,
    Kind::{Int, Text},
    Sql, Statement,
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
    &claim::TAKE_TURN,
    &insert::INSERT_MESSAGE,
    &insert::INSERT_MESSAGES,
    &claim::SELECT_DUE,
    &claim::CLAIM,
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

/// Starts the attempts of a message again. If an attempt runs now, it sets `claimed` to 2, and the settlement
/// of that attempt starts them again.
const REDELIVER: Statement = Statement {
    table: "webhook_messages",
    text: "UPDATE webhook_messages SET attempts = 0,
            due_at = CASE WHEN claimed <> 0 AND due_at IS NOT NULL THEN due_at ELSE $4 END,
            claimed = CASE WHEN claimed <> 0 AND due_at IS NOT NULL THEN 2 ELSE 0 END
        WHERE tenant_id = $1 AND webhook_id = $2 AND id = $3",
    params: &[Text, Text, Text, Int],
};

/// The outbox in a database of either engine.
#[derive(Clone)]
pub struct SqlWebhooks {
    sql: Sql,
}

impl SqlWebhooks {
    /// Uses this database, whose schema must be up to date.
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
        claim::due(&self.sql, last, now, limit).await
    }

    async fn claim(
        &self,
        webhook: WebhookId,
        (now, until): (Timestamp, Timestamp),
        limit: u16,
    ) -> Result<Vec<WebhookClaim>, StoreError> {
        claim::claim(&self.sql, webhook, (now, until), limit).await
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
        assert_eq!(written + 1, STATEMENTS.len(), "one is in this file");
        let mut texts: Vec<_> = STATEMENTS.iter().map(|statement| statement.text).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), STATEMENTS.len(), "a statement stands twice in the list");
    }
}
