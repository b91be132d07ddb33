//! The hours of a member, as people write them: `mon-fri 08:00-16:30, sat 10:00-14:00`.

use countersign_core::people::hours::Hours;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The half hours of a day.
const HALF_HOURS: usize = 48;

/// Reads `always`, `never`, or days with times, separated by commas.
pub fn parse_hours(text: &str) -> Result<Hours, String> {
    match text.trim() {
        "always" => return Ok(Hours::ALWAYS),
        "never" => return Ok(Hours::NEVER),
        _ => {}
    }
    let problem = |item: &str| {
        format!(
            "{item:?} is no time of a week. Write always, never, or days and times at whole and half hours: \
             \"mon-fri 08:00-12:00 13:00-16:30, sat 10:00-14:00\""
        )
    };
    let mut hours = Hours::NEVER;
    for item in text.split(',').map(str::trim) {
        hours = add(hours, item).ok_or_else(|| problem(item))?;
    }
    Ok(hours)
}

/// The hours with one item too, such as `mon-fri 08:00-12:00 13:00-16:30`.
fn add(mut hours: Hours, item: &str) -> Option<Hours> {
    let mut words = item.split_whitespace();
    let (first, last) = ends(words.next()?, |name| DAYS.iter().position(|day| *day == name))?;
    let times = words.map(|word| ends(word, half_hour)).collect::<Option<Vec<_>>>()?;
    if last < first || times.is_empty() || times.iter().any(|(from, to)| to <= from) {
        return None;
    }
    for day in first..=last {
        for (from, to) in &times {
            hours = (*from..*to).fold(hours, |hours, half_hour| hours.with(day, half_hour));
        }
    }
    Some(hours)
}

/// Both ends of a range such as `mon-fri`. A single word is both.
fn ends(word: &str, parse: impl Fn(&str) -> Option<usize>) -> Option<(usize, usize)> {
    let (from, to) = word.split_once('-').unwrap_or((word, word));
    Some((parse(from)?, parse(to)?))
}

/// Reads `08:00` as 16. `24:00` is the end of the day.
fn half_hour(text: &str) -> Option<usize> {
    let (hours, minutes) = text.split_once(':').filter(|(hours, _)| hours.len() == 2)?;
    let half = match minutes {
        "00" => 0,
        "30" => 1,
        _ => return None,
    };
    let digits = hours.bytes().all(|byte| byte.is_ascii_digit());
    let place = 2 * hours.parse::<usize>().ok().filter(|_| digits)? + half;
    (place <= HALF_HOURS).then_some(place)
}

/// The text that [`parse_hours`] reads back.
pub fn show_hours(hours: &Hours) -> String {
    if *hours == Hours::ALWAYS {
        return "always".to_owned();
    }
    let mut items: Vec<(usize, usize, String)> = Vec::new();
    for day in 0..DAYS.len() {
        let times = times(hours, day);
        match items.last_mut() {
            Some((_, last, same)) if *last + 1 == day && *same == times => *last = day,
            _ => items.push((day, day, times)),
        }
    }
    items.retain(|(_, _, times)| !times.is_empty());
    let show = |(first, last, times): &(usize, usize, String)| match (DAYS[*first], DAYS[*last]) {
        (first, last) if first == last => format!("{first} {times}"),
        (first, last) => format!("{first}-{last} {times}"),
    };
    let items: Vec<_> = items.iter().map(show).collect();
    if items.is_empty() { "never".to_owned() } else { items.join(", ") }
}

/// The times of one day; empty if it has none.
fn times(hours: &Hours, day: usize) -> String {
    let clock = |place: usize| format!("{:02}:{}0", place / 2, if place.is_multiple_of(2) { 0 } else { 3 });
    let mut times = Vec::new();
    let mut from = None;
    for place in 0..=HALF_HOURS {
        match (from, hours.contains(day, place)) {
            (None, true) => from = Some(place),
            (Some(begin), false) => {
                times.push(format!("{}-{}", clock(begin), clock(place)));
                from = None;
            }
            _ => {}
        }
    }
    times.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

    #[test]
    fn what_is_shown_reads_back() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..500 {
            let places: Vec<_> = (0..rng.random_range(0..60))
                .map(|_| (rng.random_range(0..7), rng.random_range(0..HALF_HOURS)))
                .collect();
            let hours = places.iter().fold(Hours::NEVER, |hours, (day, half)| hours.with(*day, *half));
            assert_eq!(parse_hours(&show_hours(&hours)), Ok(hours), "{places:?}");
        }
    }

    #[test]
    fn hours_are_written_as_people_write_them() {
        for (text, shown) in [
            ("always", "always"),
            ("mon-sun 00:00-24:00", "always"),
            ("never", "never"),
            ("mon 08:00-16:30", "mon 08:00-16:30"),
            ("sat 10:00-14:00,mon-fri  08:00-16:30", "mon-fri 08:00-16:30, sat 10:00-14:00"),
            ("mon-fri 08:00-12:00 13:00-17:00", "mon-fri 08:00-12:00 13:00-17:00"),
            ("mon 08:00-12:00, mon 12:00-13:00", "mon 08:00-13:00"),
            ("sun 22:00-24:00, mon 00:00-06:00", "mon 00:00-06:00, sun 22:00-24:00"),
            ("mon 08:00-09:00, wed 08:00-09:00", "mon 08:00-09:00, wed 08:00-09:00"),
        ] {
            assert_eq!(show_hours(&parse_hours(text).unwrap()), shown, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_what_would_be_right() {
        for text in [
            "",
            "mon",
            "08:00-16:00",
            "monday 08:00-16:00",
            "fri-mon 08:00-16:00",
            "mon 8:00-16:00",
            "mon 08:15-16:00",
            "mon 16:00-08:00",
            "mon 08:00-08:00",
            "mon 08:00",
            "mon 08:00-24:30",
            "mon +8:00-16:00",
            "mon 08:00-16:00,",
        ] {
            let problem = parse_hours(text).unwrap_err();
            assert!(problem.contains("mon-fri 08:00-12:00 13:00-16:30"), "{text}: {problem}");
        }
    }
}
