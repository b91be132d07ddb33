//! Times as the API writes them: RFC 3339, UTC, milliseconds.

use countersign_core::time::Timestamp;

/// `2026-01-31T12:00:00.000Z`.
pub fn format_time(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(time.micros()).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

/// Any RFC 3339 time. The length and the `T` are checked here because the
/// parser would also take a space and times without seconds.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let strict = (20..=40).contains(&text.len())
        && matches!(text.as_bytes().get(10), Some(b'T' | b't'))
        && text.as_bytes().get(16) == Some(&b':')
        && text.bytes().all(|b| b.is_ascii_digit() || b"-+:.TtZz".contains(&b));
    let time: jiff::Timestamp = strict.then(|| text.parse().ok())??;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        assert_eq!(format_time(Timestamp::from_millis(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(format_time(Timestamp::from_micros(1_500)), "1970-01-01T00:00:00.001Z");
    }

    #[test]
    fn only_rfc_3339_is_read() {
        let noon = parse_time("2026-01-31T12:00:00Z").unwrap();
        for same in ["2026-01-31T12:00:00.000Z", "2026-01-31T13:00:00+01:00", "2026-01-31t12:00:00z"] {
            assert_eq!(parse_time(same), Some(noon), "{same}");
        }
        for bad in [
            "",
            "2026-01-31",
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00Z",
            "2026-02-30T12:00:00Z",
            "2026-01-31T12:00:00Z[Europe/Warsaw]",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }
}
