//! What the core needs of the history: [`History`] for the acts, and
//! [`HistoryUpkeep`] for what runs beside them.

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

/// What became of the verifications, as the acts ask for it.
#[async_trait]
pub trait History: Send + Sync {
    /// A verification whose start is recorded.
    async fn read(&self, key: RecordKey) -> Result<Option<PastVerification>, StoreError>;

    /// What happened to a verification, oldest first; empty when nothing is recorded of it.
    async fn timeline(&self, key: RecordKey) -> Result<Vec<Event>, StoreError>;

    /// Verifications of the tenant and mode, newest first.
    async fn list(
        &self,
        tenant: TenantId,
        mode: Mode,
        query: &ListQuery,
    ) -> Result<Vec<PastVerification>, StoreError>;

    /// Takes the number out of all verifications started up to `at`, also of
    /// those that are recorded later; how many held it.
    async fn erase(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: Fingerprint,
        at: Timestamp,
    ) -> Result<u64, StoreError>;

    /// What happened hour by hour; hours without anything are left out.
    async fn report(
        &self,
        tenant: TenantId,
        mode: Mode,
        query: &ReportQuery,
    ) -> Result<Vec<HourlyCounts>, StoreError>;

    /// What became of what was sent, by provider, country and prefix.
    async fn conversion(
        &self,
        tenant: TenantId,
        mode: Mode,
        query: &ConversionQuery,
    ) -> Result<Vec<WayCounts>, StoreError>;
}

/// What a batch became.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Events that are recorded now and were not before.
    pub new: usize,
    /// Events that were recorded before; they changed nothing.
    pub repeated: usize,
    /// Events that cannot be recorded, put aside.
    pub dead: usize,
}

impl std::ops::AddAssign for Recorded {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.repeated += other.repeated;
        self.dead += other.dead;
    }
}

/// How the history stands after it made room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arranged {
    /// Stretches of time that were made.
    pub made: u64,
    /// Stretches of time that were dropped as a whole.
    pub dropped: u64,
    /// Rows that belong to no stretch, counted up to a bound: there should be none.
    pub strays: u64,
    /// What was made before is left to be deleted row by row.
    pub before: Timestamp,
}

/// A sealed contact that the history keeps.
#[derive(Clone, Debug)]
pub struct StoredContact {
    /// The tenant.
    pub tenant: TenantId,
    /// The verification.
    pub id: VerificationId,
    /// Its number.
    pub number: Fingerprint,
    /// The sealed value; its first byte is the version of its key.
    pub contact: Vec<u8>,
}

/// What keeps the history up to date.
#[async_trait]
pub trait HistoryUpkeep: Send + Sync {
    /// Records events, in their order. A repeat changes nothing. An error has
    /// recorded nothing, or what a repeat finds done.
    async fn record(&self, events: &[UnrecordedEvent]) -> Result<Recorded, StoreError>;

    /// Notes as expired up to `limit` verifications whose time ended up to
    /// `passed`. All events up to then must be recorded. How many there were.
    async fn expire(&self, passed: Timestamp, limit: u16) -> Result<usize, StoreError>;

    /// Makes room for what comes, and drops at once what was made before
    /// `before`, where the engine keeps it in pieces.
    async fn arrange(&self, now: Timestamp, before: Timestamp) -> Result<Arranged, StoreError>;

    /// Deletes up to `limit` verifications made before, with their events. How many there were.
    async fn retain(&self, before: Timestamp, limit: u16) -> Result<usize, StoreError>;

    /// Deletes the counts of the oldest hour and the oldest day, if they began before. How many rows there were.
    async fn retain_counts(&self, before: Timestamp) -> Result<usize, StoreError>;

    /// Deletes up to `limit` rows of each kind of a tenant, of every week. Whether nothing is left.
    async fn erase_tenant(&self, tenant: TenantId, limit: u16) -> Result<bool, StoreError>;

    /// Up to `limit` rows by id, those after `after`, of which the ones that
    /// hold a contact are given; and the last id that was looked at.
    async fn contacts(
        &self,
        after: Option<VerificationId>,
        limit: u16,
    ) -> Result<(Vec<StoredContact>, Option<VerificationId>), StoreError>;

    /// Puts `sealed` in the place of a contact, unless that changed meanwhile.
    async fn replace_contact(&self, old: &StoredContact, sealed: &[u8]) -> Result<(), StoreError>;

    /// How far a job got, in its own words.
    async fn job(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Notes how far a job got.
    async fn save_job(&self, name: &str, state: &str) -> Result<(), StoreError>;
}
