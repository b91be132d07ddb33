//! Times as people read them, by the clock of their own zone.

use crate::text::Text;
use countersign_core::{people::hours::Zone, time::Timestamp};

/// A time in a page: short, and exact for those who look twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    pub short: String,
    pub exact: String,
    /// In RFC 3339, for machines.
    pub machine: String,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `3 October 2026`.
pub fn date(t: Text, zone: &Zone, at: Timestamp) -> String {
    let local = zone.local(at);
    // As text, because a number would be written by the rules for amounts.
    let (day, year) = (local.day().to_string(), local.year().to_string());
    t.with("date", &[("day", day.into()), ("month", local.month().into()), ("year", year.into())])
}

/// `14:32`.
pub fn clock(zone: &Zone, at: Timestamp) -> String {
    let local = zone.local(at);
    format!("{:02}:{:02}", local.hour(), local.minute())
}

/// `14:32:07`.
pub fn clock_exact(zone: &Zone, at: Timestamp) -> String {
    format!("{}:{:02}", clock(zone, at), zone.local(at).second())
}

/// `today, 14:32`, `yesterday, 22:14` or `3 October 2026, 09:02`.
pub fn day_and_clock(t: Text, zone: &Zone, at: Timestamp, now: Timestamp) -> String {
    let (day, today) = (zone.local(at).date(), zone.local(now).date());
    let time = clock(zone, at);
    if day == today {
        t.one("today", "time", time)
    } else if day.tomorrow().is_ok_and(|next| next == today) {
        t.one("yesterday", "time", time)
    } else if today.tomorrow().is_ok_and(|next| next == day) {
        t.one("tomorrow", "time", time)
    } else {
        t.with("date-and-time", &[("date", date(t, zone, at).into()), ("time", time.into())])
    }
}

/// `5 minutes ago` within a day, else the day and the time.
pub fn ago(t: Text, zone: &Zone, at: Timestamp, now: Timestamp) -> String {
    if at > now {
        return day_and_clock(t, zone, at, now);
    }
    match now.since(at).as_secs() {
        0..MINUTE => t.get("just-now").into_owned(),
        seconds @ MINUTE..HOUR => t.one("minutes-ago", "count", seconds / MINUTE),
        seconds @ HOUR..DAY => t.one("hours-ago", "count", seconds / HOUR),
        _ => day_and_clock(t, zone, at, now),
    }
}

/// `15 minutes`, `8 hours`, `30 days`.
pub fn span(t: Text, seconds: u64) -> String {
    match seconds {
        0..HOUR => t.one("minutes", "count", seconds / MINUTE),
        HOUR..DAY => t.one("hours", "count", seconds / HOUR),
        _ => t.one("days", "count", seconds / DAY),
    }
}

impl When {
    pub fn of(t: Text, zone: &Zone, at: Timestamp, now: Timestamp) -> Self {
        let exact = t.with(
            "date-and-time",
            &[("date", date(t, zone, at).into()), ("time", clock_exact(zone, at).into())],
        );
        Self { short: ago(t, zone, at, now), exact, machine: zone.write(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    /// 2026-11-26, 13:32:18 UTC, which is 14:32:18 in Warsaw.
    const NOW: Timestamp = Timestamp::from_millis(1_795_699_938_000);

    fn before(seconds: i64) -> Timestamp {
        Timestamp::from_micros(NOW.micros() - seconds * 1_000_000)
    }

    #[test]
    fn times_are_those_of_the_persons_zone() {
        let zone = Zone::parse("Europe/Warsaw").unwrap();
        let (english, polish) = (Text(Language::English), Text(Language::Polish));
        for (seconds, in_english, in_polish) in [
            (3, "just now", "przed chwilą"),
            (60, "1 minute ago", "1 minutę temu"),
            (5 * 60, "5 minutes ago", "5 minut temu"),
            (3 * 3_600, "3 hours ago", "3 godziny temu"),
            (86_400 + 60, "yesterday, 14:31", "wczoraj, 14:31"),
            (40 * 86_400, "17 October 2026, 15:32", "17 października 2026, 15:32"),
            (-86_400, "tomorrow, 14:32", "jutro, 14:32"),
            (-60, "today, 14:33", "dziś, 14:33"),
        ] {
            assert_eq!(ago(english, &zone, before(seconds), NOW), in_english);
            assert_eq!(ago(polish, &zone, before(seconds), NOW), in_polish);
        }
        let when = When::of(english, &zone, NOW, NOW);
        assert_eq!(
            (when.exact.as_str(), when.machine.as_str()),
            ("26 November 2026, 14:32:18", "2026-11-26T14:32:18+01:00")
        );
        assert_eq!(
            [span(english, 900), span(polish, 28_800), span(polish, 86_400)],
            ["15 minutes", "8 godzin", "1 dzień"]
        );
    }
}
