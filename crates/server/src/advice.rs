//! Advice that an operator should have before the first request comes. The settings alone do not show whether
//! a message has a delivery route, or whether the worker waits for receipts that cannot come. So the
//! directory is read too.

use crate::configuration::Settings;
use countersign_core::{
    acts::ways::{account, operator, usable},
    delivery::route::Route,
    id::TenantId,
    snapshot::{Snapshot, view::TenantView},
    tenant::system::is_system,
};

/// The maximum number of tenants named in one line.
const NAMED: usize = 5;
/// An account of this kind gets receipts on its own connection and needs no public URL.
const SMPP: &str = "smpp";

/// One piece of advice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Whether the server cannot do something that the operator surely wants.
    pub urgent: bool,
    /// One or two sentences.
    pub text: String,
}

/// All advice, from the settings and a snapshot of the directory.
pub(crate) fn advise(settings: &Settings, snapshot: &Snapshot) -> Vec<Advice> {
    let known = [
        advise_ways(settings, snapshot),
        advise_proxy(settings),
        advise_receipts(settings, snapshot),
        advise_mail(settings),
    ];
    known.into_iter().flatten().collect()
}

/// Advice about mails that cannot be sent.
fn advise_mail(settings: &Settings) -> Option<Advice> {
    let text = "mail.url is not set: no mails are sent. Commands print the links of invitations, nobody can set a \
                forgotten password by mail, and nobody is told of sign-ins on new devices";
    let wanted = settings.server.portal.on && settings.mail.is_none();
    wanted.then(|| Advice { urgent: false, text: text.to_owned() })
}

/// Advice about tenants whose live messages have no delivery route.
fn advise_ways(settings: &Settings, snapshot: &Snapshot) -> Option<Advice> {
    if settings.delivery.relay.is_some() {
        return None;
    }
    let (tenants, operator) = (snapshot.tenants(), operator(snapshot));
    let sends = |view: &TenantView| !is_system(view.tenant.id) && view.tenant.disabled_at.is_none();
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
    // The operator has a route that no tenant may use, or there are no tenants yet.
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

/// Advice about receipts that the worker waits for although no provider knows where to send them.
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
