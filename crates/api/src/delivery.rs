//! What a tenant sets up for delivery: providers, senders, routes, templates.

pub mod providers;
pub mod routes;
pub mod senders;
pub mod templates;

use actix_web::{HttpRequest, HttpResponse, http::header::LOCATION};
use countersign_core::{
    locale::Locale, phone::Country, resources::ResourceName, sender::SenderText, template::TemplateName,
};
use countersign_web::{
    fields::{Fields, array, text},
    idempotency::REPLAYED,
    notes::note_changed,
    problem::Fault,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most countries of one sender or route: more than there are.
const MOST_COUNTRIES: usize = 300;

/// The answer to a POST that made something, now or before.
fn made(request: &HttpRequest, id: &str, before: bool, body: impl Serialize) -> HttpResponse {
    note_changed(request, id);
    let mut response = HttpResponse::Created();
    if before {
        response.insert_header(REPLAYED);
    }
    response.insert_header((LOCATION, format!("{}/{id}", request.path()))).json(body)
}

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
// The first digits of numbers.
text_form!(NumberPrefix, r"^\+[1-9][0-9]{0,14}$", "+4850");

fn resource_name(value: Value) -> Result<ResourceName, Fault> {
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

/// A list in which each entry that is wrong is a fault of its own, named `field[3]`; null is an empty one.
fn set_of<T: Ord>(
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

fn countries(fields: &mut Fields) -> Option<BTreeSet<Country>> {
    set_of(fields, ("countries", MOST_COUNTRIES), |value| {
        Country::parse(&text(value)?).ok_or(Fault::format("must be a country's two capitals, such as PL"))
    })
}
