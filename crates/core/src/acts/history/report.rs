//! Reports: the counts of each kind of event.

use crate::{
    access::actor::Actor,
    acts::history::{HistoryError, profile},
    context::Context,
    history::query::{ConversionQuery, HourlyCounts, ReportQuery, WayCounts},
    phone::Country,
    tenant::profile::ProfileName,
    time::Timestamp,
};

/// The report that a client wants.
#[derive(Clone, Debug)]
pub struct ReportRequest {
    /// The first hour.
    pub from: Timestamp,
    /// The end of the report.
    pub to: Timestamp,
    pub profile: Option<ProfileName>,
    /// Counts only phone numbers of this country.
    pub country: Option<Country>,
}

/// Counts the events of each hour.
pub async fn read_hourly_report(
    context: &Context,
    actor: &Actor,
    request: ReportRequest,
) -> Result<Vec<HourlyCounts>, HistoryError> {
    let profile = match &request.profile {
        Some(name) => Some(profile(context, actor, name).await?.id),
        None => None,
    };
    let ReportRequest { from, to, country, .. } = request;
    let query = ReportQuery { from, to, profile, country };
    context.history.report(actor.tenant, actor.mode, &query).await.map_err(HistoryError::Database)
}

/// Counts how many messages were sent, delivered and undelivered, and how many checks approved, by provider,
/// country and prefix.
pub async fn read_conversion(
    context: &Context,
    actor: &Actor,
    query: &ConversionQuery,
) -> Result<Vec<WayCounts>, HistoryError> {
    context.history.conversion(actor.tenant, actor.mode, query).await.map_err(HistoryError::Database)
}
