//! Routes: which provider takes a message, and who takes it when that one does not.
//!
//! A tenant's routes that match a number are tried in their order; among those
//! of one order chance decides, by weight, and always alike for one message.
//! If none of the tenant's matches, the operator's do, as far as their accounts
//! are shared with the tenant.

use crate::{
    delivery::{
        account::{OPERATOR, ProviderAccount},
        sender::{SenderText, choose},
    },
    id::{MessageId, ProviderId, RouteId, TenantId},
    phone::{Country, PhoneNumber},
    snapshot::{Snapshot, TenantView},
    tenant::resource::{Resource, ResourceKind},
    time::Timestamp,
    verification::receipt::Awaited,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeSet, ops::RangeInclusive, sync::Arc, time::Duration};

/// One way for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its id.
    pub id: RouteId,
    /// The tenant whose it is.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
    /// Lower ones are tried first.
    pub order: u16,
    /// Its share among those of the same order.
    pub weight: u16,
    /// Numbers of these countries; of all if empty.
    pub countries: BTreeSet<Country>,
    /// Numbers that begin so, digits after the `+`; all if empty.
    pub prefixes: BTreeSet<String>,
    /// The account that takes the message.
    pub provider: ProviderId,
    /// What the message comes from, in place of the tenant's senders.
    pub sender: Option<SenderText>,
    /// How long a receipt is waited for before the next provider sends the message again.
    pub receipt_timeout: Option<Duration>,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Route {
    /// Where it stands among others, unless it is said.
    pub const ORDER: u16 = 100;
    /// Its weight, unless it is said.
    pub const WEIGHT: u16 = 1;
    /// The weights that it may have.
    pub const WEIGHTS: RangeInclusive<u32> = 1..=1_000;
    /// Most prefixes of one route.
    pub const MOST_PREFIXES: usize = 100;
    /// How long a receipt may be waited for, in seconds.
    pub const RECEIPT_TIMEOUT: RangeInclusive<u32> = 5..=300;

    /// Digits after a `+`, 1 to 15, as a route names the beginning of numbers.
    pub fn parse_prefix(text: &str) -> Option<String> {
        let digits = text.strip_prefix('+')?;
        let fits = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        (fits && !digits.starts_with('0')).then(|| digits.to_owned())
    }

    /// Whether it is for messages to this number.
    pub fn matches(&self, to: &PhoneNumber) -> bool {
        let digits = to.e164().trim_start_matches('+');
        let country = || to.country().is_some_and(|country| self.countries.contains(&country));
        (self.countries.is_empty() || country())
            && (self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| digits.starts_with(prefix)))
    }

    /// Where chance puts it among those of its order, for one message: the
    /// smaller, the earlier. The smallest of exponential values of these rates
    /// is each one's in proportion to its weight.
    fn draw(&self, message: MessageId) -> f64 {
        let hash = Sha256::new().chain_update(message.bytes()).chain_update(self.id.bytes()).finalize();
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash[..8]);
        // 53 bits, and never 0, whose logarithm is none.
        let uniform = ((u64::from_be_bytes(bytes) >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
        -uniform.ln() / f64::from(self.weight)
    }

    /// What is stored.
    pub fn resource(&self, now: Timestamp) -> Resource {
        let countries: Vec<_> = self.countries.iter().map(Country::as_str).collect();
        let body = json!({
            "enabled": self.enabled, "order": self.order, "weight": self.weight, "countries": countries,
            "prefixes": self.prefixes, "provider": self.provider.to_string(),
            "sender": self.sender.as_ref().map(SenderText::as_str),
            "receipt_timeout": self.receipt_timeout.map(|time| time.as_secs()),
        });
        Resource {
            tenant: self.tenant,
            kind: ResourceKind::Route,
            id: *self.id.bytes(),
            name: self.name.clone(),
            body: body.to_string(),
            sealed: None,
            version: self.version,
            created_at: self.created_at,
            updated_at: now,
        }
    }

    /// As it is stored.
    pub fn read(resource: Resource) -> Option<Self> {
        let body: Value = serde_json::from_str(&resource.body).ok()?;
        let texts = |name: &str| body[name].as_array()?.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
        let small = |name: &str| u16::try_from(body[name].as_u64()?).ok();
        Some(Self {
            id: RouteId::from_bytes(resource.id),
            tenant: resource.tenant,
            name: resource.name,
            enabled: body["enabled"].as_bool()?,
            order: small("order")?,
            weight: small("weight")?.max(1),
            countries: texts("countries")?.into_iter().map(Country::parse).collect::<Option<_>>()?,
            prefixes: texts("prefixes")?.into_iter().map(str::to_owned).collect(),
            provider: body["provider"].as_str()?.parse().ok()?,
            sender: body["sender"].as_str().and_then(SenderText::parse),
            receipt_timeout: body["receipt_timeout"].as_u64().map(Duration::from_secs),
            version: resource.version,
            created_at: resource.created_at,
        })
    }
}

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

#[cfg(test)]
mod tests;
