//! Limits: how often starts are allowed, and the text form of limits.
//!
//! The limits of a phone number are exact over every window (see [`crate::verification::number`]). All other
//! limits use GCRA with a burst of `max`: each needs only one stored time, but a window may admit up to `2 *
//! max - 1` starts.

use crate::time::Timestamp;
use std::{collections::BTreeMap, fmt, ops::RangeInclusive, time::Duration};

/// At most `max` starts within `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub max: u32,
    /// The length of the window, in whole seconds.
    pub window: Duration,
}

impl Bucket {
    /// The values that [`Bucket::max`] may have.
    pub const MAX: RangeInclusive<u32> = 1..=1_000_000;
    /// The values that [`Bucket::window`] may have, in seconds.
    pub const WINDOW: RangeInclusive<u32> = 1..=86_400;

    pub const fn new(max: u32, seconds: u32) -> Self {
        Self { max, window: Duration::from_secs(seconds as u64) }
    }

    pub fn seconds(&self) -> u32 {
        u32::try_from(self.window.as_secs()).unwrap_or(u32::MAX)
    }

    /// The name of the bucket: the limit's name and the window, such as `number_10m`.
    pub fn name(&self, limit: &str) -> String {
        match self.seconds() {
            seconds if seconds % 3_600 == 0 => format!("{limit}_{}h", seconds / 3_600),
            seconds if seconds % 60 == 0 => format!("{limit}_{}m", seconds / 60),
            seconds => format!("{limit}_{seconds}s"),
        }
    }

    /// The time that one start uses up. It is rounded up, so that a burst never has more than `max` starts.
    pub fn interval(&self) -> Duration {
        let micros = self.window.as_micros().div_ceil(self.max.max(1).into());
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// Takes one start, by GCRA. At `full_at` the bucket has recovered from all earlier starts. Returns the
    /// new `full_at`, or the wait until one more start fits.
    pub fn take(&self, full_at: Timestamp, now: Timestamp) -> Result<Timestamp, Duration> {
        let next = full_at.max(now) + self.interval();
        let excess = next.since(now + self.interval() * self.max);
        if excess.is_zero() { Ok(next) } else { Err(excess) }
    }

    /// The number of starts that still fit, if the bucket recovers fully at `full_at`.
    pub fn remaining(&self, full_at: Timestamp, now: Timestamp) -> u32 {
        let (interval, taken) = (self.interval().as_micros().max(1), full_at.since(now).as_micros());
        self.max.saturating_sub(u32::try_from(taken.div_ceil(interval)).unwrap_or(u32::MAX))
    }
}

/// Up to five buckets. A start must fit into all of them. The text form is `5/600 20/86400`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets(Vec<Bucket>);

impl Buckets {
    /// The maximum number of buckets of one limit.
    pub const MOST: usize = 5;

    /// Returns `None` if there are no buckets or too many, if a bucket exceeds its bounds, or if two have the
    /// same window.
    pub fn new(buckets: Vec<Bucket>) -> Option<Self> {
        let sound = |bucket: &Bucket| {
            let twice = buckets.iter().filter(|other| other.window == bucket.window).count() > 1;
            Bucket::MAX.contains(&bucket.max) && Bucket::WINDOW.contains(&bucket.seconds()) && !twice
        };
        let fits = (1..=Self::MOST).contains(&buckets.len()) && buckets.iter().all(sound);
        fits.then_some(Self(buckets))
    }

    pub fn as_slice(&self) -> &[Bucket] {
        &self.0
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        let bucket = |part: &str| {
            let (max, seconds) = part.split_once('/')?;
            Some(Bucket::new(max.parse().ok()?, seconds.parse().ok()?))
        };
        Self::new(text.split(' ').map(bucket).collect::<Option<_>>()?)
    }
}

impl fmt::Display for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(|b| format!("{}/{}", b.max, b.seconds())).collect();
        f.write_str(&parts.join(" "))
    }
}

/// The thing that a limit counts starts of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitScope {
    /// One phone number of the tenant, over all profiles.
    Number,
    /// The end user's address that the client sends; the /64 for IPv6.
    EndUserIp,
    /// The API key.
    Key,
    Tenant,
    /// The country of the phone number.
    Country,
    /// A block of phone numbers that differ only in their last four digits.
    Prefix,
    /// A value that the client names.
    Caller,
}

impl LimitScope {
    /// The built-in limits; each is named after its scope.
    pub const NAMED: [Self; 6] =
        [Self::Number, Self::EndUserIp, Self::Key, Self::Tenant, Self::Country, Self::Prefix];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::EndUserIp => "end_user_ip",
            Self::Key => "key",
            Self::Tenant => "tenant",
            Self::Country => "country",
            Self::Prefix => "prefix",
            Self::Caller => "caller",
        }
    }

    /// The limit that applies until the tenant sets another one.
    pub fn default_buckets(self) -> Option<Buckets> {
        match self {
            Self::Number => Some(Buckets(vec![Bucket::new(5, 600), Bucket::new(20, 86_400)])),
            Self::EndUserIp => Some(Buckets(vec![Bucket::new(20, 600)])),
            _ => None,
        }
    }
}

/// The name of a limit: a built-in scope, or a name that the tenant chose for values that it sends itself. 1
/// to 32 of `[a-z0-9_-]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitName(String);

impl LimitName {
    /// Returns `None` unless the text is 1 to 32 of `[a-z0-9_-]`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        (plain && (1..=32).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The scope of the limit with this name.
    pub fn scope(&self) -> LimitScope {
        LimitScope::NAMED.into_iter().find(|s| s.as_str() == self.0).unwrap_or(LimitScope::Caller)
    }

    /// Returns whether a limit of this name may have these buckets. The record of a phone number stores the
    /// times of its last 20 starts, so its limits cannot exceed 20. With 5 tries for each verification, 20 a
    /// day are the 100 guesses that NIST SP 800-63B-4 allows. With 20 in 10 minutes, the record can list all
    /// live verifications of the number.
    pub fn admits(&self, buckets: &Buckets) -> bool {
        let number = |bucket: &Bucket| bucket.max <= 20 && (600..=86_400).contains(&bucket.seconds());
        self.scope() != LimitScope::Number || buckets.as_slice().iter().all(number)
    }
}

/// The limits of a profile for values that the client names. The text form is `a=5/600;b=1/60 9/3600`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedLimits(BTreeMap<LimitName, Buckets>);

impl NamedLimits {
    /// The maximum number of such limits in one profile.
    pub const MOST: usize = 20;

    /// Returns `None` if there are too many, or if one has the name of a built-in limit.
    pub fn new(limits: BTreeMap<LimitName, Buckets>) -> Option<Self> {
        let named = limits.keys().all(|name| name.scope() == LimitScope::Caller);
        (named && limits.len() <= Self::MOST).then_some(Self(limits))
    }

    pub fn as_map(&self) -> &BTreeMap<LimitName, Buckets> {
        &self.0
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        let one = |part: &str| {
            let (name, buckets) = part.split_once('=')?;
            Some((LimitName::parse(name)?, Buckets::parse(buckets)?))
        };
        Self::new(text.split_terminator(';').map(one).collect::<Option<_>>()?)
    }
}

/// Notes about limits, by the limits' names: what each is for. A note may exist before its limit does. The
/// text form is JSON, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitNotes(BTreeMap<LimitName, String>);

impl LimitNotes {
    /// The maximum length of a note, in characters.
    pub const MAX: usize = 256;

    pub fn as_map(&self) -> &BTreeMap<LimitName, String> {
        &self.0
    }

    pub fn as_map_mut(&mut self) -> &mut BTreeMap<LimitName, String> {
        &mut self.0
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let notes: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).ok()?;
        let one = |(name, note): (String, serde_json::Value)| {
            Some((LimitName::parse(&name)?, note.as_str()?.to_owned()))
        };
        notes.into_iter().map(one).collect::<Option<_>>().map(Self)
    }
}

impl fmt::Display for LimitNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let notes = self.0.iter().map(|(name, note)| (name.as_str().to_owned(), note.as_str().into()));
        serde_json::Value::Object(notes.collect()).fmt(f)
    }
}

impl fmt::Display for NamedLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, buckets)| write!(f, "{}={buckets};", name.as_str()))
    }
}

/// One bucket in which a start must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// The key under which the store has the bucket's state: a keyed hash of tenant, mode, limit and value.
    pub key: [u8; 16],
    /// The name in answers and timelines.
    pub name: String,
    pub scope: LimitScope,
    pub bucket: Bucket,
}

impl Take {
    /// How full the bucket is, if it recovers fully at `full_at`.
    pub fn state(&self, full_at: Timestamp, now: Timestamp) -> LimitState {
        LimitState {
            name: self.name.clone(),
            max: self.bucket.max,
            window: self.bucket.window,
            remaining: self.bucket.remaining(full_at, now),
            reset: full_at.since(now),
        }
    }
}

/// How full a bucket is, for the RateLimit headers and the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitState {
    pub name: String,
    pub max: u32,
    /// The length of the window.
    pub window: Duration,
    /// The number of starts that still fit now.
    pub remaining: u32,
    /// For a phone number, the time until its oldest start leaves the window. For all other limits, the time
    /// until the bucket has recovered fully.
    pub reset: Duration,
}

/// The limit that refused a start, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitHit {
    pub name: String,
    /// The name of the limit's scope.
    pub scope: &'static str,
    /// How long the client must wait until the same request would pass.
    pub retry_after: Duration,
    /// The state of each bucket that was looked at.
    pub states: Vec<LimitState>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn notes_are_read_as_they_are_written() {
        let mut notes = LimitNotes::default();
        assert_eq!((notes.to_string(), LimitNotes::parse("")), (String::new(), Some(notes.clone())));
        let name = |text| LimitName::parse(text).unwrap();
        notes.as_map_mut().insert(name("signup"), "each \"form\"; =".to_owned());
        notes.as_map_mut().insert(name("device"), String::new());
        assert_eq!(LimitNotes::parse(&notes.to_string()), Some(notes));
        for bad in ["x", "[]", "{\"A\":\"\"}", "{\"a\":1}"] {
            assert_eq!(LimitNotes::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn buckets_are_read_as_they_are_written() {
        for text in ["5/600 20/86400", "1/1", "1000000/86400"] {
            assert_eq!(Buckets::parse(text).unwrap().to_string(), text);
        }
        for bad in
            ["", "5", "0/60", "5/0", "5/86401", "1000001/1", "5/60 6/60", "1/1 1/2 1/3 1/4 1/5 1/6", "a/b"]
        {
            assert!(Buckets::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(Bucket::new(5, 600).name("number"), "number_10m");
        assert_eq!(Bucket::new(5, 86_400).name("number"), "number_24h");
        assert_eq!(Bucket::new(5, 90).name("signup"), "signup_90s");
    }

    #[test]
    fn the_limits_of_a_number_stay_within_its_record() {
        let (number, other) = (LimitName::parse("number").unwrap(), LimitName::parse("signup").unwrap());
        assert_eq!((number.scope(), other.scope()), (LimitScope::Number, LimitScope::Caller));
        for (text, fits) in [("20/86400", true), ("21/86400", false), ("20/600", true), ("5/599", false)] {
            let buckets = Buckets::parse(text).unwrap();
            assert_eq!(number.admits(&buckets), fits, "{text}");
            assert!(other.admits(&buckets), "{text}");
        }
    }

    #[test]
    fn limits_of_a_profile_are_read_as_they_are_written() {
        for text in ["", "a=5/600;", "a=5/600;b-2=1/60 9/3600;"] {
            assert_eq!(NamedLimits::parse(text).unwrap().to_string(), text);
        }
        for bad in ["a", "a=;", "number=5/600;", "A=1/1;", ";"] {
            assert!(NamedLimits::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_bucket_regains_one_after_each_interval() {
        let bucket = Bucket::new(3, 60);
        let (mut full_at, now) = (Timestamp::default(), at(0));
        for left in [2, 1, 0] {
            full_at = bucket.take(full_at, now).unwrap();
            assert_eq!(bucket.remaining(full_at, now), left);
        }
        assert_eq!(bucket.take(full_at, now), Err(Duration::from_secs(20)));
        assert_eq!(bucket.take(full_at, at(19_999_999)), Err(Duration::from_micros(1)));
        full_at = bucket.take(full_at, at(20_000_000)).unwrap();
        assert_eq!(bucket.remaining(full_at, at(20_000_000)), 0);
        assert_eq!(bucket.remaining(full_at, at(80_000_000)), 3);
    }

    proptest! {
        /// A burst admits exactly `max` starts, and no window admits more than `2 * max - 1`.
        #[test]
        fn a_bucket_holds_what_it_says(
            max in 1u32..50, seconds in 1u32..100, gaps in proptest::collection::vec(0i64..5_000_000, 1..300),
        ) {
            let bucket = Bucket::new(max, seconds);
            let (mut full_at, mut now, mut taken) = (Timestamp::default(), 1_000_000_000, Vec::new());
            for _ in 0..max {
                full_at = bucket.take(full_at, at(now)).unwrap();
                taken.push(now);
            }
            prop_assert!(bucket.take(full_at, at(now)).is_err());
            for gap in gaps {
                now += gap;
                match bucket.take(full_at, at(now)) {
                    Ok(next) => {
                        full_at = next;
                        taken.push(now);
                    }
                    Err(wait) => prop_assert!(bucket.take(full_at, at(now) + wait).is_ok(), "the wait suffices"),
                }
                let window = i64::from(seconds) * 1_000_000;
                let inside = taken.iter().filter(|start| **start > now - window).count();
                prop_assert!(inside < 2 * max as usize);
            }
        }
    }
}
