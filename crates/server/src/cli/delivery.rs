//! The operator's own accounts and delivery routes, which tenants share.

use super::parse_tenant_id;
use clap::{Args, Subcommand};
use countersign_core::{
    delivery::{account::Shared, route::Route},
    id::{ProviderId, RouteId, TenantId},
    management::resources::ResourceName,
    message::sender_text::SenderText,
    phone::{Country, PhoneNumber},
    tenant::PORTAL,
};
use std::path::PathBuf;

/// Make, try and list the operator's accounts at providers, which tenants share.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Make an account and print its id. Test it before making a route to it
    Create {
        /// The name in timelines, logs and metrics
        #[arg(long, value_parser = parse_name)]
        name: ResourceName,
        /// smsapi, twilio, http, smpp or relay
        #[arg(long)]
        kind: String,
        /// A file with its settings as JSON; `-` for standard input
        #[arg(long, value_name = "FILE")]
        settings: PathBuf,
        /// Most messages a second, of all nodes together
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        rate: Option<u32>,
        /// The tenants that may use it: "all", or ids separated by commas; "portal" for codes to persons [default:
        /// none]
        #[arg(long, value_name = "all|portal|TENANT,...", value_parser = parse_share)]
        share: Option<Shared>,
    },
    /// List the accounts, without their secrets
    List,
    /// Send a test message through an account. The account counts as verified if the provider accepts it
    Test {
        /// Its id: prv_...
        #[arg(value_parser = parse_provider_id)]
        provider: ProviderId,
        /// The number with its country code
        #[arg(long, value_parser = parse_number)]
        to: PhoneNumber,
    },
    /// Renew the URL of an account's receipts. The previous URL works for one more day
    RotateReceipts {
        /// Its id: prv_...
        #[arg(value_parser = parse_provider_id)]
        provider: ProviderId,
    },
    /// Delete an account that no route uses
    Delete {
        /// Its id: prv_...
        #[arg(value_parser = parse_provider_id)]
        provider: ProviderId,
    },
}

/// Make and list the operator's routes, for tenants without routes of their own.
#[derive(Debug, Subcommand)]
pub enum RouteCommand {
    /// Make a route and print its id
    Create(Box<RouteArgs>),
    /// List the routes, in the order in which they are tried
    List,
    /// Delete a route
    Delete {
        /// Its id: rte_...
        #[arg(value_parser = parse_route_id)]
        route: RouteId,
    },
}

/// The properties of a route.
#[derive(Debug, Args)]
pub struct RouteArgs {
    /// The name of the route for people
    #[arg(long, value_parser = parse_name)]
    pub name: ResourceName,
    /// The operator's account that sends the messages
    #[arg(long, value_parser = parse_provider_id)]
    pub provider: ProviderId,
    /// Lower ones are tried first
    #[arg(long, default_value_t = Route::ORDER)]
    pub order: u16,
    /// Its share among those of the same order
    #[arg(long, default_value_t = Route::WEIGHT, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub weight: u16,
    /// For phone numbers of these countries, such as PL,DE [default: all]
    #[arg(long, value_delimiter = ',', value_parser = parse_country)]
    pub countries: Vec<Country>,
    /// For phone numbers with these beginnings, such as +4850,+4851 [default: all]
    #[arg(long, value_delimiter = ',', value_parser = parse_prefix)]
    pub prefixes: Vec<String>,
    /// The sender of the messages, instead of the tenants' senders
    #[arg(long, value_parser = parse_sender)]
    pub sender: Option<SenderText>,
    /// Seconds to wait for a receipt before the next provider sends the message again
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(5..=300))]
    pub receipt_timeout: Option<u32>,
}

fn parse_name(text: &str) -> Result<ResourceName, String> {
    ResourceName::parse(text).ok_or_else(|| "a name is 1 to 32 of a-z, 0-9 and hyphen".into())
}

fn parse_share(text: &str) -> Result<Shared, String> {
    if text == "all" {
        return Ok(Shared::All);
    }
    let tenant = |name: &str| if name == "portal" { Ok(PORTAL) } else { parse_tenant_id(name) };
    let tenants = text.split(',').map(|name| tenant(name.trim()));
    tenants.collect::<Result<std::collections::BTreeSet<TenantId>, _>>().map(Shared::With)
}

fn parse_provider_id(text: &str) -> Result<ProviderId, String> {
    let hint = "an account's id is prv_ and 26 characters; `countersign provider list` shows them";
    text.parse().map_err(|_| hint.into())
}

fn parse_route_id(text: &str) -> Result<RouteId, String> {
    text.parse()
        .map_err(|_| "a route's id is rte_ and 26 characters; `countersign route list` shows them".into())
}

fn parse_number(text: &str) -> Result<PhoneNumber, String> {
    PhoneNumber::parse(text).map_err(|error| error.to_string())
}

fn parse_country(text: &str) -> Result<Country, String> {
    Country::parse(text.trim()).ok_or_else(|| "a country is two capitals, such as PL".into())
}

fn parse_prefix(text: &str) -> Result<String, String> {
    Route::parse_prefix(text.trim()).ok_or_else(|| "a prefix is + and 1 to 15 digits, such as +4850".into())
}

fn parse_sender(text: &str) -> Result<SenderText, String> {
    let hint = "a sender is + and 7 to 15 digits, 3 to 8 digits, or 1 to 11 letters and digits";
    SenderText::parse(text).ok_or_else(|| hint.into())
}
