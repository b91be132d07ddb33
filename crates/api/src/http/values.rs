//! Values that several resources read, and their schemas.

use countersign_core::{
    locale::Locale,
    management::{key_rotation::OVERLAP, resources::ResourceName},
    message::{sender_text::SenderText, template::set::TemplateName},
    mode::Mode,
    phone::{Country, PhoneError, PhoneNumber, magic},
    tenant::profile::ProfileName,
};
use countersign_web::{
    fields::{Fields, PAGE, array, page_limit, text},
    problem::{Fault, Problem, ProblemCode},
};
use serde_json::Value;
use std::{collections::BTreeSet, ops::RangeInclusive, str::FromStr, time::Duration};

/// The maximum number of named limits of one start.
pub const MOST_LIMITS: usize = 5;
/// The maximum length of the value of a named limit, in bytes.
pub const MAX_LIMIT_VALUE: usize = 128;
/// The maximum number of countries of one sender or delivery route: more than exist.
pub const MOST_COUNTRIES: usize = 300;

/// A text of one form, for lists of them in the document.
macro_rules! text_form {
    ($name:ident, $pattern:literal, $example:literal) => {
        pub struct $name;

        impl utoipa::ToSchema for $name {}
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .pattern(Some($pattern))
                    .examples([$example])
                    .into()
            }
        }
    };
}

// A country by its two capitals (ISO 3166-1).
text_form!(CountryCode, "^[A-Z]{2}$", "PL");
// One of them, or `all`.
text_form!(CountryOrAll, "^([A-Z]{2}|all)$", "PL");
// The first digits of numbers.
text_form!(NumberPrefix, r"^\+[1-9][0-9]{0,14}$", "+4850");

pub fn resource_name(value: Value) -> Result<ResourceName, Fault> {
    ResourceName::parse(&text(value)?).ok_or(Fault::format("must be 1 to 32 of a-z, 0-9 and hyphen"))
}

pub fn template_name(value: Value) -> Result<TemplateName, Fault> {
    TemplateName::parse(&text(value)?).ok_or(Fault::format("must be 1 to 32 of a-z, 0-9 and hyphen"))
}

pub fn locale(value: Value) -> Result<Locale, Fault> {
    Locale::parse(&text(value)?).ok_or(Fault::format("must be a locale such as en, pt-BR or zh-Hant"))
}

pub fn sender(value: Value) -> Result<SenderText, Fault> {
    let message = "must be + and 7 to 15 digits, 3 to 8 digits, or 1 to 11 letters, digits, spaces and . _ & - \
        with a letter among them";
    SenderText::parse(&text(value)?).ok_or(Fault::format(message))
}

/// Reads a list. Each wrong entry is an error of its own, named `field[3]`; null counts as an empty list.
pub fn set_of<T: Ord>(
    fields: &mut Fields,
    (field, most): (&str, usize),
    read: impl Fn(Value) -> Result<T, Fault>,
) -> Option<BTreeSet<T>> {
    let listed = fields.given_or_null(field, |value| match array(value)? {
        list if list.len() <= most => Ok(list),
        _ => Err(Fault::new("too_long", format!("must have at most {most} entries"))),
    })?;
    let mut found = BTreeSet::new();
    for (place, value) in listed.into_iter().flatten().enumerate() {
        match read(value) {
            Ok(value) => drop(found.insert(value)),
            Err(fault) => fields.fail(&format!("{field}[{place}]"), fault),
        }
    }
    Some(found)
}

pub fn countries(fields: &mut Fields) -> Option<BTreeSet<Country>> {
    set_of(fields, ("countries", MOST_COUNTRIES), country)
}

pub fn country(value: Value) -> Result<Country, Fault> {
    Country::parse(&text(value)?).ok_or(Fault::format("must be a country's two capitals, such as PL"))
}

/// A page of a list.
pub struct Page<T> {
    /// The maximum number of rows.
    pub limit: u16,
    /// Only entries that follow this one in the list.
    pub beyond: Option<T>,
}

/// Reads the query of a list whose cursor is an id.
pub fn page<T: FromStr>(mut fields: Fields) -> Result<Page<T>, Problem> {
    let limit = fields.given("limit", page_limit);
    let beyond = fields.given("cursor", |value| {
        text(value)?.parse().map_err(|_| Fault::format("must be the next_cursor of a page"))
    });
    fields.finish(Some(Page { limit: limit.unwrap_or(PAGE), beyond }))
}

pub fn mode(value: Value) -> Result<Mode, Fault> {
    Mode::parse(&text(value)?).ok_or(Fault::format("must be live or test"))
}

/// How long an old secret stays valid beside its new one, from the seconds in a body.
pub fn overlap(seconds: Option<u32>) -> Duration {
    seconds.map_or(OVERLAP, |seconds| Duration::from_secs(seconds.into()))
}

/// Converts bounds of a small number for [`whole`](countersign_web::fields::whole).
pub fn wide(bounds: RangeInclusive<u8>) -> RangeInclusive<u32> {
    u32::from(*bounds.start())..=u32::from(*bounds.end())
}

/// Reads a phone number by the rules of the key's mode.
pub fn number(value: Value, mode: Mode) -> Result<PhoneNumber, Fault> {
    let text = text(value)?;
    let number = match mode {
        Mode::Live => PhoneNumber::parse(&text),
        Mode::Test => magic::parse_number(&text),
    };
    number.map_err(|error| match error {
        PhoneError::Invalid => {
            Fault::new("invalid_format", error.to_string()).alone(ProblemCode::InvalidPhoneNumber)
        }
        PhoneError::CannotReceiveSms(_) => {
            Fault::new("cannot_receive_sms", error.to_string()).alone(ProblemCode::NumberCannotReceiveSms)
        }
    })
}

pub fn profile_name(value: Value) -> Result<ProfileName, Fault> {
    ProfileName::parse(&text(value)?).ok_or(Fault::format("must be 1 to 32 of a-z, 0-9 and hyphen"))
}
