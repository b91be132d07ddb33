//! A history that a test does not use.

use super::not_asked;
use crate::{
    history::query::{ConversionQuery, HourlyCounts, ListQuery, PastVerification, ReportQuery, WayCounts},
    id::{RecordKey, TenantId},
    keyring::Fingerprint,
    mode::Mode,
    ports::{error::StoreError, history::History},
    time::Timestamp,
    verification::event::Event,
};
use async_trait::async_trait;

/// A store whose test never uses its [`History`].
pub trait WithoutHistory: Send + Sync {}

#[async_trait]
impl<T: WithoutHistory> History for T {
    async fn read(&self, _: RecordKey) -> Result<Option<PastVerification>, StoreError> {
        not_asked()
    }

    async fn timeline(&self, _: RecordKey) -> Result<Vec<Event>, StoreError> {
        not_asked()
    }

    async fn list(&self, _: TenantId, _: Mode, _: &ListQuery) -> Result<Vec<PastVerification>, StoreError> {
        not_asked()
    }

    async fn erase(&self, _: TenantId, _: Mode, _: Fingerprint, _: Timestamp) -> Result<u64, StoreError> {
        not_asked()
    }

    async fn report(&self, _: TenantId, _: Mode, _: &ReportQuery) -> Result<Vec<HourlyCounts>, StoreError> {
        not_asked()
    }

    async fn conversion(
        &self,
        _: TenantId,
        _: Mode,
        _: &ConversionQuery,
    ) -> Result<Vec<WayCounts>, StoreError> {
        not_asked()
    }
}

/// A history that the test never uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHistory;

impl WithoutHistory for NoHistory {}
