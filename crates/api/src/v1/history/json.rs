//! The history as JSON.

use crate::v1::verifications::json::Verification;
use countersign_core::{
    Caller,
    event::{self, EventKind},
    history, read,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A page of verifications.
#[derive(Serialize, ToSchema)]
pub struct VerificationPage {
    /// The verifications, newest first.
    #[schema(max_items = 100)]
    data: Vec<Verification>,
    /// The cursor of the next page; null on the last.
    #[schema(required = true, pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    next_cursor: Option<String>,
}

impl VerificationPage {
    /// A page of `limit`, made of up to one more, which says that another page follows.
    pub fn new(caller: &Caller, mut found: Vec<read::Verification>, limit: u16) -> Self {
        let limit = usize::from(limit);
        let more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(|last| last.id.to_string());
        let data = found.into_iter().map(|one| Verification::as_seen_by(caller, one)).collect();
        Self { data, next_cursor }
    }
}

/// Looks for the verifications of a number.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body in the document; a test holds the reader to it")]
pub struct SearchVerifications {
    /// The number.
    #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
    to: String,
    /// Verifications on a page; 20 when absent.
    #[schema(minimum = 1, maximum = 100, example = 20)]
    limit: Option<u8>,
    /// `next_cursor` of the page before.
    #[schema(pattern = "^ver_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    cursor: Option<String>,
}

/// Takes a number out of what is kept.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body in the document; a test holds the reader to it")]
pub struct EraseNumber {
    /// The number.
    #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
    to: String,
}

/// What an erasure did.
#[derive(Serialize, ToSchema)]
pub struct ErasedNumber {
    /// Verifications of the history that held the number.
    #[schema(minimum = 0, example = 3)]
    verifications: u64,
    /// Live verifications that it ended.
    #[schema(minimum = 0, example = 1)]
    canceled: u64,
}

impl From<history::Erased> for ErasedNumber {
    fn from(erased: history::Erased) -> Self {
        Self { verifications: erased.verifications, canceled: erased.canceled }
    }
}

/// What happened to a verification, oldest first.
#[derive(Serialize, ToSchema)]
pub struct Timeline {
    /// The events.
    #[schema(max_items = 2000)]
    data: Vec<Event>,
}

impl From<Vec<event::Event>> for Timeline {
    fn from(events: Vec<event::Event>) -> Self {
        Self { data: events.into_iter().map(Event::from).collect() }
    }
}

/// One thing that happened. Fields that say nothing of its kind are null.
#[derive(Serialize, ToSchema)]
pub struct Event {
    /// Its id.
    #[schema(pattern = "^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "evt_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// When.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    at: String,
    /// What, for programs; later releases may add kinds.
    #[schema(pattern = "^[a-z_]+$", example = "message_sent")]
    kind: &'static str,
    /// What, for people; it holds neither a code nor a number.
    #[schema(example = "Message accepted by provider relay")]
    text: String,
    /// The message that it is about.
    #[schema(required = true, pattern = "^msg_[0-7][0-9a-hjkmnp-tv-z]{25}$")]
    message_id: Option<String>,
    /// The provider that it names.
    #[schema(required = true, example = "relay")]
    provider: Option<String>,
    /// What the provider called the outcome, in its own code, where it reported one.
    #[schema(required = true, max_length = 64, example = "DELIVRD")]
    provider_code: Option<String>,
    /// Tries that were left after a wrong code.
    #[schema(required = true, minimum = 0, maximum = 5, example = 4)]
    attempts_left: Option<u8>,
}

impl From<event::Event> for Event {
    fn from(event: event::Event) -> Self {
        Self {
            id: event.id.to_string(),
            at: event.at.to_string(),
            kind: event.kind.name(),
            text: event.kind.sentence(),
            message_id: event.kind.message().map(|message| message.to_string()),
            provider: event.kind.provider().map(str::to_owned),
            provider_code: match &event.kind {
                EventKind::Receipt { code, .. } if !code.is_empty() => Some(code.clone()),
                _ => None,
            },
            attempts_left: match event.kind {
                EventKind::CheckWrong { attempts_left, .. } => Some(attempts_left),
                EventKind::Exhausted { .. } => Some(0),
                _ => None,
            },
        }
    }
}

/// What happened, hour by hour.
#[derive(Serialize, ToSchema)]
pub struct HourlyReport {
    /// The hours, oldest first; those without anything are left out.
    #[schema(max_items = 745)]
    data: Vec<HourlyCounts>,
}

impl From<Vec<history::HourlyCounts>> for HourlyReport {
    fn from(hours: Vec<history::HourlyCounts>) -> Self {
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

impl From<history::HourlyCounts> for HourlyCounts {
    fn from(of: history::HourlyCounts) -> Self {
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
    /// A page of `limit`, made of up to one more, which says that another page follows.
    pub fn new(mut found: Vec<history::WayCounts>, limit: u16) -> Self {
        let limit = usize::from(limit);
        let more = found.len() > limit;
        found.truncate(limit);
        let cursor = |last: &history::WayCounts| {
            let history::Way { provider, country, prefix } = &last.way;
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

impl From<history::WayCounts> for Conversion {
    fn from(history::WayCounts { way, counts }: history::WayCounts) -> Self {
        let [sent, delivered, undelivered, approved] = counts.0;
        // Four digits are enough for anybody.
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
