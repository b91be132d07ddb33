//! Times as clients write them: RFC 3339.

use countersign_core::time::Timestamp;
use countersign_web::problem::Fault;
use jiff::civil::DateTime;

/// Reads any RFC 3339 time up to the last that can be stored. A leap second (`:60`) is read as the second
/// before it, because no clock here counts leap seconds.
pub fn parse_time(text: &str) -> Result<Timestamp, Fault> {
    let form = || Fault::format("must be an RFC 3339 time such as 2026-01-31T12:00:00Z");
    let (local, zone) = split_zone(text).ok_or_else(form)?;
    // The parser reads nine digits of a second; six are stored.
    let local = local.get(..29).unwrap_or(local);
    local.parse::<DateTime>().map_err(|_| form())?;
    // The date and the offset exist, so only the range can be wrong.
    let late = |_| Fault::new("out_of_range", "must not be after 9999-12-30T22:00:00Z");
    let time: jiff::Timestamp = format!("{local}{zone}").parse().map_err(late)?;
    Ok(Timestamp::from_micros(time.as_microsecond()))
}

/// Splits a text in the form of RFC 3339. The form is checked here, because the parser would also accept a
/// space, times without seconds and more offsets.
fn split_zone(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let fits = |part: &[u8], form: &[u8]| {
        part.len() == form.len()
            && part.iter().zip(form).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                _ => byte.eq_ignore_ascii_case(form),
            })
    };
    if bytes.len() > 40 || !fits(bytes.get(..19)?, b"0000-00-00T00:00:00") {
        return None;
    }
    let rest = &bytes[19..];
    let fraction = match rest.strip_prefix(b".") {
        Some(rest) => 1 + rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        None => 0,
    };
    let (local, zone) = text.split_at_checked(19 + fraction)?;
    let offset = zone.strip_prefix(['+', '-']).map(str::as_bytes);
    let exists = |offset: &[u8]| fits(offset, b"00:00") && offset < b"24:00".as_slice() && offset[3] < b'6';
    (fraction != 1 && (zone.eq_ignore_ascii_case("z") || offset.is_some_and(exists))).then_some((local, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339_is_read() {
        let noon = parse_time("2026-01-31T12:00:00Z").unwrap();
        for same in [
            "2026-01-31T12:00:00.000Z",
            "2026-01-31T12:00:00.0000000001Z",
            "2026-01-31T13:00:00+01:00",
            "2026-01-31T06:30:00-05:30",
            "2026-01-31T12:00:00-00:00",
            "2026-01-31t12:00:00z",
        ] {
            assert_eq!(parse_time(same).unwrap(), noon, "{same}");
        }
        for bad in [
            "",
            "2026-01-31",
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00Z",
            "2026-02-30T12:00:00Z",
            "2026-01-31T12:00:00Z[Europe/Warsaw]",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00,5Z",
            "2026-01-31T12:00:61Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T12:00:00+01:60",
            "2026-01-31T12:00:00+01",
            "2026-01-31T12:00:00\u{b2}Z",
            "+002026-01-31T12:00:00Z",
        ] {
            assert_eq!(parse_time(bad).unwrap_err().code(), "invalid_format", "{bad}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_kept_is_out_of_range_and_not_malformed() {
        for last in ["9999-12-30T22:00:00Z", "9999-12-31T21:00:00+23:00", "0000-01-01T00:00:00Z"] {
            assert!(parse_time(last).is_ok(), "{last}");
        }
        for late in ["9999-12-30T22:00:01Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999+01:00"] {
            assert_eq!(parse_time(late).unwrap_err().code(), "out_of_range", "{late}");
        }
    }

    #[test]
    fn a_leap_second_is_the_second_before_it() {
        let before = parse_time("2016-12-31T23:59:59Z").unwrap();
        assert_eq!(parse_time("2016-12-31T23:59:60Z").unwrap(), before);
        assert_eq!(parse_time("2017-01-01T00:59:60+01:00").unwrap(), before);
    }
}
