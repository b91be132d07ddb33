//! Reads the bodies of the route operations.

use crate::http::values::number;
use crate::http::values::{countries, locale, resource_name, sender, set_of, template_name};
use countersign_core::{
    delivery::route::Route,
    id::ProviderId,
    management::{
        resources::ResourceName,
        routes::{Question, RouteChange},
    },
    mode::Mode,
};
use countersign_web::{
    fields::{Fields, boolean, text, whole},
    problem::{Fault, Problem},
};
use serde_json::Value;
use std::time::Duration;

/// The body of a create.
pub fn create_request(mut fields: Fields) -> Result<((ResourceName, ProviderId), RouteChange), Problem> {
    let name = fields.required("name", resource_name);
    let provider = fields.required("provider", provider);
    let change = RouteChange {
        enabled: fields.optional("enabled", boolean),
        order: fields.optional("order", small(0..=u32::from(u16::MAX))),
        weight: fields.optional("weight", small(Route::WEIGHTS)),
        ..lists(&mut fields)
    };
    fields.finish(name.zip(provider).map(|named| (named, change)))
}

/// The body of a change.
pub fn update_request(mut fields: Fields) -> Result<RouteChange, Problem> {
    let change = RouteChange {
        name: fields.given("name", resource_name),
        provider: fields.given("provider", provider),
        enabled: fields.given("enabled", boolean),
        order: fields.given("order", small(0..=u32::from(u16::MAX))),
        weight: fields.given("weight", small(Route::WEIGHTS)),
        ..lists(&mut fields)
    };
    fields.finish(Some(change))
}

/// What may be null in both: no countries, no prefixes, no sender, no wait.
fn lists(fields: &mut Fields) -> RouteChange {
    let seconds = whole(Route::RECEIPT_TIMEOUT);
    let receipt_timeout = fields.given_or_null("receipt_timeout", seconds);
    let prefixes = set_of(fields, ("prefixes", Route::MOST_PREFIXES), |value| {
        let message = "must be + and the first 1 to 15 digits of numbers, such as +4850";
        Route::parse_prefix(&text(value)?).ok_or(Fault::format(message))
    });
    RouteChange {
        countries: countries(fields),
        prefixes,
        sender: fields.given_or_null("sender", sender),
        receipt_timeout: receipt_timeout
            .map(|seconds| seconds.map(|seconds| Duration::from_secs(seconds.into()))),
        ..RouteChange::default()
    }
}

/// The body of a question.
pub fn question(mut fields: Fields) -> Result<Question, Problem> {
    let to = fields.required("to", |value| number(value, Mode::Live));
    let template = fields.optional("template", template_name);
    let locale = fields.optional("locale", locale);
    fields.finish(to.map(|to| Question { to, template, locale }))
}

fn provider(value: Value) -> Result<ProviderId, Fault> {
    text(value)?.parse().map_err(|_| Fault::format("must be the id of an account: prv_ and 26 characters"))
}

/// A number of two bytes.
fn small(bounds: std::ops::RangeInclusive<u32>) -> impl FnOnce(Value) -> Result<u16, Fault> {
    move |value| whole(bounds)(value).map(|number| number as u16)
}
