//! The bodies of the route operations.

use crate::http::values::{
    CountryCode, NumberPrefix, countries, locale, number, resource_name, sender, set_of, template_name,
};
use countersign_core::{
    delivery::route::Route,
    id::ProviderId,
    locale::Locale,
    management::{
        resources::ResourceName,
        routes::{Question, RouteChange},
    },
    message::{sender_text::SenderText, template::set::TemplateName},
    mode::Mode,
    phone::{Country, PhoneNumber},
};
use countersign_web::{
    fields::{Fields, boolean, text, whole},
    problem::Fault,
    request,
    request::{given, given_or_null, optional, required},
};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

request! {
    /// Makes a route.
    pub struct CreateRoute {
        /// A unique name.
        #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "poland")]
        name: ResourceName as String = required(resource_name),
        /// The account that sends the messages: yours, or one that the operator shares with you.
        #[schema(pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "prv_01jz0w8e9c4t6yv2k5n3m7p8qr")]
        provider: ProviderId as String = required(provider),
        /// Whether the server uses the route; true when absent.
        #[schema(example = true)]
        enabled: Option<bool> = optional(boolean),
        /// The server tries routes with a lower order first; 100 when absent.
        #[schema(minimum = 0, maximum = 65_535, example = 100)]
        order: Option<u16> = optional(small(0..=u32::from(u16::MAX))),
        /// The share of this route among routes of the same order; 1 when absent.
        #[schema(minimum = 1, maximum = 1_000, example = 1)]
        weight: Option<u16> = optional(small(Route::WEIGHTS)),
        /// How many seconds the server waits for a receipt before the next provider sends the message again.
        /// When absent, it does not wait.
        #[schema(minimum = 5, maximum = 300, example = 30)]
        receipt_timeout: Option<Option<u32>> as Option<u32> = given_or_null(whole(Route::RECEIPT_TIMEOUT)),
        /// The route is for numbers that begin with one of these; for all numbers when absent or empty.
        #[schema(max_items = 100)]
        prefixes: Option<BTreeSet<String>> as Option<Vec<NumberPrefix>> = |fields, _| Some(prefixes(fields)),
        /// The route is for numbers of these countries; of all countries when absent or empty.
        #[schema(max_items = 300)]
        countries: Option<BTreeSet<Country>> as Option<Vec<CountryCode>> = |fields, _| Some(countries(fields)),
        /// The sender of its messages, in place of your senders.
        #[schema(
            pattern = r"^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9._&-]([A-Za-z0-9 ._&-]{0,9}[A-Za-z0-9._&-])?)$",
            example = "Acme"
        )]
        sender: Option<Option<SenderText>> as Option<String> = given_or_null(sender),
    }
}

impl From<CreateRoute> for ((ResourceName, ProviderId), RouteChange) {
    fn from(asked: CreateRoute) -> Self {
        let change = RouteChange {
            name: None,
            provider: None,
            enabled: asked.enabled,
            order: asked.order,
            weight: asked.weight,
            countries: asked.countries,
            prefixes: asked.prefixes,
            sender: asked.sender,
            receipt_timeout: asked.receipt_timeout.map(time),
        };
        ((asked.name, asked.provider), change)
    }
}

request! {
    /// Changes a route. Absent fields stay as they are.
    pub struct UpdateRoute {
        /// Another name.
        #[schema(nullable = false, pattern = "^[a-z0-9-]{1,32}$", example = "poland")]
        name: Option<ResourceName> as Option<String> = given(resource_name),
        /// The account that sends the messages.
        #[schema(
            nullable = false,
            pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "prv_01jz0w8e9c4t6yv2k5n3m7p8qr"
        )]
        provider: Option<ProviderId> as Option<String> = given(provider),
        /// Whether the server uses the route.
        #[schema(nullable = false, example = true)]
        enabled: Option<bool> = given(boolean),
        /// The server tries routes with a lower order first.
        #[schema(nullable = false, minimum = 0, maximum = 65_535, example = 100)]
        order: Option<u16> = given(small(0..=u32::from(u16::MAX))),
        /// The share of this route among routes of the same order.
        #[schema(nullable = false, minimum = 1, maximum = 1_000, example = 1)]
        weight: Option<u16> = given(small(Route::WEIGHTS)),
        /// How many seconds the server waits for a receipt; null: it does not wait.
        #[schema(minimum = 5, maximum = 300, example = 30)]
        receipt_timeout: Option<Option<u32>> as Option<u32> = given_or_null(whole(Route::RECEIPT_TIMEOUT)),
        /// The route is for numbers that begin with one of these; null or an empty list: for all numbers.
        #[schema(max_items = 100)]
        prefixes: Option<BTreeSet<String>> as Option<Vec<NumberPrefix>> = |fields, _| Some(prefixes(fields)),
        /// The route is for numbers of these countries; null or an empty list: of all countries.
        #[schema(max_items = 300)]
        countries: Option<BTreeSet<Country>> as Option<Vec<CountryCode>> = |fields, _| Some(countries(fields)),
        /// The sender of its messages; null: your senders.
        #[schema(
            pattern = r"^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9._&-]([A-Za-z0-9 ._&-]{0,9}[A-Za-z0-9._&-])?)$",
            example = "Acme"
        )]
        sender: Option<Option<SenderText>> as Option<String> = given_or_null(sender),
    }
}

impl From<UpdateRoute> for RouteChange {
    fn from(asked: UpdateRoute) -> Self {
        Self {
            name: asked.name,
            provider: asked.provider,
            enabled: asked.enabled,
            order: asked.order,
            weight: asked.weight,
            countries: asked.countries,
            prefixes: asked.prefixes,
            sender: asked.sender,
            receipt_timeout: asked.receipt_timeout.map(time),
        }
    }
}

request! {
    /// A question: which routes would a message take?
    pub struct ExplainRoute {
        /// The number with its country code.
        #[schema(pattern = r"^\s*(\+|00)[0-9 .()/-]{4,30}$", max_length = 32, example = "+48500500500")]
        to: PhoneNumber as String = required(|value| number(value, Mode::Live)),
        /// The name of your own texts, as a start would name it.
        #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "login")]
        template: Option<TemplateName> as Option<String> = optional(template_name),
        /// The language, as a start would name it.
        #[schema(
            pattern = "^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$",
            max_length = 12,
            example = "pt-BR"
        )]
        locale: Option<Locale> as Option<String> = optional(locale),
    }
}

impl From<ExplainRoute> for Question {
    fn from(ExplainRoute { to, template, locale }: ExplainRoute) -> Self {
        Self { to, template, locale }
    }
}

fn time(seconds: Option<u32>) -> Option<Duration> {
    seconds.map(|seconds| Duration::from_secs(seconds.into()))
}

fn prefixes(fields: &mut Fields) -> Option<BTreeSet<String>> {
    set_of(fields, ("prefixes", Route::MOST_PREFIXES), |value| {
        let message = "must be + and the first 1 to 15 digits of numbers, such as +4850";
        Route::parse_prefix(&text(value)?).ok_or(Fault::format(message))
    })
}

fn provider(value: Value) -> Result<ProviderId, Fault> {
    text(value)?.parse().map_err(|_| Fault::format("must be the id of an account: prv_ and 26 characters"))
}

/// Reads a number of two bytes.
fn small(bounds: std::ops::RangeInclusive<u32>) -> impl FnOnce(Value) -> Result<u16, Fault> {
    move |value| whole(bounds)(value).map(|number| number as u16)
}
