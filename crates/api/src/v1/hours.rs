//! Sending hours as JSON: for each weekday the times between which a member may send.

use countersign_core::people::hours::Hours;
use countersign_web::{
    fields::{Fields, array, text},
    problem::Fault,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// From one half hour to another, such as `08:00-16:30`.
pub struct TimeRange;

impl ToSchema for TimeRange {}
impl utoipa::PartialSchema for TimeRange {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .pattern(Some("^([01][0-9]|2[0-3]):[03]0-(([01][0-9]|2[0-3]):[03]0|24:00)$"))
            .examples(["08:00-16:00"])
            .into()
    }
}

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// More ranges of one day would touch each other.
const MOST_RANGES: usize = 24;

/// The hours of a week, in the member's time zone. A day without times is closed.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct WeekHours {
    #[schema(max_items = 24, value_type = Option<Vec<TimeRange>>, nullable = false)]
    monday: Vec<String>,
    #[schema(max_items = 24, value_type = Option<Vec<TimeRange>>, nullable = false)]
    tuesday: Vec<String>,
    #[schema(max_items = 24, value_type = Option<Vec<TimeRange>>, nullable = false)]
    wednesday: Vec<String>,
    #[schema(max_items = 24, value_type = Option<Vec<TimeRange>>, nullable = false)]
    thursday: Vec<String>,
    #[schema(max_items = 24, value_type = Option<Vec<TimeRange>>, nullable = false)]
    friday: Vec<String>,
    #[schema(max_items = 24, value_type = Option<Vec<TimeRange>>, nullable = false)]
    saturday: Vec<String>,
    #[schema(max_items = 24, value_type = Option<Vec<TimeRange>>, nullable = false)]
    sunday: Vec<String>,
}

impl WeekHours {
    /// Returns `None` for hours without a bound.
    pub fn of(hours: &Hours) -> Option<Self> {
        let day = |day| ranges(hours, day);
        (*hours != Hours::ALWAYS).then(|| Self {
            monday: day(0),
            tuesday: day(1),
            wednesday: day(2),
            thursday: day(3),
            friday: day(4),
            saturday: day(5),
            sunday: day(6),
        })
    }
}

fn ranges(hours: &Hours, day: usize) -> Vec<String> {
    let time = |half: usize| format!("{:02}:{:02}", half / 2, half % 2 * 30);
    let is_open = |half: usize| half < HALF_HOURS && hours.contains(day, half);
    let begins = (0..HALF_HOURS).filter(|half| is_open(*half) && (*half == 0 || !is_open(half - 1)));
    let end = |begin: usize| (begin..=HALF_HOURS).find(|half| !is_open(*half)).unwrap_or(HALF_HOURS);
    begins.map(|begin| format!("{}-{}", time(begin), time(end(begin)))).collect()
}

const HALF_HOURS: usize = 48;

/// Reads the days in an object. Days that it leaves out are closed.
pub fn week(fields: &mut Fields) -> Option<Hours> {
    let mut hours = Some(Hours::NEVER);
    for (day, name) in DAYS.into_iter().enumerate() {
        let times = fields.given(name, |value| match array(value)? {
            times if times.len() <= MOST_RANGES => Ok(times),
            _ => Err(Fault::new("too_long", format!("must have at most {MOST_RANGES} entries"))),
        });
        for (place, value) in times.into_iter().flatten().enumerate() {
            match range(value) {
                Ok((from, to)) => {
                    hours = hours.map(|all| (from..to).fold(all, |all, half| all.with(day, half)))
                }
                Err(fault) => {
                    fields.fail(&format!("{name}[{place}]"), fault);
                    hours = None;
                }
            }
        }
    }
    hours
}

fn range(value: Value) -> Result<(usize, usize), Fault> {
    let text = text(value)?;
    let range = text.split_once('-').and_then(|(from, to)| Some((half_hour(from)?, half_hour(to)?)));
    let fault =
        || Fault::format("must be two times on the half hour, the earlier first, such as 08:00-16:30");
    range.filter(|(from, to)| from < to).ok_or_else(fault)
}

/// The number of the half hour that begins then: `00:00` is 0, `24:00` is 48.
fn half_hour(text: &str) -> Option<usize> {
    let (hour, minute) = text.split_once(':').filter(|(hour, _)| hour.len() == 2)?;
    let hour = Some(hour).filter(|hour| hour.bytes().all(|byte| byte.is_ascii_digit()))?;
    let half = match minute {
        "00" => 0,
        "30" => 1,
        _ => return None,
    };
    Some(2 * hour.parse::<usize>().ok()? + half).filter(|half| *half <= HALF_HOURS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: Value) -> Result<Hours, Vec<String>> {
        let mut fields = Fields::from_json(body.to_string().as_bytes()).unwrap();
        let hours = week(&mut fields);
        let errors = |errors: Vec<countersign_web::problem::FieldError>| {
            errors.into_iter().map(|error| error.field).collect()
        };
        fields.finish_all(hours).map_err(errors)
    }

    #[test]
    fn hours_are_read_and_shown_alike() {
        let body = json!({
            "monday": ["08:00-16:00", "17:30-18:00"], "tuesday": [], "wednesday": ["00:00-24:00"],
            "thursday": ["23:30-24:00"], "friday": ["00:00-00:30"], "saturday": [], "sunday": [],
        });
        let hours = read(body.clone()).unwrap();
        assert_eq!(json!(WeekHours::of(&hours)), body);
        assert!(hours.contains(0, 16) && hours.contains(0, 31) && !hours.contains(0, 32));
        // Times that touch or overlap are one, and a day that is left out is closed.
        let joined = read(json!({ "sunday": ["10:00-12:00", "11:00-13:00", "13:00-14:00"] })).unwrap();
        assert_eq!(
            WeekHours::of(&joined),
            Some(WeekHours { sunday: vec!["10:00-14:00".into()], ..Default::default() })
        );
        assert_eq!(read(json!({})), Ok(Hours::NEVER));
        let always = DAYS.map(|day| (day.to_owned(), json!(["00:00-24:00"])));
        let always = read(Value::Object(always.into_iter().collect())).unwrap();
        assert_eq!((always, WeekHours::of(&always)), (Hours::ALWAYS, None));
    }

    #[test]
    fn other_times_are_refused_where_they_are() {
        for text in [
            "",
            "8:00-16:00",
            "08:00",
            "08:00-08:00",
            "16:00-08:00",
            "08:15-16:00",
            "08:00-24:30",
            "+8:00-16:00",
            "08:00 - 16:00",
            "08:00-16:00-17:00",
        ] {
            assert_eq!(
                read(json!({ "monday": ["07:00-07:30", text] })),
                Err(vec!["monday[1]".into()]),
                "{text}"
            );
        }
        assert_eq!(read(json!({ "monday": "08:00-16:00" })), Err(vec!["monday".into()]));
        assert_eq!(read(json!({ "Monday": [], "mon": [] })), Err(vec!["Monday".into(), "mon".into()]));
        assert_eq!(read(json!({ "friday": vec!["08:00-16:00"; 25] })), Err(vec!["friday".into()]));
    }
}
