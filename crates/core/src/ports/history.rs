//! The history: [`History`] for the operations of clients, and [`HistoryUpkeep`] for the recorder and the
//! maintenance.

use crate::{
    history::query::{ConversionQuery, HourlyCounts, ListQuery, PastVerification, ReportQuery, WayCounts},
    id::{RecordKey, TenantId, VerificationId},
    keyring::Fingerprint,
    mode::Mode,
    ports::{codes::events::UnrecordedEvent, error::StoreError},
    time::Timestamp,
    verification::event::Event,
};
use async_trait::async_trait;

/// The queries and the erasure, for the operations of clients.
#[async_trait]
pub trait History: Send + Sync {
    /// A verification whose start is recorded.
    async fn read(&self, key: RecordKey) -> Result<Option<PastVerification>, StoreError>;

    /// The events of a verification, oldest first; empty if none is recorded.
    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError>;

    /// The verifications of the tenant and mode, newest first.
    async fn list(
        &self,
        tenant: TenantId,
        mode: Mode,
        query: &ListQuery,
    ) -> Result<Vec<PastVerification>, StoreError>;

    /// Removes the phone number from all verifications started up to `at`, including those that are recorded
    /// later. Returns the number of verifications that had it.
    async fn erase(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        at: Timestamp,
    ) -> Result<u64, StoreError>;

    /// The counts of each hour. Hours without events are left out.
    async fn report(
        &self,
        tenant: TenantId,
        mode: Mode,
        query: &ReportQuery,
    ) -> Result<Vec<HourlyCounts>, StoreError>;

    /// How many messages were sent, delivered and undelivered, and how many checks approved, by provider,
    /// country and prefix.
    async fn conversion(
        &self,
        tenant: TenantId,
        mode: Mode,
        query: &ConversionQuery,
    ) -> Result<Vec<WayCounts>, StoreError>;
}

/// The result of recording a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The number of events that are recorded now and were not before.
    pub new: usize,
    /// The number of events that were recorded before. They changed nothing.
    pub repeated: usize,
    /// The number of events that cannot be recorded and were stored apart.
    pub dead: usize,
}

impl std::ops::AddAssign for Recorded {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.repeated += other.repeated;
        self.dead += other.dead;
    }
}

/// The result of creating and dropping partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arranged {
    /// The number of partitions created.
    pub made: u64,
    /// The number of partitions dropped.
    pub dropped: u64,
    /// The number of rows outside any partition, counted up to a bound. It should be zero.
    pub strays: u64,
    /// Verifications made before this time must still be deleted row by row.
    pub before: Timestamp,
}

/// A sealed contact in the history.
#[derive(Clone, Debug)]
pub struct StoredContact {
    pub tenant: TenantId,
    pub id: VerificationId,
    pub number: Fingerprint,
    /// The sealed value. Its first byte is the version of its key.
    pub contact: Vec<u8>,
}

/// Recording and maintenance of the history.
#[async_trait]
pub trait HistoryUpkeep: Send + Sync {
    /// Records events, in their order. A repeat changes nothing. If it returns an error, it has recorded
    /// nothing, or only what a repeat finds done.
    async fn record(&self, events: &[UnrecordedEvent]) -> Result<Recorded, StoreError>;

    /// Records up to `limit` verifications as expired whose time ended at `passed` or earlier. All events up
    /// to then must have been recorded. Returns the number of verifications.
    async fn expire(&self, passed: Timestamp, limit: u16) -> Result<usize, StoreError>;

    /// Creates the partitions for new rows, and drops those with only rows made before `before`, if the
    /// engine has partitions.
    async fn arrange(&self, now: Timestamp, before: Timestamp) -> Result<Arranged, StoreError>;

    /// Deletes up to `limit` verifications made before this time, with their events. Returns their number.
    async fn retain(&self, before: Timestamp, limit: u16) -> Result<usize, StoreError>;

    /// Deletes the counts of the oldest hour and the oldest day, if they began before this time. Returns the
    /// number of rows.
    async fn retain_counts(&self, before: Timestamp) -> Result<usize, StoreError>;

    /// Deletes up to `limit` rows of each kind of a tenant, in all partitions. Returns whether nothing is
    /// left.
    async fn erase_tenant(&self, tenant: TenantId, limit: u16) -> Result<bool, StoreError>;

    /// Looks at up to `limit` rows after `after`, sorted by id. Returns those with a contact, and the last id
    /// that it looked at.
    async fn contacts(
        &self,
        after: Option<VerificationId>,
        limit: u16,
    ) -> Result<(Vec<StoredContact>, Option<VerificationId>), StoreError>;

    /// Replaces a contact by `sealed`, unless the contact has changed in the meantime.
    async fn replace_contact(&self, old: &StoredContact, sealed: &[u8]) -> Result<(), StoreError>;

    /// The stored state of a job, in the job's own form.
    async fn job(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Stores the state of a job.
    async fn save_job(&self, name: &str, state: &str) -> Result<(), StoreError>;
}
