//! The checks before a start: the country list, and the limits that do not count by phone number.

use crate::{
    access::{actor::Actor, address::customer_network},
    acts::start::request::{StartError, StartRequest},
    context::Context,
    phone::{PhoneNumber, countries::CountryMode, magic::Magic},
    snapshot::view::TenantView,
    tenant::{
        limits::{Buckets, LimitName, LimitScope, Take},
        profile::Profile,
        review::{ReviewNumber, STARTS},
    },
    verification::guesses::Source,
};
use std::net::IpAddr;

/// The buckets that a start takes from, and the limits that do not apply to it.
#[derive(Debug, Default)]
pub(crate) struct Takes {
    pub takes: Vec<Take>,
    pub skipped: Vec<String>,
}

/// Refuses a phone number of a country to which the tenant does not send. The magic numbers of test mode have
/// no country.
pub(crate) fn check_country(view: &TenantView, to: &PhoneNumber) -> Result<(), StartError> {
    let magic = to.country().is_none() && Magic::of(to).is_some();
    if magic || view.settings.countries.mode(to.country()) == CountryMode::Allow {
        return Ok(());
    }
    Err(StartError::CountryNotAllowed(to.country()))
}

/// The buckets that the start must take from: the tenant's own, and those for values that the client sends.
pub(crate) fn list_takes(
    context: &Context,
    actor: &Actor,
    view: &TenantView,
    profile: &Profile,
    request: &StartRequest,
) -> Result<Takes, StartError> {
    let mut list = List { context, actor, takes: Takes::default() };
    let address = request.end_user_ip.map(customer_network);
    let country = request.to.country().map(|country| country.as_str().to_owned());
    for scope in LimitScope::NAMED {
        let Some(buckets) = view.settings.limit(scope) else { continue };
        let value = match scope {
            LimitScope::EndUserIp => address.map(|address| address.to_string()),
            LimitScope::Key => actor.key().map(|key| key.to_string()),
            LimitScope::Tenant => Some(String::new()),
            LimitScope::Country => country.clone(),
            LimitScope::Prefix => Some(prefix(&request.to).to_owned()),
            // The store counts these in the record of the phone number.
            LimitScope::Number | LimitScope::Caller => continue,
        };
        match value {
            Some(value) => list.add(scope.as_str(), scope, &buckets, &value),
            None => list.takes.skipped.push(scope.as_str().to_owned()),
        }
    }
    for (name, value) in &request.limits {
        let (owner, buckets) = match (profile.limits.as_map().get(name), view.settings.limits.get(name)) {
            (Some(buckets), _) => (profile.id.to_string(), buckets),
            (None, Some(buckets)) if name.scope() == LimitScope::Caller => (String::new(), buckets),
            _ => return Err(StartError::UnknownLimit(name.clone())),
        };
        list.add(name.as_str(), LimitScope::Caller, buckets, &format!("{owner}\0{value}"));
    }
    // The timeline lists the limits for which the client could have sent a value and did not.
    let own = view.settings.limits.keys().filter(|name| name.scope() == LimitScope::Caller);
    for name in profile.limits.as_map().keys().chain(own) {
        let named = |known: &LimitName| known == name;
        let said = list.takes.skipped.iter().any(|skipped| skipped == name.as_str());
        if !said && !request.limits.iter().any(|(given, _)| named(given)) {
            list.takes.skipped.push(name.as_str().to_owned());
        }
    }
    Ok(list.takes)
}

/// The limit of starts for a review number, to which no send limit applies.
pub(crate) fn review_takes(context: &Context, review: &ReviewNumber) -> Takes {
    let key = context.keyring.hash("review", review.tenant, &[&review.number.0]);
    let name = STARTS.name("review");
    let take = Take { key, name, scope: LimitScope::Number, bucket: STARTS };
    Takes { takes: vec![take], skipped: Vec::new() }
}

struct List<'a> {
    context: &'a Context,
    actor: &'a Actor,
    takes: Takes,
}

impl List<'_> {
    fn add(&mut self, limit: &str, scope: LimitScope, buckets: &Buckets, value: &str) {
        let Actor { tenant, mode, .. } = *self.actor;
        for bucket in buckets.as_slice() {
            // The key contains the window but not the maximum. So a limit that is raised or lowered keeps its
            // count.
            let window = bucket.seconds().to_be_bytes();
            let parts = [&[mode.byte()], limit.as_bytes(), &window, value.as_bytes()];
            let key = self.context.keyring.hash("limit", tenant, &parts);
            self.takes.takes.push(Take { key, name: bucket.name(limit), scope, bucket: *bucket });
        }
    }
}

/// The source of guesses at the code.
pub(crate) fn source(context: &Context, actor: &Actor, end_user_ip: Option<IpAddr>) -> Source {
    let Some(address) = end_user_ip.map(customer_network) else { return Source::default() };
    let hash = context.keyring.hash("source", actor.tenant, &[address.to_string().as_bytes()]);
    let mut source = Source::default();
    source.0.copy_from_slice(&hash[..4]);
    // Zeros would mean that the start named no address.
    source.0[0] |= 1;
    source
}

/// The phone number without its last four digits.
fn prefix(to: &PhoneNumber) -> &str {
    let e164 = to.e164();
    &e164[..e164.len().saturating_sub(4)]
}
