//! Chooses the delivery routes of a message: the provider to try first, and the providers to try next.
//!
//! A tenant's routes that match the phone number are tried in their order. Among routes of the same order the
//! weights decide at random, but always alike for one message. If no route of the tenant matches, the
//! operator's routes are used, as far as their accounts are shared with the tenant.

use crate::{
    context::Management,
    delivery::{account::ProviderAccount, route::Route, sender::choose},
    id::{MessageId, ProviderId, TenantId},
    message::sender_text::SenderText,
    phone::PhoneNumber,
    ports::error::StoreError,
    snapshot::{Snapshot, view::TenantView},
    tenant::{OPERATOR, PORTAL, PORTAL_ENROL},
    verification::receipt::Awaited,
};
use std::sync::Arc;

/// A route that can carry a message.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub route: Arc<Route>,
    pub account: Arc<ProviderAccount>,
    /// The sender of the message.
    pub sender: SenderText,
}

/// Why a route is not used for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    Disabled,
    /// The route is for other countries or prefixes.
    OtherNumbers,
    /// Its account is deleted, disabled, or not shared with the tenant.
    NoAccount,
    /// The tenant has routes of its own for the phone number.
    OwnRoutes,
    /// An earlier route uses the same account, or the maximum number of routes is reached.
    Enough,
}

impl Skipped {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::OtherNumbers => "other_numbers",
            Self::NoAccount => "no_account",
            Self::OwnRoutes => "own_routes",
            Self::Enough => "enough",
        }
    }
}

/// The routes that can carry a message, in their order, and the routes that are not used.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// The routes to try, in order.
    pub candidates: Vec<Candidate>,
    /// The other routes, each with the reason.
    pub skipped: Vec<(Arc<Route>, Skipped)>,
}

/// The operator's accounts and routes.
pub fn operator(snapshot: &Snapshot) -> Option<Arc<TenantView>> {
    snapshot.tenant(OPERATOR)
}

/// The tenant whose routes carry the messages of a tenant. The operator sets up one route for all codes that go to
/// persons.
pub fn routes_of(tenant: TenantId) -> TenantId {
    if tenant == PORTAL_ENROL { PORTAL } else { tenant }
}

/// The routes for a message of a tenant to a phone number.
pub fn ways(view: &TenantView, operator: Option<&TenantView>, to: &PhoneNumber, message: MessageId) -> Ways {
    // The worker's number comes from a record, so its country must be looked up.
    let to = &to.located();
    let mut ways = Ways::default();
    for owner in [Some(view), operator].into_iter().flatten() {
        let taken = !ways.candidates.is_empty();
        let mut found = Vec::new();
        for route in &owner.routes {
            let account = account(view, operator, route.provider);
            let skipped = if !route.enabled {
                Skipped::Disabled
            } else if !route.matches(to) {
                Skipped::OtherNumbers
            } else if taken {
                Skipped::OwnRoutes
            } else if let Some(account) = account {
                found.push((route, account));
                continue;
            } else {
                Skipped::NoAccount
            };
            ways.skipped.push((Arc::clone(route), skipped));
        }
        found.sort_by(|(one, _), (other, _)| {
            let draws = || one.draw(message).total_cmp(&other.draw(message));
            one.order.cmp(&other.order).then_with(draws)
        });
        for (route, account) in found {
            let known = ways.candidates.iter().any(|way| way.account.id == account.id);
            if known || ways.candidates.len() >= usize::from(Awaited::MOST) {
                ways.skipped.push((Arc::clone(route), Skipped::Enough));
                continue;
            }
            let sender = sender((view, operator), (route, account), to);
            ways.candidates.push(Candidate {
                sender,
                route: Arc::clone(route),
                account: Arc::clone(account),
            });
        }
    }
    ways
}

/// Every route that a message to a phone number could take, in no order: [`ways`] chooses among them for each
/// message.
pub(crate) fn possible(view: &TenantView, operator: Option<&TenantView>, to: &PhoneNumber) -> Vec<Candidate> {
    let to = &to.located();
    let of_owner = |owner: &TenantView| {
        let routes = owner.routes.iter().filter(|route| route.enabled && route.matches(to));
        let candidates = routes.filter_map(|route| {
            let account = account(view, operator, route.provider)?;
            let sender = sender((view, operator), (route, account), to);
            Some(Candidate { sender, route: Arc::clone(route), account: Arc::clone(account) })
        });
        candidates.collect::<Vec<_>>()
    };
    let own = of_owner(view);
    if own.is_empty() { operator.map(of_owner).unwrap_or_default() } else { own }
}

/// Returns whether any route serves the phone number.
pub fn is_served(view: &TenantView, operator: Option<&TenantView>, to: &PhoneNumber) -> bool {
    let to = &to.located();
    usable(view, operator).any(|route| route.matches(to))
}

/// The routes that can carry live messages of a tenant: its own, then the operator's.
pub fn usable<'a>(
    view: &'a TenantView,
    operator: Option<&'a TenantView>,
) -> impl Iterator<Item = &'a Arc<Route>> {
    let routes = [Some(view), operator].into_iter().flatten().flat_map(|owner| &owner.routes);
    routes.filter(move |route| route.enabled && account(view, operator, route.provider).is_some())
}

/// The account with this id, if the tenant may use it.
pub fn account<'a>(
    view: &'a TenantView,
    operator: Option<&'a TenantView>,
    id: ProviderId,
) -> Option<&'a Arc<ProviderAccount>> {
    let accounts = [Some(view), operator].into_iter().flatten().flat_map(|owner| &owner.providers);
    let mut accounts = accounts.filter(|account| account.id == id);
    accounts.find(|account| account.serves(view.tenant.id))
}

/// The sender of a message. Through an account that the operator shares, it is the operator's sender: names
/// are registered for an account, and no tenant may send in the name of another.
fn sender(
    (view, operator): (&TenantView, Option<&TenantView>),
    (route, account): (&Route, &ProviderAccount),
    to: &PhoneNumber,
) -> SenderText {
    let owner = if account.tenant == view.tenant.id { Some(view) } else { operator };
    let of_route = route.sender.as_ref().filter(|_| route.tenant == account.tenant);
    let senders = owner.map_or(&[][..], |owner| &owner.senders);
    of_route.cloned().unwrap_or_else(|| choose(senders, to, view.tenant.name.as_str()))
}

/// Returns whether a live message to this phone number has a route.
pub fn has_way(context: &Management, tenant: TenantId, to: &PhoneNumber) -> Result<bool, StoreError> {
    if context.live_route {
        return Ok(true);
    }
    let view = context.tenant_view(routes_of(tenant))?;
    Ok(is_served(&view, operator(&context.snapshot).as_deref(), to))
}

/// Returns whether the codes that go to persons have a route. Without one nobody can sign in with a code.
pub fn portal_has_route(context: &Management) -> bool {
    let leads = |view: &TenantView| has_route(view, operator(&context.snapshot).as_deref());
    context.live_route || context.snapshot.tenant(PORTAL).is_some_and(|view| leads(&view))
}

/// Returns whether a tenant has any route for live messages.
pub(crate) fn has_route(view: &TenantView, operator: Option<&TenantView>) -> bool {
    view.tenant.disabled_at.is_none() && usable(view, operator).next().is_some()
}

/// Returns whether the circuit breakers on this node stop every route for a phone number now.
pub(crate) fn is_shut(context: &Management, tenant: TenantId, to: &PhoneNumber) -> bool {
    let Some(view) = context.snapshot.tenant(routes_of(tenant)) else { return false };
    let ways = possible(&view, operator(&context.snapshot).as_deref(), to);
    !ways.is_empty() && ways.iter().all(|way| context.gateways.is_shut(&way.account, tenant))
}

#[cfg(test)]
mod tests;
