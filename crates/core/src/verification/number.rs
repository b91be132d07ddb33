//! The record of a phone number of a tenant in one mode: its last starts, its live verifications, and its
//! wrong codes in a row.

use crate::{
    id::{ProfileId, VerificationId},
    pack::{Reader, UnpackError, Writer, unpack_since},
    tenant::{
        limits::{Bucket, Buckets, LimitHit, LimitScope, LimitState},
        profile::Policy,
    },
    time::Timestamp,
    verification::{guesses::Guesses, layout::format, times::KEPT_AFTER_EXPIRY},
};
use std::time::Duration;

/// The number of start times in the record: the highest count that a limit of a phone number may have.
pub const KEPT_STARTS: usize = 20;
/// The number of verifications that a check by phone number looks at. Nobody has more open at once.
pub const MOST_STANDING: usize = 64;
/// The longest window of a limit of a phone number.
const LONGEST_WINDOW: Duration = Duration::from_secs(86_400);

/// The group in which a check by phone number searches. A check in one group never finds a verification that
/// was started in another: `/v1` uses a group for each profile, and each compatible API its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing(pub [u8; 16]);

impl Listing {
    /// The group of a profile, for starts through `/v1`.
    pub fn of(profile: ProfileId) -> Self {
        Self(*profile.bytes())
    }
}

/// A verification whose record is still in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub id: VerificationId,
    /// The group that it was started in.
    pub listing: Listing,
    /// When its record expires.
    pub until: Timestamp,
}

/// The record of a phone number of a tenant in one mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberRecord {
    /// The times of the last 20 starts, oldest first.
    pub starts: Vec<Timestamp>,
    /// The verifications whose records are still in the store, oldest first.
    pub standing: Vec<Standing>,
    pub guesses: Guesses,
}

/// Format 2 added the wrong codes in a row.
const FORMAT: u8 = format::NUMBER_RECORD;

impl NumberRecord {
    /// Counts a start and returns how full each limit is. If a limit is used up, returns that limit and
    /// counts nothing.
    pub fn admit(&mut self, limits: &Buckets, now: Timestamp) -> Result<Vec<LimitState>, LimitHit> {
        let limits = limits.as_slice();
        let waits = limits.iter().filter_map(|limit| self.wait_for(limit, now).map(|wait| (wait, limit)));
        let name = |limit: &Bucket| limit.name(LimitScope::Number.as_str());
        if let Some((retry_after, limit)) = waits.max_by_key(|(wait, _)| *wait) {
            let states = limits.iter().map(|limit| self.state(limit, name(limit), now)).collect();
            let scope = LimitScope::Number.as_str();
            return Err(LimitHit { name: name(limit), scope, retry_after, states });
        }
        self.starts.push(now);
        let surplus = self.starts.len().saturating_sub(KEPT_STARTS);
        self.starts.drain(..surplus);
        Ok(limits.iter().map(|limit| self.state(limit, name(limit), now)).collect())
    }

    fn wait_for(&self, limit: &Bucket, now: Timestamp) -> Option<Duration> {
        // This start must leave the window before another one may enter.
        let oldest = *self.starts.get(self.starts.len().checked_sub(limit.max as usize)?)?;
        let wait = (oldest + limit.window).since(now);
        (!wait.is_zero()).then_some(wait)
    }

    fn state(&self, limit: &Bucket, name: String, now: Timestamp) -> LimitState {
        let mut inside = self.starts.iter().filter(|start| now < **start + limit.window).peekable();
        let reset = inside.peek().map_or(Duration::ZERO, |oldest| (**oldest + limit.window).since(now));
        let remaining = limit.max.saturating_sub(inside.count() as u32);
        LimitState { name, max: limit.max, window: limit.window, remaining, reset }
    }

    /// Call this after the clock was set back while the store was closed. It moves times that lie in the
    /// future back to now, so that no wait is longer than its rule allows.
    pub fn pull_back(&mut self, now: Timestamp) {
        for start in &mut self.starts {
            *start = (*start).min(now);
        }
        let longest = Duration::from_secs((*Policy::EXPIRES_IN.end()).into()) + KEPT_AFTER_EXPIRY;
        for standing in &mut self.standing {
            standing.until = standing.until.min(now + longest);
        }
        self.guesses.pull_back(now);
    }

    /// Adds a verification, and removes those whose records have expired.
    pub fn stand(&mut self, new: Standing, now: Timestamp) {
        self.standing.retain(|standing| now < standing.until);
        self.standing.push(new);
        if self.standing.len() > MOST_STANDING {
            // Removes an older verification, which can still be checked by its id. It is one of the same
            // group, so that starts in one group cannot push out the verifications of another.
            let mut older = self.standing[..MOST_STANDING].iter();
            let gone = older.position(|standing| standing.listing == new.listing).unwrap_or(0);
            self.standing.remove(gone);
        }
    }

    /// The time from which the record has no effect any more.
    pub fn kept_until(&self) -> Timestamp {
        let starts = self.starts.last().map(|start| *start + LONGEST_WINDOW);
        let standing = self.standing.iter().map(|standing| standing.until);
        starts.into_iter().chain(standing).chain(self.guesses.kept_until()).max().unwrap_or_default()
    }

    /// Writes `[format][starts][times][standing][id, listing, until]...[wrong codes]`.
    pub fn pack(&self) -> Vec<u8> {
        let mut writer = Writer::default().byte(FORMAT).byte(self.starts.len() as u8);
        for start in &self.starts {
            writer = writer.time(*start);
        }
        writer = writer.byte(self.standing.len() as u8);
        for standing in &self.standing {
            writer = writer.fixed(standing.id.bytes()).fixed(&standing.listing.0).time(standing.until);
        }
        self.guesses.pack(writer).finish()
    }

    /// Reads the packed form.
    pub fn unpack(packed: &[u8]) -> Result<Self, UnpackError> {
        unpack_since(packed, 1..=FORMAT, Self::read)
    }

    fn read(format: u8, reader: &mut Reader<'_>) -> Option<Self> {
        let mut record = Self::default();
        for _ in 0..reader.byte()? {
            record.starts.push(reader.time()?);
        }
        for _ in 0..reader.byte()? {
            record.standing.push(Standing {
                id: VerificationId::from_bytes(reader.fixed()?),
                listing: Listing(reader.fixed()?),
                until: reader.time()?,
            });
        }
        if format > 1 {
            record.guesses = Guesses::read(reader)?;
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        code::{Alphabet, CodeShape},
        verification::guesses::Source,
    };
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn limits() -> Buckets {
        LimitScope::Number.default_buckets().unwrap()
    }

    #[test]
    fn five_in_ten_minutes_then_the_oldest_must_leave() {
        let mut record = NumberRecord::default();
        for second in 0..5 {
            let states = record.admit(&limits(), at(second)).unwrap();
            assert_eq!(states[0].remaining, 4 - second as u32);
            assert_eq!(states[0].reset, Duration::from_secs(600 - second as u64));
            assert_eq!(states[1].remaining, 19 - second as u32);
        }
        let hit = record.admit(&limits(), at(10)).unwrap_err();
        assert_eq!((hit.name.as_str(), hit.retry_after), ("number_10m", Duration::from_secs(590)));
        assert_eq!((hit.states[0].remaining, hit.states[1].remaining), (0, 15));
        assert!(record.admit(&limits(), at(599)).is_err());
        assert!(record.admit(&limits(), at(600)).is_ok());
        assert!(record.admit(&limits(), at(600)).is_err());
    }

    #[test]
    fn twenty_in_a_day() {
        let mut record = NumberRecord::default();
        for start in 0..20 {
            assert!(record.admit(&limits(), at(start * 600)).is_ok());
        }
        let hit = record.admit(&limits(), at(20 * 600)).unwrap_err();
        assert_eq!(hit.name, "number_24h");
        assert_eq!(hit.retry_after, Duration::from_secs(86_400 - 12_000));
    }

    #[test]
    fn a_clock_that_stepped_back_makes_no_wait_longer_than_the_rule() {
        let mut record = NumberRecord::default();
        for _ in 0..5 {
            assert!(record.admit(&limits(), at(100_000)).is_ok());
        }
        record.pull_back(at(0));
        let hit = record.admit(&limits(), at(10)).unwrap_err();
        assert_eq!(hit.retry_after, Duration::from_secs(590), "and it counts down");
    }

    #[test]
    fn verifications_that_stand_are_bounded() {
        let mut record = NumberRecord::default();
        for n in 0..200u8 {
            let (id, listing) = (VerificationId::from_bytes([n; 16]), Listing([1; 16]));
            record.stand(Standing { id, listing, until: at(1_000) }, at(0));
        }
        assert_eq!(record.standing.len(), MOST_STANDING);
        assert_eq!(
            record.standing.last().map(|newest| newest.id),
            Some(VerificationId::from_bytes([199; 16]))
        );
        assert_eq!(NumberRecord::unpack(&record.pack()), Ok(record));
    }

    #[test]
    fn the_form_of_the_release_before_is_read() {
        let mut record = NumberRecord::default();
        assert!(record.admit(&limits(), at(1)).is_ok());
        let mut packed = record.pack();
        packed[0] = 1;
        packed.pop();
        assert_eq!(NumberRecord::unpack(&packed), Ok(record));
    }

    #[test]
    fn wrong_codes_keep_the_record_for_thirty_days() {
        let mut record = NumberRecord::default();
        let shape = CodeShape { length: 6, alphabet: Alphabet::Digits };
        record.guesses.note_wrong(Source::default(), shape, at(0));
        assert_eq!(record.kept_until(), at(30 * 86_400));
        assert_eq!(NumberRecord::unpack(&record.pack()), Ok(record));
    }

    #[test]
    fn each_field_begins_where_the_table_says() {
        use crate::verification::layout::{COUNT, Field, GUESSES, NUMBER_RECORD, SOURCE_COUNT, STANDING};
        let mut record = NumberRecord { starts: vec![at(1)], ..NumberRecord::default() };
        let (id, listing) = (VerificationId::from_bytes([2; 16]), Listing([3; 16]));
        record.stand(Standing { id, listing, until: at(4) }, at(0));
        let shape = CodeShape { length: 4, alphabet: Alphabet::Digits };
        for _ in 0..5 {
            record.guesses.note_wrong(Source([5; 4]), shape, at(6));
        }
        let packed = record.pack();
        let mut rest = packed.as_slice();
        let mut expect = |table: &[Field], values: &[&[u8]]| {
            for (field, value) in table.iter().zip(values) {
                let (found, behind) = rest.split_at(field.length);
                assert_eq!(found, *value, "{}", field.name);
                rest = behind;
            }
        };
        let time = |time: Timestamp| time.millis().to_be_bytes()[2..].to_vec();
        let day = time(at(6 + 86_400));
        expect(&NUMBER_RECORD, &[&[FORMAT], &[1]]);
        expect(&[Field { name: "start", first: 1, length: 6 }], &[&time(at(1))]);
        expect(&[Field { name: "standing", first: 1, length: 1 }], &[&[1]]);
        expect(&STANDING, &[&[2; 16], &[3; 16], &time(at(4))]);
        expect(&GUESSES[..1], &[&[1]]);
        expect(&COUNT, &[&[0, 0, 0, 5], &time(at(6)), &day]);
        expect(&GUESSES[2..], &[&[1]]);
        expect(&SOURCE_COUNT[..1], &[&[5; 4]]);
        expect(&COUNT, &[&[0, 0, 0, 5], &time(at(6)), &time(at(6 + 15))]);
        assert!(rest.is_empty());
        for (table, length) in [(&GUESSES, 18), (&COUNT, 16), (&STANDING, 38)] {
            assert_eq!(table[2].last(), length);
        }
    }

    proptest! {
        /// In any sequence of starts, no window contains more starts than its limit.
        #[test]
        fn no_window_holds_more(gaps in proptest::collection::vec(0i64..2_000, 1..200)) {
            let (mut record, mut now, mut admitted) = (NumberRecord::default(), 0, Vec::new());
            for gap in gaps {
                now += gap;
                if record.admit(&limits(), at(now)).is_ok() {
                    admitted.push(now);
                }
                for limit in limits().as_slice() {
                    let window = limit.window.as_secs() as i64;
                    let inside = admitted.iter().filter(|start| **start > now - window).count();
                    prop_assert!(inside <= limit.max as usize);
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
                standing: standing.into_iter().map(|(id, listing, until)| Standing {
                    id: VerificationId::from_bytes(id),
                    listing: Listing(listing),
                    until: Timestamp::from_millis(until),
                }).collect(),
                guesses: Guesses::default(),
            };
            let packed = record.pack();
            prop_assert_eq!(NumberRecord::unpack(&packed), Ok(record));
            prop_assert!(NumberRecord::unpack(&packed[..packed.len() - 1]).is_err());
        }
    }
}
