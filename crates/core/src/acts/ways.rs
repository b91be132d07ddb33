//! Routes: which provider takes a message, and who takes it when that one does not.
//!
//! A tenant's routes that match a number are tried in their order; among those
//! of one order chance decides, by weight, and always alike for one message.
//! If none of the tenant's matches, the operator's do, as far as their accounts
//! are shared with the tenant.

use crate::{
    context::Management,
    delivery::{account::ProviderAccount, route::Route, sender::choose},
    id::{MessageId, ProviderId},
    message::sender_text::SenderText,
    phone::PhoneNumber,
    snapshot::{Snapshot, view::TenantView},
    tenant::OPERATOR,
    verification::receipt::Awaited,
};
use std::sync::Arc;

/// A way that a message may take.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// By which route.
    pub route: Arc<Route>,
    /// Through which account.
    pub account: Arc<ProviderAccount>,
    /// What it comes from.
    pub sender: SenderText,
}

/// Why a route is not among the ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// It is disabled.
    Disabled,
    /// It is for other countries or prefixes.
    OtherNumbers,
    /// Its account is gone, disabled, or not shared with the tenant.
    NoAccount,
    /// The tenant has routes of its own for the number.
    OwnRoutes,
    /// A route before it leads through the same account, or as many as are asked do.
    Enough,
}

impl Skipped {
    /// The text form.
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

/// The ways that a message may take, in their order, and the routes that are none.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// First the first to try.
    pub candidates: Vec<Candidate>,
    /// The others, each with the reason.
    pub skipped: Vec<(Arc<Route>, Skipped)>,
}

/// The operator's accounts and routes.
pub fn operator(snapshot: &Snapshot) -> Option<Arc<TenantView>> {
    snapshot.tenant(OPERATOR)
}

/// The ways of a message of a tenant to a number.
pub fn ways(view: &TenantView, operator: Option<&TenantView>, to: &PhoneNumber, message: MessageId) -> Ways {
    // A worker has it from a record.
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

/// Whether there is any way for a number.
pub fn is_served(view: &TenantView, operator: Option<&TenantView>, to: &PhoneNumber) -> bool {
    let to = &to.located();
    usable(view, operator).any(|route| route.matches(to))
}

/// The routes that take live messages of a tenant, each for its numbers: its own, then the operator's.
pub fn usable<'a>(
    view: &'a TenantView,
    operator: Option<&'a TenantView>,
) -> impl Iterator<Item = &'a Arc<Route>> {
    let routes = [Some(view), operator].into_iter().flatten().flat_map(|owner| &owner.routes);
    routes.filter(move |route| route.enabled && account(view, operator, route.provider).is_some())
}

/// An account that a tenant may use.
pub fn account<'a>(
    view: &'a TenantView,
    operator: Option<&'a TenantView>,
    id: ProviderId,
) -> Option<&'a Arc<ProviderAccount>> {
    let accounts = [Some(view), operator].into_iter().flatten().flat_map(|owner| &owner.providers);
    let mut accounts = accounts.filter(|account| account.id == id);
    accounts.find(|account| account.serves(view.tenant.id))
}

/// What a message comes from. Through an account that the operator shares it is
/// what the operator says: names are registered for an account, and no tenant
/// may send in the name of another.
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

/// Whether a live message to this number has a way.
pub fn has_way(context: &Management, view: &crate::snapshot::view::TenantView, to: &PhoneNumber) -> bool {
    context.live_route || is_served(view, operator(&context.snapshot).as_deref(), to)
}

#[cfg(test)]
mod tests;
