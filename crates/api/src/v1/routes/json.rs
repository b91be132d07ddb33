//! Routes as JSON.

use crate::{
    http::values::{CountryCode, NumberPrefix},
    v1::{providers::Health, templates::Text},
};
use countersign_core::{
    acts::ways,
    delivery::route,
    id::TenantId,
    management::routes::{self, ExplainedWay},
    message::sms::segments,
    phone::Country,
};
use countersign_web::text_values;
use serde::Serialize;
use utoipa::ToSchema;

/// A rule: which account sends messages to which numbers.
#[derive(Serialize, ToSchema)]
pub struct Route {
    /// Its id.
    #[schema(pattern = "^rte_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "rte_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "poland")]
    name: String,
    /// The account that sends the messages.
    #[schema(pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "prv_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    provider: String,
    /// Whether the server uses the route.
    enabled: bool,
    /// The server tries routes with a lower order first.
    #[schema(example = 100)]
    order: u16,
    /// The share of this route among routes of the same order.
    #[schema(minimum = 1, maximum = 1_000, example = 1)]
    weight: u16,
    /// The route is for numbers of these countries; an empty list: of all countries.
    #[schema(max_items = 300, value_type = Vec<CountryCode>)]
    countries: Vec<String>,
    /// The route is for numbers that begin with one of these; an empty list: for all numbers.
    #[schema(max_items = 100, value_type = Vec<NumberPrefix>)]
    prefixes: Vec<String>,
    /// The sender of its messages, in place of your senders.
    #[schema(required = true, example = "Acme")]
    sender: Option<String>,
    /// How many seconds the server waits for a receipt before the next provider sends the message again;
    /// null: it does not wait.
    #[schema(required = true, minimum = 5, maximum = 300, example = 30)]
    receipt_timeout: Option<u64>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

impl From<&route::Route> for Route {
    fn from(route: &route::Route) -> Self {
        Self {
            id: route.id.to_string(),
            name: route.name.clone(),
            provider: route.provider.to_string(),
            enabled: route.enabled,
            order: route.order,
            weight: route.weight,
            countries: route.countries.iter().map(Country::as_str).map(str::to_owned).collect(),
            prefixes: route.prefixes.iter().map(|digits| format!("+{digits}")).collect(),
            sender: route.sender.as_ref().map(ToString::to_string),
            receipt_timeout: route.receipt_timeout.map(|time| time.as_secs()),
            created_at: route.created_at.to_string(),
        }
    }
}

/// The routes of the tenant.
#[derive(Serialize, ToSchema)]
pub struct RouteList {
    /// In the order in which the server tries them.
    #[schema(max_items = 200)]
    pub data: Vec<Route>,
}

/// A route that a message would take.
#[derive(Serialize, ToSchema)]
pub struct Way {
    /// The route.
    #[schema(pattern = "^rte_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "rte_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    route: String,
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "poland")]
    route_name: String,
    /// Whether the route is the operator's.
    shared: bool,
    /// The account that would send the message.
    #[schema(pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "prv_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    provider: String,
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "smsapi-main")]
    provider_name: String,
    /// The sender of the message.
    #[schema(example = "Acme")]
    sender: String,
    /// The health of the account, as the answering node sees it. The server skips an account that is `open`.
    #[schema(required = true)]
    health: Option<Health>,
}

text_values! {
    /// Why a route does not send a message to this number. `no_account`: its account was deleted or disabled,
    /// or the operator no longer shares it. `own_routes`: the route is the operator's, and one of yours sends
    /// the message. `enough`: an earlier route uses the same account, or eight accounts come first.
    SkipReason = ["disabled", "other_numbers", "no_account", "own_routes", "enough"];
}

/// A route that does not send a message to this number.
#[derive(Serialize, ToSchema)]
pub struct SkippedRoute {
    /// The route.
    #[schema(pattern = "^rte_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "rte_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    route: String,
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "germany")]
    route_name: String,
    /// Whether the route is the operator's.
    shared: bool,
    /// The reason.
    #[schema(value_type = SkipReason, example = "other_numbers")]
    reason: &'static str,
}

/// The text of a message to a number, and the routes that it would take.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// The country whose numbering plan holds the number; null if it belongs to none.
    #[schema(required = true, value_type = Option<CountryCode>)]
    country: Option<String>,
    /// Whether your country list lets a start for the number pass.
    country_allowed: bool,
    /// The routes, in the order of the attempts. Without any route and without the relay, a start answers 503
    /// `no_route`.
    #[schema(max_items = 400)]
    ways: Vec<Way>,
    /// The other routes.
    #[schema(max_items = 400)]
    skipped: Vec<SkippedRoute>,
    /// Whether the operator's relay would send the message, because no route would.
    relay: bool,
    /// The message, with the code 123456.
    #[schema(required = true)]
    text: Option<Text>,
}

impl Explanation {
    /// The explanation for a tenant that requested a phone number of this country.
    pub fn new(found: routes::Explanation, tenant: TenantId, country: Option<Country>) -> Self {
        let way = |ExplainedWay { way, sender, health }| Way {
            route: way.route.id.to_string(),
            route_name: way.route.name.clone(),
            shared: way.route.tenant != tenant,
            provider: way.account.id.to_string(),
            provider_name: way.account.name.clone(),
            sender,
            health: health.map(|health| Health::of(health, way.account.tenant == tenant)),
        };
        let skipped = |(route, skipped): (std::sync::Arc<route::Route>, ways::Skipped)| SkippedRoute {
            route: route.id.to_string(),
            route_name: route.name.clone(),
            shared: route.tenant != tenant,
            reason: skipped.as_str(),
        };
        Self {
            country: country.map(|country| country.as_str().to_owned()),
            country_allowed: found.country_allowed,
            ways: found.ways.into_iter().map(way).collect(),
            skipped: found.skipped.into_iter().map(skipped).collect(),
            relay: found.relay,
            text: found.text.map(|text| Text::new(text.expose().to_owned(), segments(text.expose()))),
        }
    }
}
