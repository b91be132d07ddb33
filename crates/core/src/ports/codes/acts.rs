//! The input of a start, and the results of operations on the codes store.

use crate::{
    access::actor::Who,
    id::{EventId, RecordKey, VerificationId},
    people::pool::PoolTake,
    phone::Country,
    tenant::limits::{Buckets, LimitHit, LimitState, Take},
    time::Timestamp,
    verification::{
        event::{LimitUse, Started},
        idempotency::Once,
        number::Listing,
        outcome::CheckOutcome,
        record::Record,
    },
};
use std::time::Duration;

/// A verification to create. The store adds the times.
#[derive(Clone, Debug)]
pub struct NewVerification {
    /// The key of its record.
    pub key: RecordKey,
    /// The record. The store's clock sets `created_at`, `expires_at` and `resend_at`.
    pub record: Record,
    /// Who starts it.
    pub starter: Who,
    /// The country of the phone number.
    pub country: Option<Country>,
    /// How long its codes are valid.
    pub expires_in: Duration,
    pub number_limits: Buckets,
    /// The other limits that must admit the start.
    pub takes: Vec<Take>,
    /// What the message takes from the member's pool.
    pub pool: Option<PoolTake>,
    /// The names of limits that do not apply, for the timeline.
    pub skipped: Vec<String>,
    /// The hashes of the Idempotency-Key, if the request has one.
    pub once: Option<Once>,
    /// The id of the `started` event.
    pub event: EventId,
    /// Set for a start in a group that allows only one pending verification.
    pub exclusive: Option<Exclusive>,
}

/// The rule for a start in a group that allows only one pending verification.
#[derive(Clone, Copy, Debug)]
pub struct Exclusive {
    /// The lookup group, in place of the profile's.
    pub listing: Listing,
    /// The pending verification that the start cancels, and the id of the event for that. If another
    /// verification is pending, the start is refused as [`StartOutcome::Changed`].
    pub replaces: Option<(VerificationId, EventId)>,
}

impl NewVerification {
    /// The group in which a check by phone number finds it.
    pub fn listing(&self) -> Listing {
        self.exclusive.map_or(Listing::of(self.record.profile), |exclusive| exclusive.listing)
    }

    /// The record with its times, if it begins now by the store's clock.
    pub fn begun(&self, now: Timestamp) -> Record {
        let mut record = self.record.clone();
        record.begin(self.expires_in, now);
        record
    }

    /// The author to store beside its `started` event. The event itself names a key.
    pub fn author(&self) -> Option<Who> {
        Some(self.starter).filter(|who| !matches!(who, Who::Key(_)))
    }

    /// The content of its `started` event, from the record with its times and the limits that counted the
    /// start.
    pub fn started(&self, record: &Record, limits: &[LimitState]) -> Started {
        Started {
            message: record.message,
            profile: record.profile,
            key: if let Who::Key(key) = self.starter { Some(key) } else { None },
            number: record.number,
            country: self.country,
            expires_at: record.expires_at,
            max_checks: record.max_checks,
            max_sends: record.max_sends,
            contact: record.contact.clone(),
            limits: limits.iter().map(LimitUse::of).collect(),
            skipped: self.skipped.clone(),
            review: record.review,
        }
    }
}

/// The outcome of a start.
#[derive(Clone, Debug)]
#[must_use]
pub enum StartOutcome {
    /// The store created the verification and queued its message.
    Started {
        record: Record,
        /// How full each limit is now.
        limits: Vec<LimitState>,
    },
    /// A limit refused the start. Nothing was created or counted.
    Limited(LimitHit),
    /// The member's pool has too few parts left. Nothing was created or counted.
    PoolExhausted(LimitHit),
    /// Another verification of the group is pending. Nothing was created or counted.
    Changed,
    /// The events that wait for the history use up their budget. Nothing was created or counted.
    HistoryBacklog,
}

/// A record, and the store's time at which it was read or changed.
#[derive(Clone, Debug)]
pub struct Seen<T> {
    /// The outcome of the operation.
    pub outcome: T,
    /// The record after the operation.
    pub record: Record,
    /// The time by the store's clock.
    pub now: Timestamp,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckFound {
    pub outcome: CheckOutcome,
    /// The tries that are left.
    pub attempts_left: u8,
}

/// The result of an erasure in the codes store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The number of live verifications that it ended.
    pub canceled: u64,
    /// The time by the store's clock: verifications started until then are erased.
    pub now: Timestamp,
}
