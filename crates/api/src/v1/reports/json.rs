//! Reports as JSON.

use countersign_core::history::query;
use serde::Serialize;
use utoipa::ToSchema;

/// Counts of events, hour by hour.
#[derive(Serialize, ToSchema)]
pub struct HourlyReport {
    /// The hours, oldest first, without those in which nothing happened.
    #[schema(max_items = 745)]
    data: Vec<HourlyCounts>,
}

impl From<Vec<query::HourlyCounts>> for HourlyReport {
    fn from(hours: Vec<query::HourlyCounts>) -> Self {
        Self { data: hours.into_iter().map(HourlyCounts::from).collect() }
    }
}

/// The counts of one hour. Each event counts in the hour in which it happened, so
/// an approval may count in a later hour than its start.
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
    /// Messages that a provider accepted.
    #[schema(minimum = 0, example = 0)]
    sent: u64,
    /// Attempts that failed and were tried again.
    #[schema(minimum = 0, example = 0)]
    retried: u64,
    /// Messages that every provider refused for good.
    #[schema(minimum = 0, example = 0)]
    rejected: u64,
    /// Messages that were not sent, because the verification had ended or a resend replaced them.
    #[schema(minimum = 0, example = 0)]
    dropped: u64,
    /// Delivery reports: the message reached the phone.
    #[schema(minimum = 0, example = 0)]
    delivered: u64,
    /// Delivery reports: the message will not reach the phone.
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
    /// Verifications that expired.
    #[schema(minimum = 0, example = 0)]
    expired: u64,
    /// Verifications of which no provider accepted any message.
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

/// The outcomes of messages.
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

/// The outcomes of the messages of one provider to one country and one prefix.
#[derive(Serialize, ToSchema)]
pub struct Conversion {
    /// The provider's name.
    #[schema(max_length = 32, example = "smsapi")]
    provider: String,
    /// The country of the numbers; null if the report does not group by country, or if it is unknown.
    #[schema(required = true, pattern = "^[A-Z]{2}$", example = "PL")]
    country: Option<String>,
    /// The calling code and three more digits of the numbers; null if the report does not group by prefix, or
    /// if it is unknown.
    #[schema(required = true, pattern = r"^\+[0-9]{1,6}$", example = "+48500")]
    prefix: Option<String>,
    /// Messages that the provider accepted.
    #[schema(minimum = 0, example = 1000)]
    sent: u64,
    /// Messages that reached the phone, as the provider reported.
    #[schema(minimum = 0, example = 980)]
    delivered: u64,
    /// Messages that did not reach the phone, as the provider reported.
    #[schema(minimum = 0, example = 12)]
    undelivered: u64,
    /// Verifications that were approved after a message of this provider.
    #[schema(minimum = 0, example = 900)]
    approved: u64,
    /// `delivered` divided by `sent`; null if nothing was sent. A report may count on a later day than its
    /// message, so the rate may exceed 1.
    #[schema(required = true, minimum = 0, example = 0.98)]
    delivery_rate: Option<f64>,
    /// `approved` divided by `sent`; null if nothing was sent.
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
