//! How often: the send limit of a number and the cooldown between resends.
//!
//! The number's limits are exact over any window: its record keeps the times
//! of its last 20 starts.

use crate::{
    id::{ProfileId, VerificationId},
    pack::{Reader, UnpackError, Writer, unpack},
    profile::Policy,
    time::Timestamp,
};
use std::time::Duration;

/// At most `count` within any `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The name in problems and timelines.
    pub name: &'static str,
    /// How many.
    pub count: usize,
    /// In how long.
    pub window: Duration,
}

/// New verifications for one number of a tenant.
pub const NUMBER_STARTS: [Limit; 2] = [
    Limit { name: "number_10m", count: 5, window: Duration::from_secs(600) },
    Limit { name: "number_24h", count: 20, window: Duration::from_secs(86_400) },
];

/// A record outlives its code by this long, so that a late check can say `expired`.
pub const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(15 * 60);

/// The wait after the n-th send (from 1) before the next may be asked for.
pub const fn resend_cooldown(sends: u8) -> Duration {
    Duration::from_secs(match sends {
        0 | 1 => 30,
        2 => 40,
        3 => 60,
        _ => 90,
    })
}

/// Which limit refused, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitHit {
    /// The limit's name.
    pub name: &'static str,
    /// What it counts over: `number`.
    pub scope: &'static str,
    /// The wait until the same request would pass.
    pub retry_after: Duration,
}

/// A verification whose record still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its id.
    pub id: VerificationId,
    /// The profile it was started for.
    pub profile: ProfileId,
    /// When its record goes.
    pub until: Timestamp,
}

/// What the store keeps for a number of a tenant in one mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberRecord {
    /// Times of the last 20 starts, oldest first.
    pub starts: Vec<Timestamp>,
    /// Verifications whose records still stand, oldest first.
    pub standing: Vec<Standing>,
}

const FORMAT: u8 = 1;

impl NumberRecord {
    /// Counts a start, or says which limit is used up; a refused start counts for nothing.
    pub fn admit(&mut self, limits: &[Limit], now: Timestamp) -> Result<(), LimitHit> {
        let hit = limits.iter().filter_map(|limit| self.wait_for(limit, now).map(|wait| (wait, limit)));
        if let Some((retry_after, limit)) = hit.max_by_key(|(wait, _)| *wait) {
            return Err(LimitHit { name: limit.name, scope: "number", retry_after });
        }
        let kept = limits.iter().map(|limit| limit.count).max().unwrap_or(0);
        self.starts.push(now);
        let surplus = self.starts.len().saturating_sub(kept);
        self.starts.drain(..surplus);
        Ok(())
    }

    fn wait_for(&self, limit: &Limit, now: Timestamp) -> Option<Duration> {
        // The start that must leave the window before another may enter.
        let oldest = *self.starts.get(self.starts.len().checked_sub(limit.count)?)?;
        let wait = (oldest + limit.window).since(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// After the clock was set back while the store was closed: what lies in
    /// the future happened now at the latest, so that no wait is longer than its rule.
    pub fn pull_back(&mut self, now: Timestamp) {
        for start in &mut self.starts {
            *start = (*start).min(now);
        }
        let longest = Duration::from_secs((*Policy::EXPIRES_IN.end()).into()) + KEPT_AFTER_EXPIRY;
        for standing in &mut self.standing {
            standing.until = standing.until.min(now + longest);
        }
    }

    /// Notes a verification and forgets those whose records are gone.
    pub fn stand(&mut self, new: Standing, now: Timestamp) {
        self.standing.retain(|standing| now < standing.until);
        self.standing.push(new);
    }

    /// From when on the record says nothing any more.
    pub fn kept_until(&self) -> Timestamp {
        let window = NUMBER_STARTS[1].window;
        let starts = self.starts.last().map(|start| *start + window);
        let standing = self.standing.iter().map(|standing| standing.until);
        starts.into_iter().chain(standing).max().unwrap_or_default()
    }

    /// `[format][starts][times][standing][id, profile, until]...`
    pub fn pack(&self) -> Vec<u8> {
        let mut writer = Writer::default().byte(FORMAT).byte(self.starts.len() as u8);
        for start in &self.starts {
            writer = writer.time(*start);
        }
        writer = writer.byte(self.standing.len() as u8);
        for standing in &self.standing {
            writer = writer.fixed(standing.id.bytes()).fixed(standing.profile.bytes()).time(standing.until);
        }
        writer.finish()
    }

    /// Reads the packed form.
    pub fn unpack(packed: &[u8]) -> Result<Self, UnpackError> {
        unpack(packed, FORMAT, Self::read)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut record = Self::default();
        for _ in 0..reader.byte()? {
            record.starts.push(reader.time()?);
        }
        for _ in 0..reader.byte()? {
            record.standing.push(Standing {
                id: VerificationId::from_bytes(reader.fixed()?),
                profile: ProfileId::from_bytes(reader.fixed()?),
                until: reader.time()?,
            });
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn five_in_ten_minutes_then_the_oldest_must_leave() {
        let mut record = NumberRecord::default();
        for second in 0..5 {
            assert_eq!(record.admit(&NUMBER_STARTS, at(second)), Ok(()));
        }
        let hit = record.admit(&NUMBER_STARTS, at(10)).unwrap_err();
        assert_eq!((hit.name, hit.retry_after), ("number_10m", Duration::from_secs(590)));
        assert!(record.admit(&NUMBER_STARTS, at(599)).is_err());
        assert_eq!(record.admit(&NUMBER_STARTS, at(600)), Ok(()));
        assert!(record.admit(&NUMBER_STARTS, at(600)).is_err());
    }

    #[test]
    fn twenty_in_a_day() {
        let mut record = NumberRecord::default();
        for start in 0..20 {
            assert_eq!(record.admit(&NUMBER_STARTS, at(start * 600)), Ok(()));
        }
        let hit = record.admit(&NUMBER_STARTS, at(20 * 600)).unwrap_err();
        assert_eq!(hit.name, "number_24h");
        assert_eq!(hit.retry_after, Duration::from_secs(86_400 - 12_000));
    }

    #[test]
    fn a_clock_that_stepped_back_makes_no_wait_longer_than_the_rule() {
        let mut record = NumberRecord::default();
        for _ in 0..5 {
            assert_eq!(record.admit(&NUMBER_STARTS, at(100_000)), Ok(()));
        }
        record.pull_back(at(0));
        let hit = record.admit(&NUMBER_STARTS, at(10)).unwrap_err();
        assert_eq!(hit.retry_after, Duration::from_secs(590), "and it counts down");
    }

    proptest! {
        /// Over any sequence of starts no window ever holds more than its limit.
        #[test]
        fn no_window_holds_more(gaps in proptest::collection::vec(0i64..2_000, 1..200)) {
            let (mut record, mut now, mut admitted) = (NumberRecord::default(), 0, Vec::new());
            for gap in gaps {
                now += gap;
                if record.admit(&NUMBER_STARTS, at(now)).is_ok() {
                    admitted.push(now);
                }
                for limit in NUMBER_STARTS {
                    let window = limit.window.as_secs() as i64;
                    let inside = admitted.iter().filter(|start| **start > now - window).count();
                    prop_assert!(inside <= limit.count);
                }
            }
        }

        #[test]
        fn packed_form_round_trips(
            starts in proptest::collection::vec(0i64..1 << 47, 0..20),
            standing in proptest::collection::vec((any::<[u8; 16]>(), any::<[u8; 16]>(), 0i64..1 << 47), 0..20),
        ) {
            let record = NumberRecord {
                starts: starts.into_iter().map(Timestamp::from_millis).collect(),
                standing: standing.into_iter().map(|(id, profile, until)| Standing {
                    id: VerificationId::from_bytes(id),
                    profile: ProfileId::from_bytes(profile),
                    until: Timestamp::from_millis(until),
                }).collect(),
            };
            let packed = record.pack();
            prop_assert_eq!(NumberRecord::unpack(&packed), Ok(record));
            prop_assert!(NumberRecord::unpack(&packed[..packed.len() - 1]).is_err());
        }
    }
}
