//! The hours in which a member may send, and the member's time zone.

use crate::time::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::{fmt, sync::LazyLock, time::Duration};

/// The zones that are part of the program. Reading zone files of the machine would be I/O, and nodes with
/// other files would disagree.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone of the IANA database.
#[derive(Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// The longest name that is looked up.
    const LONGEST: usize = 64;

    /// Reads a name such as `Europe/Warsaw`, in upper or lower case.
    pub fn parse(name: &str) -> Option<Self> {
        if name.len() > Self::LONGEST {
            return None;
        }
        let zone = ZONES.get(name).ok()?;
        (zone.iana_name().is_some() && !zone.is_unknown()).then_some(Self(zone))
    }

    pub fn as_str(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The local date and time.
    pub fn local(&self, at: Timestamp) -> jiff::civil::DateTime {
        self.0.to_datetime(instant(at))
    }

    /// The time at which this month begins.
    pub(super) fn first_of(&self, year: u32, month: u32) -> Timestamp {
        let (year, month) = (i16::try_from(year).unwrap_or(i16::MAX), i8::try_from(month).unwrap_or(1));
        let date = jiff::civil::Date::new(year, month, 1).unwrap_or(jiff::civil::Date::MAX);
        // Some zones skip a midnight. Then the month begins with the first time that exists.
        let first =
            self.0.to_ambiguous_timestamp(date.to_datetime(jiff::civil::Time::midnight())).compatible();
        Timestamp::from_micros(first.unwrap_or(jiff::Timestamp::MAX).as_microsecond())
    }

    /// The day of a time, as `2026-12-03`.
    pub fn day(&self, at: Timestamp) -> String {
        self.local(at).date().to_string()
    }

    /// The time at which a day such as `2026-12-03` begins.
    pub fn begin_of(&self, day: &str) -> Option<Timestamp> {
        let date: jiff::civil::Date = day.parse().ok()?;
        (date.year() >= 1970).then(|| {
            let midnight = date.to_datetime(jiff::civil::Time::midnight());
            let first = self.0.to_ambiguous_timestamp(midnight).compatible();
            Timestamp::from_micros(first.unwrap_or(jiff::Timestamp::MAX).as_microsecond())
        })
    }

    /// Writes a time by the local clock, in RFC 3339: `2026-12-01T08:00:00+01:00`.
    pub fn write(&self, at: Timestamp) -> String {
        instant(at).display_with_offset(self.0.to_offset(instant(at))).to_string()
    }
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::MAX)
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Zone {}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const HALF_HOURS: usize = 48;
/// 48 bits are 12 hexadecimal digits.
const DIGITS: usize = HALF_HOURS / 4;
const ALL_DAY: u64 = (1 << HALF_HOURS) - 1;
/// Each zone's offset from UTC is a multiple of this today, so hours begin and end at its multiples.
const STEP: i64 = 15 * 60 * 1_000_000;
/// The search for the next opening ends after this time. The only open half hour of a week may be one that
/// the change to summer time skips, and then the next one is a week later.
const SEARCHED: Duration = Duration::from_secs(15 * 86_400);

/// A set of half hours of a week: one number for each weekday from Monday, one bit for each half hour of the
/// local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours([u64; 7]);

impl Hours {
    pub const ALWAYS: Self = Self([ALL_DAY; 7]);
    pub const NEVER: Self = Self([0; 7]);

    /// The set with this half hour too. `weekday` is 0 for Monday, `half_hour` is 0 for 00:00 to 00:30.
    #[must_use]
    pub fn with(mut self, weekday: usize, half_hour: usize) -> Self {
        if let Some(day) = self.0.get_mut(weekday).filter(|_| half_hour < HALF_HOURS) {
            *day |= 1 << half_hour;
        }
        self
    }

    pub fn contains(&self, weekday: usize, half_hour: usize) -> bool {
        self.0.get(weekday).is_some_and(|day| half_hour < HALF_HOURS && day >> half_hour & 1 == 1)
    }

    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(own, others)| own & !others == 0)
    }

    /// Returns whether the set contains the local time in this zone. A time that the end of summer time
    /// repeats counts both times.
    pub fn admits(&self, zone: &Zone, now: Timestamp) -> bool {
        let local = zone.local(now);
        let weekday = local.weekday().to_monday_zero_offset();
        let half_hour = 2 * i32::from(local.hour()) + i32::from(local.minute() >= 30);
        let place = usize::try_from(weekday).ok().zip(usize::try_from(half_hour).ok());
        place.is_some_and(|(weekday, half_hour)| self.contains(weekday, half_hour))
    }

    /// The first time from `now` on that the set contains; `None` if there is none in two weeks.
    pub fn next_opening(&self, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
        if self.admits(zone, now) {
            return Some(now);
        }
        let first = now.micros().div_euclid(STEP) + 1;
        let steps = (first..).map(|step| Timestamp::from_micros(step * STEP));
        steps.take_while(|at| *at <= now + SEARCHED).find(|at| self.admits(zone, *at))
    }

    /// Reads the stored form: 12 hexadecimal digits for each weekday, or `always`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "always" {
            return Some(Self::ALWAYS);
        }
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 7 * DIGITS || !text.bytes().all(lower) {
            return None;
        }
        let mut days = [0; 7];
        for (index, day) in days.iter_mut().enumerate() {
            *day = u64::from_str_radix(text.get(index * DIGITS..(index + 1) * DIGITS)?, 16).ok()?;
        }
        Some(Self(days)).filter(|hours| *hours != Self::ALWAYS)
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALWAYS {
            return f.write_str("always");
        }
        self.0.iter().try_for_each(|day| write!(f, "{day:0DIGITS$x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WEDNESDAY: usize = 2;
    const SUNDAY: usize = 6;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    fn hours() -> impl Strategy<Value = Hours> {
        proptest::array::uniform7(0..=ALL_DAY).prop_map(Hours)
    }

    proptest! {
        #[test]
        fn the_stored_form_reads_back(hours in hours()) {
            prop_assert_eq!(Hours::parse(&hours.to_string()), Some(hours));
        }

        #[test]
        fn hours_within_others_admit_no_more(one in hours(), other in hours(), micros in 0i64..4_000_000_000_000_000) {
            let (now, zone) = (Timestamp::from_micros(micros), zone("Europe/Warsaw"));
            let both = Hours(std::array::from_fn(|day| one.0[day] & other.0[day]));
            prop_assert!(both.is_within(&one) && both.is_within(&other));
            prop_assert_eq!(both.admits(&zone, now), one.admits(&zone, now) && other.admits(&zone, now));
        }

        /// Compares the opening with a search by the minute.
        #[test]
        fn the_next_opening_is_the_first_admitted_minute(
            places in proptest::collection::vec((0usize..7, 0usize..48), 1..4),
            minutes in 29_000_000i64..31_000_000,
            name in proptest::sample::select(vec!["UTC", "Europe/Warsaw", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"]),
        ) {
            let hours = places.iter().fold(Hours::NEVER, |hours, (day, half)| hours.with(*day, *half));
            let minute = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
            let first = (minutes..).map(minute).find(|now| hours.admits(&zone(name), *now));
            prop_assert_eq!(hours.next_opening(&zone(name), minute(minutes)), first);
        }
    }

    #[test]
    fn hours_are_those_of_the_local_clock_before_and_after_a_change_of_it() {
        // 09:00 to 09:30 on Wednesdays in Warsaw: 08:00 UTC in winter, 07:00 UTC in summer.
        let (hours, warsaw) = (Hours::NEVER.with(WEDNESDAY, 18), zone("Europe/Warsaw"));
        for (text, admitted) in [
            ("2026-03-25T07:59:59Z", false),
            ("2026-03-25T08:00:00Z", true),
            ("2026-03-25T08:29:59Z", true),
            ("2026-03-25T08:30:00Z", false),
            ("2026-04-01T08:00:00Z", false),
            ("2026-04-01T07:00:00Z", true),
            ("2026-03-26T08:00:00Z", false),
        ] {
            assert_eq!(hours.admits(&warsaw, at(text)), admitted, "{text}");
        }
        let opening = hours.next_opening(&warsaw, at("2026-03-25T08:30:00Z"));
        assert_eq!(opening, Some(at("2026-04-01T07:00:00Z")));
        assert_eq!(Hours::NEVER.next_opening(&warsaw, at("2026-03-25T08:30:00Z")), None);
    }

    #[test]
    fn a_skipped_half_hour_opens_a_week_later_and_a_repeated_one_twice() {
        let warsaw = zone("Europe/Warsaw");
        // 02:00 to 02:30 on Sunday 29 March 2026 does not exist in Warsaw.
        let skipped = Hours::NEVER.with(SUNDAY, 4);
        let opening = skipped.next_opening(&warsaw, at("2026-03-22T01:30:00Z"));
        assert_eq!(opening, Some(at("2026-04-05T00:00:00Z")));
        // On 25 October 2026 it exists twice.
        for text in ["2026-10-25T00:10:00Z", "2026-10-25T01:10:00Z"] {
            assert!(skipped.admits(&warsaw, at(text)), "{text}");
        }
        let opening = skipped.next_opening(&warsaw, at("2026-10-25T00:40:00Z"));
        assert_eq!(opening, Some(at("2026-10-25T01:00:00Z")), "the second time");
    }

    #[test]
    fn a_time_is_written_by_the_local_clock() {
        let warsaw = zone("Europe/Warsaw");
        assert_eq!(warsaw.write(at("2026-12-01T07:00:00Z")), "2026-12-01T08:00:00+01:00");
        assert_eq!(Zone::default().write(at("2026-12-01T07:00:00Z")), "2026-12-01T07:00:00+00:00");
    }

    #[test]
    fn a_zone_has_one_spelling_and_needs_no_file() {
        assert_eq!(zone("europe/WARSAW").as_str(), "Europe/Warsaw");
        assert_eq!(zone("UTC"), Zone::default());
        for name in ["", "Europe/Lodz", "Etc/Unknown", "../../etc/passwd", "+02:00", "CET-1CEST"] {
            assert!(Zone::parse(name).is_none(), "{name}");
        }
    }

    #[test]
    fn other_texts_are_no_hours() {
        let never = Hours::NEVER.to_string();
        assert_eq!(never.len(), 84);
        for text in ["", "Always", &never[1..], &format!("{never}0"), &"F".repeat(84), &"f".repeat(84)] {
            assert_eq!(Hours::parse(text), None, "{text}");
        }
    }
}
