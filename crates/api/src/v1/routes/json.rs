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

/// One way for messages.
#[derive(Serialize, ToSchema)]
pub struct Route {
    /// Its id.
    #[schema(pattern = "^rte_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "rte_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "poland")]
    name: String,
    /// The account that takes the messages.
    #[schema(pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "prv_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    provider: String,
    /// Whether it is used.
    enabled: bool,
    /// Lower ones are tried first.
    #[schema(example = 100)]
    order: u16,
    /// Its share among those of the same order.
    #[schema(minimum = 1, maximum = 1_000, example = 1)]
    weight: u16,
    /// The countries whose numbers it is for; none: all.
    #[schema(max_items = 300, value_type = Vec<CountryCode>)]
    countries: Vec<String>,
    /// How the numbers begin that it is for; none: all.
    #[schema(max_items = 100, value_type = Vec<NumberPrefix>)]
    prefixes: Vec<String>,
    /// What its messages come from, in place of your senders.
    #[schema(required = true, example = "Acme")]
    sender: Option<String>,
    /// Seconds for which a receipt is waited for before the next provider sends the message again.
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
    /// In the order in which they are tried.
    #[schema(max_items = 200)]
    pub data: Vec<Route>,
}

/// A way that a message would be tried on.
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
    /// The account that would take the message.
    #[schema(pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "prv_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    provider: String,
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "smsapi-main")]
    provider_name: String,
    /// What the message would come from.
    #[schema(example = "Acme")]
    sender: String,
    /// How the account fares, as the node that answers sees it; one that is `open` is passed over.
    #[schema(required = true)]
    health: Option<Health>,
}

text_values! {
    /// Why a route takes no message to this number. `no_account`: its account is
    /// gone or disabled, or the operator shares it no more. `own_routes`: it is the
    /// operator's, and one of yours takes the message. `enough`: a route before it
    /// leads through the same account, or eight accounts are asked before it.
    SkipReason = ["disabled", "other_numbers", "no_account", "own_routes", "enough"];
}

/// A route that takes no message to this number.
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
    /// Why.
    #[schema(value_type = SkipReason, example = "other_numbers")]
    reason: &'static str,
}

/// What a message to a number would be, and which way it would go.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// The country whose numbering plan holds the number; null if it belongs to none.
    #[schema(required = true, value_type = Option<CountryCode>)]
    country: Option<String>,
    /// Whether your country list lets a start for the number pass.
    country_allowed: bool,
    /// The ways, first the first to try; with none and without the relay a start answers 503 `no_route`.
    #[schema(max_items = 400)]
    ways: Vec<Way>,
    /// The other routes.
    #[schema(max_items = 400)]
    skipped: Vec<SkippedRoute>,
    /// Whether the operator's relay would take the message, for want of a way.
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
