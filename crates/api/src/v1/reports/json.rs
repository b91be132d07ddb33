//! Reports as JSON.

use countersign_core::history::query;
use serde::Serialize;
use utoipa::ToSchema;

/// What happened, hour by hour.
#[derive(Serialize, ToSchema)]
pub struct HourlyReport {
    /// The hours, oldest first; those without anything are left out.
    #[schema(max_items = 745)]
    data: Vec<HourlyCounts>,
}

impl From<Vec<query::HourlyCounts>> for HourlyReport {
    fn from(hours: Vec<query::HourlyCounts>) -> Self {
        Self { data: hours.into_iter().map(HourlyCounts::from).collect() }
    }
}

/// How often each thing happened in an hour. Each is counted in the hour in
/// which it happened, so an approval may stand in another than its start.
#[derive(Serialize, ToSchema)]
pub struct HourlyCounts {
    /// When the hour begins.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    hour: String,
    /// Verifications started.
    #[schema(minimum = 0, example = 0)]
    started: u64,
    /// Messages queued again.
    #[schema(minimum = 0, example = 0)]
    resent: u64,
    /// Messages that a provider took.
    #[schema(minimum = 0, example = 0)]
    sent: u64,
    /// Attempts that a provider did not take and that were tried again.
    #[schema(minimum = 0, example = 0)]
    retried: u64,
    /// Messages that no provider takes.
    #[schema(minimum = 0, example = 0)]
    rejected: u64,
    /// Messages not sent, because the verification was over or a resend took their place.
    #[schema(minimum = 0, example = 0)]
    dropped: u64,
    /// Delivery reports: the phone has it.
    #[schema(minimum = 0, example = 0)]
    delivered: u64,
    /// Delivery reports: the phone will not get it.
    #[schema(minimum = 0, example = 0)]
    undelivered: u64,
    /// Wrong codes.
    #[schema(minimum = 0, example = 0)]
    wrong: u64,
    /// Right codes.
    #[schema(minimum = 0, example = 0)]
    approved: u64,
    /// Verifications ended by their last wrong code.
    #[schema(minimum = 0, example = 0)]
    exhausted: u64,
    /// Verifications that you canceled.
    #[schema(minimum = 0, example = 0)]
    canceled: u64,
    /// Verifications not answered in time.
    #[schema(minimum = 0, example = 0)]
    expired: u64,
    /// Verifications of which no message was ever taken.
    #[schema(minimum = 0, example = 0)]
    failed: u64,
}

impl From<query::HourlyCounts> for HourlyCounts {
    fn from(of: query::HourlyCounts) -> Self {
        let [
            started,
            resent,
            sent,
            retried,
            rejected,
            dropped,
            delivered,
            undelivered,
            wrong,
            approved,
            exhausted,
            canceled,
            expired,
            failed,
        ] = of.counts.0;
        let hour = of.hour.to_string();
        Self {
            hour,
            started,
            resent,
            sent,
            retried,
            rejected,
            dropped,
            delivered,
            undelivered,
            wrong,
            approved,
            exhausted,
            canceled,
            expired,
            failed,
        }
    }
}

/// What became of what was sent.
#[derive(Serialize, ToSchema)]
pub struct ConversionReport {
    /// The rows, by provider, country and prefix.
    #[schema(max_items = 100)]
    data: Vec<Conversion>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true, pattern = r"^[a-z0-9-]{1,32}\.[A-Z]{0,2}\.[0-9]{0,6}$")]
    next_cursor: Option<String>,
}

impl ConversionReport {
    /// Makes a page of at most `limit` rows. `found` may contain one more, which only shows that another page
    /// follows.
    pub fn new(mut found: Vec<query::WayCounts>, limit: u16) -> Self {
        let limit = usize::from(limit);
        let more = found.len() > limit;
        found.truncate(limit);
        let cursor = |last: &query::WayCounts| {
            let query::Way { provider, country, prefix } = &last.way;
            format!("{provider}.{country}.{}", prefix.trim_start_matches('+'))
        };
        let next_cursor = found.last().filter(|_| more).map(cursor);
        Self { data: found.into_iter().map(Conversion::from).collect(), next_cursor }
    }
}

/// What became of what was sent through one provider, to one country, to one prefix.
#[derive(Serialize, ToSchema)]
pub struct Conversion {
    /// The provider's name.
    #[schema(max_length = 32, example = "smsapi")]
    provider: String,
    /// The country of the numbers; null where not told apart, or not known.
    #[schema(required = true, pattern = "^[A-Z]{2}$", example = "PL")]
    country: Option<String>,
    /// The calling code and three more digits of the numbers; null where not told apart, or not known.
    #[schema(required = true, pattern = r"^\+[0-9]{1,6}$", example = "+48500")]
    prefix: Option<String>,
    /// Messages that the provider took.
    #[schema(minimum = 0, example = 1000)]
    sent: u64,
    /// Messages that reached the phone, as it reported.
    #[schema(minimum = 0, example = 980)]
    delivered: u64,
    /// Messages that did not, as it reported.
    #[schema(minimum = 0, example = 12)]
    undelivered: u64,
    /// Verifications approved after one of its messages.
    #[schema(minimum = 0, example = 900)]
    approved: u64,
    /// `delivered` of `sent`; null where nothing was sent. An event may stand on another day
    /// than the sending, so that it may exceed 1.
    #[schema(required = true, minimum = 0, example = 0.98)]
    delivery_rate: Option<f64>,
    /// `approved` of `sent`; null where nothing was sent.
    #[schema(required = true, minimum = 0, example = 0.9)]
    conversion_rate: Option<f64>,
}

impl From<query::WayCounts> for Conversion {
    fn from(query::WayCounts { way, counts }: query::WayCounts) -> Self {
        let [sent, delivered, undelivered, approved] = counts.0;
        // Four decimals are enough.
        let rate = |part: u64| (sent > 0).then(|| (part as f64 / sent as f64 * 10_000.0).round() / 10_000.0);
        let known = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            provider: way.provider,
            country: known(way.country),
            prefix: known(way.prefix),
            sent,
            delivered,
            undelivered,
            approved,
            delivery_rate: rate(delivered),
            conversion_rate: rate(approved),
        }
    }
}
