//! The history in SQL: all past verifications.
//!
//! An event and its counts are recorded at most once: the event's key must be new, or the whole batch is
//! rolled back. A failed batch is repeated without the events that are recorded already, and then event by
//! event.

mod dead;
mod erasure;
mod insert;
mod list;
mod record;
mod report;
mod tenant;
mod upkeep;

use crate::sql::{Batch, Sql, Statement};
use async_trait::async_trait;
use countersign_core::{
    history::query::{ConversionQuery, HourlyCounts, ListQuery, PastVerification, ReportQuery, WayCounts},
    id::{RecordKey, TenantId, VerificationId},
    keyring::{Fingerprint, KeyRing},
    mode::Mode,
    ports::{
        codes::events::UnrecordedEvent,
        error::StoreError,
        history::{Arranged, History, HistoryUpkeep, Recorded, StoredContact},
    },
    snapshot::Snapshot,
    time::Timestamp,
    verification::event::Event,
};
use record::Recorder;
use std::sync::Arc;

/// Every statement of the history; tests run each one on both engines.
pub const STATEMENTS: &[&Statement] = &[
    &TAKE_TURN,
    &insert::INSERT_EVENTS,
    &insert::INSERT_EVENT,
    &insert::MERGE_VERIFICATION,
    &insert::ADD_COUNTS,
    &insert::ADD_CONVERSIONS,
    &record::SELECT_FACTS,
    &record::SELECT_EVENT,
    &dead::INSERT_DEAD_EVENT,
    &list::SELECT_VERIFICATION,
    &list::SELECT_TIMELINE,
    &list::LIST_ALL,
    &list::LIST_BY_STATUS,
    &list::LIST_BY_PROFILE,
    &list::LIST_BY_PROFILE_AND_STATUS,
    &list::LIST_BY_NUMBER,
    &list::LIST_BY_NUMBER_AND_PROFILE,
    &report::SUM_COUNTS,
    &report::SUM_CONVERSIONS,
    &upkeep::SELECT_PASSED,
    &upkeep::SELECT_CONTACTS,
    &upkeep::REPLACE_CONTACT,
    &upkeep::SAVE_JOB,
    &upkeep::SELECT_JOB,
    &erasure::NOTE_ERASURE,
    &erasure::ERASE_NUMBER,
    &tenant::LEFT_OF_TENANT,
    &tenant::ERASE_EVENTS,
    &tenant::ERASE_VERIFICATIONS,
    &tenant::ERASE_COUNTS,
    &tenant::ERASE_CONVERSIONS,
    &tenant::ERASE_ERASURES,
    &tenant::ERASE_DEAD_EVENTS,
    &upkeep::DELETE_EVENTS,
    &upkeep::DELETE_VERIFICATIONS,
    &upkeep::DELETE_DEAD_EVENTS,
    &upkeep::DELETE_ERASURES,
    &upkeep::DELETE_COUNTS,
    &upkeep::DELETE_CONVERSIONS,
];

/// The first statement of a batch that other batches of the same kind must not overtake.
const TAKE_TURN: Statement = Statement {
    table: "history_turn",
    text: "UPDATE history_turn SET n = n + 1 WHERE only_row = 1",
    params: &[],
};

fn take_turn(batch: Batch) -> Batch {
    batch.run_touching(1, &TAKE_TURN, Vec::new())
}

/// The history in a database of either engine.
pub struct SqlHistory {
    sql: Sql,
    recorder: Recorder,
}

impl SqlHistory {
    /// Uses this database, whose schema must be up to date.
    pub fn new(sql: Sql) -> Self {
        Self { recorder: Recorder::new(sql.clone(), None), sql }
    }

    /// Also adds messages for the webhooks in this snapshot, and counts by prefixes of the phone numbers,
    /// which these keys open.
    pub fn telling(sql: Sql, webhooks_of: Arc<Snapshot>, keyring: Arc<KeyRing>) -> Self {
        Self { recorder: Recorder::new(sql.clone(), Some((webhooks_of, keyring))), sql }
    }
}

#[async_trait]
impl History for SqlHistory {
    async fn read(&self, key: RecordKey) -> Result<Option<PastVerification>, StoreError> {
        list::read(&self.sql, key).await
    }

    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError> {
        list::timeline(&self.sql, key).await
    }

    async fn list(
        &self,
        tenant: TenantId,
        mode: Mode,
        query: &ListQuery,
    ) -> Result<Vec<PastVerification>, StoreError> {
        list::list(&self.sql, tenant, mode, query).await
    }

    async fn erase(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        erasure::erase(&self.sql, (tenant, mode, number), at).await
    }

    async fn report(
        &self,
        tenant: TenantId,
        mode: Mode,
        query: &ReportQuery,
    ) -> Result<Vec<HourlyCounts>, StoreError> {
        report::report(&self.sql, tenant, mode, query).await
    }

    async fn conversion(
        &self,
        tenant: TenantId,
        mode: Mode,
        query: &ConversionQuery,
    ) -> Result<Vec<WayCounts>, StoreError> {
        report::conversion(&self.sql, tenant, mode, query).await
    }
}

#[async_trait]
impl HistoryUpkeep for SqlHistory {
    async fn record(&self, events: &[UnrecordedEvent]) -> Result<Recorded, StoreError> {
        self.recorder.record(events).await
    }

    async fn expire(&self, passed: Timestamp, limit: u16) -> Result<usize, StoreError> {
        let events = upkeep::passed(&self.sql, passed, limit).await?;
        if !events.is_empty() {
            self.recorder.record(&events).await?;
        }
        Ok(events.len())
    }

    async fn arrange(&self, now: Timestamp, before: Timestamp) -> Result<Arranged, StoreError> {
        upkeep::arrange(&self.sql, now, before).await
    }

    async fn retain(&self, before: Timestamp, limit: u16) -> Result<usize, StoreError> {
        upkeep::retain(&self.sql, before, limit).await
    }

    async fn retain_counts(&self, before: Timestamp) -> Result<usize, StoreError> {
        upkeep::retain_counts(&self.sql, before).await
    }

    async fn erase_tenant(&self, tenant: TenantId, limit: u16) -> Result<bool, StoreError> {
        tenant::erase(&self.sql, tenant, limit).await
    }

    async fn contacts(
        &self,
        after: Option<VerificationId>,
        limit: u16,
    ) -> Result<(Vec<StoredContact>, Option<VerificationId>), StoreError> {
        upkeep::contacts(&self.sql, after, limit).await
    }

    async fn replace_contact(&self, old: &StoredContact, sealed: &[u8]) -> Result<(), StoreError> {
        upkeep::replace_contact(&self.sql, old, sealed).await
    }

    async fn job(&self, name: &str) -> Result<Option<String>, StoreError> {
        upkeep::job(&self.sql, name).await
    }

    async fn save_job(&self, name: &str, state: &str) -> Result<(), StoreError> {
        upkeep::save_job(&self.sql, name, state).await
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
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/history");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let sources = files.map(|path| std::fs::read_to_string(path).unwrap());
        let written: usize = sources.map(|source| source.matches(": Statement =").count()).sum();
        assert_eq!(written + 1, STATEMENTS.len(), "the first one stands in this file");
        let mut texts: Vec<_> = STATEMENTS.iter().map(|statement| statement.text).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), STATEMENTS.len(), "a statement stands twice in the list");
    }
}
