//! Reads the queries of the reports.

use crate::http::{time::parse_time, values::profile_name};
use countersign_core::{
    acts::history::report::ReportRequest,
    history::query::{By, ConversionQuery, Way},
    phone::Country,
    time::Timestamp,
};
use countersign_web::{
    fields::{Fields, PAGE, page_limit, text},
    problem::{Fault, Problem},
};
use serde_json::Value;
use std::time::Duration;

const HOUR: i64 = 3_600 * 1_000_000;
const DAY: i64 = 24 * HOUR;

/// Reads the query of a report. `from` is moved to the beginning of its hour.
pub fn report_request(mut fields: Fields) -> Result<ReportRequest, Problem> {
    let stretch = stretch(&mut fields, HOUR, 31, "must be within 31 days of from");
    let profile = fields.given("profile", profile_name);
    let country = fields.given("country", country);
    let request = stretch.map(|(from, to)| ReportRequest { from, to, profile, country });
    fields.finish(request)
}

/// Reads the query of a conversion report. `from` is moved to the beginning of its day.
pub fn conversion_request(mut fields: Fields) -> Result<ConversionQuery, Problem> {
    let stretch = stretch(&mut fields, DAY, 93, "must be within 93 days of from");
    let by = fields.given("by", |value| match text(value)?.as_str() {
        "provider" => Ok(By::Provider),
        "country" => Ok(By::Country),
        "prefix" => Ok(By::Prefix),
        _ => Err(Fault::format("must be provider, country or prefix")),
    });
    let country = fields.given("country", country);
    let after = fields.given("cursor", |value| {
        let text = text(value)?;
        let mut parts = text.split('.').map(str::to_owned);
        let way = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(provider), Some(country), Some(prefix), None) = way else {
            return Err(Fault::format("must be the next_cursor of a page"));
        };
        let prefix = if prefix.is_empty() { prefix } else { format!("+{prefix}") };
        Ok(Way { provider, country, prefix })
    });
    let limit = fields.given("limit", page_limit).unwrap_or(PAGE);
    let by = by.unwrap_or(By::Country);
    let query = stretch.map(|(from, to)| ConversionQuery { from, to, by, country, after, limit });
    fields.finish(query)
}

/// Reads a period that begins at a whole `step` and lasts at most `days`.
fn stretch(
    fields: &mut Fields,
    step: i64,
    days: u64,
    too_long: &'static str,
) -> Option<(Timestamp, Timestamp)> {
    let from =
        fields.required("from", time).map(|at| Timestamp::from_micros(at.micros().div_euclid(step) * step));
    let to = fields.required("to", time);
    if let (Some(from), Some(to)) = (from, to) {
        if to <= from {
            fields.fail("to", Fault::new("out_of_range", "must be after from"));
        } else if to.since(from) > Duration::from_secs(days * 86_400) {
            fields.fail("to", Fault::new("out_of_range", too_long));
        }
    }
    from.zip(to)
}

fn country(value: Value) -> Result<Country, Fault> {
    Country::parse(&text(value)?).ok_or(Fault::format("must be two capitals such as PL"))
}

fn time(value: Value) -> Result<Timestamp, Fault> {
    parse_time(&text(value)?)
}
