//! Counts of what happened.

use crate::{
    access::actor::Actor,
    acts::history::{HistoryError, profile},
    context::Context,
    history::query::{ConversionQuery, HourlyCounts, ReportQuery, WayCounts},
    phone::Country,
    tenant::profile::ProfileName,
    time::Timestamp,
};

/// Which report a client wants.
#[derive(Clone, Debug)]
pub struct ReportRequest {
    /// From this hour on.
    pub from: Timestamp,
    /// Up to this time.
    pub to: Timestamp,
    /// Of one profile.
    pub profile: Option<ProfileName>,
    /// Of numbers of one country.
    pub country: Option<Country>,
}

/// Counts what happened, hour by hour.
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

/// Counts what became of what was sent, by provider, country and prefix.
pub async fn read_conversion(
    context: &Context,
    actor: &Actor,
    query: &ConversionQuery,
) -> Result<Vec<WayCounts>, HistoryError> {
    context.history.conversion(actor.tenant, actor.mode, query).await.map_err(HistoryError::Database)
}
