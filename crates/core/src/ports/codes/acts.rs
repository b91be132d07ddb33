//! What a start asks of the codes store, and what the acts find there.

use crate::{
    id::{EventId, KeyId, RecordKey, VerificationId},
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

/// A verification to be made; the store adds the times.
#[derive(Clone, Debug)]
pub struct NewVerification {
    /// Where its record stands.
    pub key: RecordKey,
    /// The record; `created_at`, `expires_at` and `resend_at` are set by the store's clock.
    pub record: Record,
    /// The key that starts it.
    pub starter: KeyId,
    /// The country of the number.
    pub country: Option<Country>,
    /// How long its codes live.
    pub expires_in: Duration,
    /// The limits of the number.
    pub number_limits: Buckets,
    /// The other limits that it must pass.
    pub takes: Vec<Take>,
    /// Names of limits that are not applied, for the timeline.
    pub skipped: Vec<String>,
    /// The Idempotency-Key, if the request bears one.
    pub once: Option<Once>,
    /// The id of the `started` event.
    pub event: EventId,
    /// For a start that leaves its listing with one pending verification.
    pub exclusive: Option<Exclusive>,
}

/// How a start sees to it that of its listing one verification is pending at most.
#[derive(Clone, Copy, Debug)]
pub struct Exclusive {
    /// The listing, in place of the profile's.
    pub listing: Listing,
    /// The pending one that is canceled in the same act, and the id of the event
    /// that says so. If another one is pending, the start is refused as
    /// [`StartOutcome::Changed`].
    pub replaces: Option<(VerificationId, EventId)>,
}

impl NewVerification {
    /// Where it is looked for by number.
    pub fn listing(&self) -> Listing {
        self.exclusive.map_or(Listing::of(self.record.profile), |exclusive| exclusive.listing)
    }

    /// The record as it begins now, by the store's clock.
    pub fn begun(&self, now: Timestamp) -> Record {
        let mut record = self.record.clone();
        record.begin(self.expires_in, now);
        record
    }

    /// What its `started` event says, of a record that has its times and of the
    /// limits that were counted.
    pub fn started(&self, record: &Record, limits: &[LimitState]) -> Started {
        Started {
            message: record.message,
            profile: record.profile,
            key: self.starter,
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

/// What a start did.
#[derive(Clone, Debug)]
#[must_use]
pub enum StartOutcome {
    /// Made, and its message queued.
    Started {
        /// The record with its times.
        record: Record,
        /// How far each limit is used now.
        limits: Vec<LimitState>,
    },
    /// A limit refused; nothing was made or counted.
    Limited(LimitHit),
    /// Another verification of the listing is pending; nothing was made or counted.
    Changed,
    /// The events that wait for the history fill their budget; nothing was made or counted.
    HistoryBacklog,
}

/// A record and the store's time at which it was read or changed.
#[derive(Clone, Debug)]
pub struct Seen<T> {
    /// What the act found.
    pub outcome: T,
    /// The record after it.
    pub record: Record,
    /// The store's clock.
    pub now: Timestamp,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckFound {
    /// The outcome.
    pub outcome: CheckOutcome,
    /// Tries that are left.
    pub attempts_left: u8,
}

/// What was taken out of the codes store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Live verifications that ended with it.
    pub canceled: u64,
    /// The store's clock: what was started until then is erased.
    pub now: Timestamp,
}
