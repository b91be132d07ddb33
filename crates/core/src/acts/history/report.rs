//! Reports: the counts of each kind of event.

use crate::{
    access::actor::Actor,
    acts::history::{HistoryError, shown_profiles},
    context::Context,
    history::query::{ConversionQuery, HourlyCounts, ReportQuery, WayCounts},
    phone::Country,
    tenant::profile::ProfileName,
    tenant::system::Part,
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
    context.permit(actor.tenant, Part::verifications(actor)).map_err(HistoryError::Database)?;
    let profiles = shown_profiles(context, actor, request.profile.as_ref()).await?;
    let ReportRequest { from, to, country, .. } = request;
    let query = ReportQuery { from, to, profiles, country };
    context.history.report(actor.tenant, actor.mode, &query).await.map_err(HistoryError::Database)
}

/// Counts how many messages were sent, delivered and undelivered, and how many checks approved, by provider,
/// country and prefix.
pub async fn read_conversion(
    context: &Context,
    actor: &Actor,
    query: &ConversionQuery,
) -> Result<Vec<WayCounts>, HistoryError> {
    context.permit(actor.tenant, Part::verifications(actor)).map_err(HistoryError::Database)?;
    context.history.conversion(actor.tenant, actor.mode, query).await.map_err(HistoryError::Database)
}
