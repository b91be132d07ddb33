//! A member's pool: the message parts of a calendar month in the member's zone.

use crate::{
    people::hours::Zone,
    tenant::limits::{LimitHit, LimitState},
    time::Timestamp,
};
use std::time::Duration;

/// The name of a pool in answers and timelines.
const NAME: &str = "pool";
/// The scope of a pool in answers.
const SCOPE: &str = "member";

/// A calendar month, as `year * 100 + month`. So a later month is a greater number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(u32);

impl Month {
    /// The month at this time in the zone.
    pub fn of(zone: &Zone, at: Timestamp) -> Self {
        let local = zone.local(at);
        Self(u32::from(local.year().unsigned_abs()) * 100 + u32::from(local.month().unsigned_abs()))
    }

    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    pub const fn number(self) -> u32 {
        self.0
    }

    const fn next(self) -> Self {
        match self.0 % 100 {
            month if month < 12 => Self(self.0 + 1),
            _ => Self((self.0 / 100 + 1) * 100 + 1),
        }
    }

    fn begins_at(self, zone: &Zone) -> Timestamp {
        zone.first_of(self.0 / 100, self.0 % 100)
    }

    pub fn ends_at(self, zone: &Zone) -> Timestamp {
        self.next().begins_at(zone)
    }
}

/// The parts that were taken from a pool in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolCount {
    pub month: Month,
    pub used: u32,
}

impl PoolCount {
    /// How long a store keeps a count after it last changed. The count of a month must outlive the month.
    pub const KEPT: Duration = Duration::from_secs(70 * 86_400);

    /// The count in this month, from the stored one. A later month begins with zero. An earlier one counts in
    /// the stored month: a clock that is behind or another zone must not begin a month twice.
    pub fn in_month(stored: Option<Self>, month: Month) -> Self {
        stored.filter(|stored| stored.month >= month).unwrap_or(Self { month, used: 0 })
    }
}

/// The parts of one message, to be taken from its member's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolTake {
    /// The key under which the store has the count: a keyed hash of tenant and member.
    pub key: [u8; 16],
    pub parts: u32,
    /// The parts of a month.
    pub pool: u32,
    /// The time by the clock of this node.
    pub now: Timestamp,
    /// The zone of the month.
    pub zone: Zone,
}

impl PoolTake {
    pub fn month(&self) -> Month {
        Month::of(&self.zone, self.now)
    }

    /// The count after this take, or the refusal. `stored` is the count in the store.
    pub fn admit(&self, stored: Option<PoolCount>) -> Result<PoolCount, LimitHit> {
        let count = PoolCount::in_month(stored, self.month());
        match count.used.checked_add(self.parts).filter(|used| *used <= self.pool) {
            Some(used) => Ok(PoolCount { used, ..count }),
            None => Err(self.refusal(count)),
        }
    }

    /// The refusal by a pool with this count.
    pub fn refusal(&self, count: PoolCount) -> LimitHit {
        let state = self.state(count);
        LimitHit { name: NAME.to_owned(), scope: SCOPE, retry_after: state.reset, states: vec![state] }
    }

    /// How full the pool is with this count.
    pub fn state(&self, PoolCount { month, used }: PoolCount) -> LimitState {
        let ends_at = month.ends_at(&self.zone);
        LimitState {
            name: NAME.to_owned(),
            max: self.pool,
            window: ends_at.since(month.begins_at(&self.zone)),
            remaining: self.pool.saturating_sub(used),
            reset: ends_at.since(self.now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn take(parts: u32, pool: u32, zone: &str, now: &str) -> PoolTake {
        PoolTake { key: [1; 16], parts, pool, now: at(now), zone: Zone::parse(zone).unwrap() }
    }

    fn count(month: u32, used: u32) -> PoolCount {
        PoolCount { month: Month(month), used }
    }

    #[test]
    fn a_month_is_that_of_the_zone_and_ends_at_its_midnight() {
        for (zone, now, month, ends_at) in [
            ("UTC", "2026-12-31T23:59:59Z", 202_612, "2027-01-01T00:00:00Z"),
            ("Europe/Warsaw", "2026-12-31T23:00:00Z", 202_701, "2027-01-31T23:00:00Z"),
            ("Europe/Warsaw", "2026-03-01T00:00:00Z", 202_603, "2026-03-31T22:00:00Z"),
            ("America/New_York", "2026-03-01T04:59:59Z", 202_602, "2026-03-01T05:00:00Z"),
        ] {
            let zone = Zone::parse(zone).unwrap();
            let found = Month::of(&zone, at(now));
            assert_eq!((found.number(), found.ends_at(&zone)), (month, at(ends_at)), "{zone} {now}");
        }
    }

    #[test]
    fn a_later_month_begins_with_zero_and_an_earlier_one_counts_in_the_stored_one() {
        let december = take(2, 10, "UTC", "2026-12-01T00:00:00Z");
        assert_eq!(december.admit(None), Ok(count(202_612, 2)));
        assert_eq!(december.admit(Some(count(202_611, 10))), Ok(count(202_612, 2)));
        assert_eq!(december.admit(Some(count(202_612, 8))), Ok(count(202_612, 10)));
        assert!(december.admit(Some(count(202_612, 9))).is_err());
        let november = take(2, 10, "UTC", "2026-11-30T23:59:00Z");
        assert_eq!(november.admit(Some(count(202_612, 8))), Ok(count(202_612, 10)));
        let refused = november.admit(Some(count(202_612, 9))).unwrap_err();
        assert_eq!((refused.name.as_str(), refused.scope), ("pool", "member"));
        let wait = Duration::from_secs(31 * 86_400 + 60);
        assert_eq!((refused.retry_after, refused.states[0].remaining), (wait, 1), "the stored month ends");
    }

    #[test]
    fn a_pool_of_zero_and_one_below_its_count_admit_nothing() {
        let now = "2026-02-10T00:00:00Z";
        assert!(take(1, 0, "UTC", now).admit(None).is_err());
        let lowered = take(1, 5, "UTC", now);
        let refused = lowered.admit(Some(count(202_602, 7))).unwrap_err();
        assert_eq!(refused.states[0].remaining, 0);
        assert_eq!(refused.states[0].window, Duration::from_secs(28 * 86_400));
        assert!(take(1, u32::MAX, "UTC", now).admit(Some(count(202_602, u32::MAX))).is_err());
    }
}
