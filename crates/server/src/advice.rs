//! What an operator should know before the first request comes. A setting alone does not say whether
//! a message has a way, or whether anybody waits for a receipt: the directory does, so it is asked too.

use crate::configuration::Settings;
use countersign_core::{
    acts::ways::{account, operator, usable},
    delivery::route::Route,
    id::TenantId,
    snapshot::{Snapshot, view::TenantView},
    tenant::OPERATOR,
};

/// Tenants that are named in one line.
const NAMED: usize = 5;
/// It reports on its own connection, and needs no URL.
const SMPP: &str = "smpp";

/// One thing to know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Whether it keeps somebody from what was surely wanted.
    pub urgent: bool,
    /// A sentence or two.
    pub text: String,
}

/// All of it, by the settings and by a copy of the directory that was read.
pub(crate) fn advise(settings: &Settings, snapshot: &Snapshot) -> Vec<Advice> {
    let known =
        [advise_ways(settings, snapshot), advise_proxy(settings), advise_receipts(settings, snapshot)];
    known.into_iter().flatten().collect()
}

/// Live messages that nothing would take.
fn advise_ways(settings: &Settings, snapshot: &Snapshot) -> Option<Advice> {
    if settings.delivery.relay.is_some() {
        return None;
    }
    let (tenants, operator) = (snapshot.tenants(), operator(snapshot));
    let sends = |view: &TenantView| view.tenant.id != OPERATOR && view.tenant.disabled_at.is_none();
    let tenants: Vec<_> = tenants.iter().filter(|view| sends(view)).collect();
    let lacks = |view: &TenantView| usable(view, operator.as_deref()).next().is_none();
    let mut without: Vec<TenantId> =
        tenants.iter().filter(|view| lacks(view)).map(|view| view.tenant.id).collect();
    if without.is_empty() && !tenants.is_empty() {
        return None;
    }
    if without.len() < tenants.len() {
        without.sort();
        let named: Vec<_> = without.iter().take(NAMED).map(ToString::to_string).collect();
        let more = if without.len() > NAMED { ", ..." } else { "" };
        let text = format!(
            "{} of {} tenants have no route for live messages ({}{more}): their live keys get the problem \
             no_route, their test keys work",
            without.len(),
            tenants.len(),
            named.join(", ")
        );
        return Some(Advice { urgent: false, text });
    }
    // A route of the operator's that no tenant may use, or yet no tenant at all.
    let shared = operator.as_deref().is_some_and(|view| usable(view, None).next().is_some());
    if tenants.is_empty() && shared {
        return None;
    }
    let text = "No live message can be sent yet: no tenant has a route that it may use, and delivery.relay.url is not \
                set. `countersign provider create`, `provider test` and `route create` make one for all tenants. Until \
                then live keys get the problem no_route; test keys work";
    Some(Advice { urgent: true, text: text.to_owned() })
}

fn advise_proxy(settings: &Settings) -> Option<Advice> {
    let server = &settings.server;
    let unnamed = !server.trusted_proxies.is_empty() && server.public_url.is_none();
    unnamed.then(|| Advice {
        urgent: true,
        text: "server.trusted_proxies is set and server.public_url is not: lists of the Twilio routes name this server \
               as the proxy does"
            .to_owned(),
    })
}

/// Receipts that are waited for and never asked for.
fn advise_receipts(settings: &Settings, snapshot: &Snapshot) -> Option<Advice> {
    if settings.server.public_url.is_some() {
        return None;
    }
    let (tenants, operator) = (snapshot.tenants(), operator(snapshot));
    let by_url = |view: &TenantView, route: &Route| {
        let account = account(view, operator.as_deref(), route.provider);
        route.enabled && route.receipt_timeout.is_some() && account.is_some_and(|one| one.kind != SMPP)
    };
    let count = |view: &TenantView| view.routes.iter().filter(|route| by_url(view, route)).count();
    let deaf: usize = tenants.iter().map(|view| count(view)).sum();
    (deaf > 0).then(|| Advice {
        urgent: true,
        text: format!(
            "server.public_url is not set, so no provider is asked to report by HTTP. Routes whose receipt_timeout \
             does nothing for that: {deaf}"
        ),
    })
}

#[cfg(test)]
mod tests;
