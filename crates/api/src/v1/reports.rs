//! Reports: the counts of each kind of event.

mod json;
mod read;

use crate::access::caller::{Authed, ReportsRead, Within};
use actix_web::{
    get,
    web::{Data, Json},
};
use countersign_core::acts::history::report;
use countersign_web::{State, body::Query, problem::Problem};
use json::{ConversionReport, HourlyReport};

/// Counts events, hour by hour.
#[utoipa::path(
    tag = "reports",
    params(
        ("from" = String, Query, description = "Begins with the hour that contains this time.", format = DateTime,
            example = "2026-01-31T00:00:00Z"),
        ("to" = String, Query, description = "Ends at this time, at most 31 days later.", format = DateTime,
            example = "2026-02-01T00:00:00Z"),
        ("profile" = Option<String>, Query, description = "Counts only this profile.",
            pattern = "^[a-z0-9-]{1,32}$", example = "default"),
        ("country" = Option<String>, Query, description = "Counts only numbers of this country.",
            pattern = "^[A-Z]{2}$", example = "PL"),
    ),
    responses((status = 200, description = "The hours with at least one event.", body = HourlyReport)),
    security(("key" = ["reports:read"]))
)]
#[get("/reports/hourly")]
pub async fn read_hourly_report(
    caller: Authed<Within<ReportsRead>>,
    state: Data<State>,
    query: Query,
) -> Result<Json<HourlyReport>, Problem> {
    let asked = read::report_request(query.0)?;
    Ok(Json(report::read_hourly_report(&state.context, &caller, asked).await?.into()))
}

/// Counts the outcomes of messages by provider, country and prefix.
///
/// Each outcome counts on the day on which it happened. An approval counts for
/// the provider that accepted the last message.
#[utoipa::path(
    tag = "reports",
    params(
        ("from" = String, Query, description = "Begins with the day (UTC) that contains this time.", format = DateTime,
            example = "2026-01-01T00:00:00Z"),
        ("to" = String, Query, description = "Ends at this time, at most 93 days later.", format = DateTime,
            example = "2026-02-01T00:00:00Z"),
        ("by" = Option<String>, Query, description = "The rows differ by provider, by provider and country \
            of the numbers (the default), or by provider, country and prefix.",
            pattern = "^(provider|country|prefix)$", example = "prefix"),
        ("country" = Option<String>, Query, description = "Counts only numbers of this country.",
            pattern = "^[A-Z]{2}$", example = "PL"),
        ("limit" = Option<u8>, Query, description = "Rows on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.",
            pattern = r"^[a-z0-9-]{1,32}\.[A-Z]{0,2}\.[0-9]{0,6}$"),
    ),
    responses((status = 200, description = "A page of rows, by provider, country and prefix.", body = ConversionReport)),
    security(("key" = ["reports:read"]))
)]
#[get("/reports/conversion")]
pub async fn read_conversion_report(
    caller: Authed<ReportsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<ConversionReport>, Problem> {
    let mut asked = read::conversion_request(query.0)?;
    let limit = asked.limit;
    asked.limit += 1;
    let found = report::read_conversion(&state.context, &caller, &asked).await?;
    Ok(Json(ConversionReport::new(found, limit)))
}
