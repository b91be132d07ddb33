//! Management of delivery routes: create, change, delete, explain.

use crate::{
    access::{actor::Actor, change::Change},
    acts::ways::{Candidate, Skipped, account, operator, ways},
    code::Code,
    context::{Management, Replica},
    delivery::{account::Health, route::Route},
    id::{MessageId, ProviderId, RouteId, TenantId},
    locale::Locale,
    management::{
        providers::refuse_unusable,
        resources::{
            Made, ResourceError, ResourceName, create, delete, in_rounds, list, made_before, read, update,
        },
    },
    message::{MessageText, sender_text::SenderText, template::set::TemplateName, text::CodeText},
    phone::{Country, PhoneNumber, countries::CountryMode},
    tenant::{
        profile::Policy,
        resource::{Resource, ResourceKind},
    },
    time::Timestamp,
    verification::idempotency::Once,
};
use rand::CryptoRng;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// The fields of a new route, or of a change. `None` means the default for a new route, and no change
/// otherwise.
#[derive(Clone, Debug, Default)]
pub struct RouteChange {
    pub name: Option<ResourceName>,
    /// Whether the worker uses the route.
    pub enabled: Option<bool>,
    /// Routes with a lower order are tried first.
    pub order: Option<u16>,
    /// The share of this route among those with the same order.
    pub weight: Option<u16>,
    /// The countries whose phone numbers it serves.
    pub countries: Option<BTreeSet<Country>>,
    /// The beginnings of the phone numbers that it serves.
    pub prefixes: Option<BTreeSet<String>>,
    /// The account that sends the message.
    pub provider: Option<ProviderId>,
    /// The sender of the messages; `Some(None)` means one of the tenant's senders.
    pub sender: Option<Option<SenderText>>,
    /// How long the worker waits for a receipt; `Some(None)` means not at all.
    pub receipt_timeout: Option<Option<Duration>>,
}

impl RouteChange {
    /// Gives a route what it says.
    pub fn apply(self, route: &mut Route) {
        if let Some(name) = self.name {
            name.as_str().clone_into(&mut route.name);
        }
        route.enabled = self.enabled.unwrap_or(route.enabled);
        route.order = self.order.unwrap_or(route.order);
        route.weight = self.weight.unwrap_or(route.weight);
        route.countries = self.countries.unwrap_or_else(|| std::mem::take(&mut route.countries));
        route.prefixes = self.prefixes.unwrap_or_else(|| std::mem::take(&mut route.prefixes));
        route.provider = self.provider.unwrap_or(route.provider);
        route.sender = self.sender.unwrap_or_else(|| route.sender.take());
        route.receipt_timeout = self.receipt_timeout.unwrap_or(route.receipt_timeout);
    }
}

fn route_of(resource: Resource) -> Result<Route, ResourceError> {
    Route::read(resource).ok_or(ResourceError::Unreadable)
}

/// The routes of a tenant, in the order in which they are tried.
pub async fn list_routes(replica: &Replica, tenant: TenantId) -> Result<Vec<Route>, ResourceError> {
    let found = list(replica, tenant, ResourceKind::Route).await?;
    let mut routes: Vec<_> = found.into_iter().map(route_of).collect::<Result<_, _>>()?;
    routes.sort_by_key(|route| (route.order, route.id));
    Ok(routes)
}

/// A route of the tenant.
pub async fn read_route(replica: &Replica, tenant: TenantId, id: RouteId) -> Result<Route, ResourceError> {
    route_of(read(replica, tenant, ResourceKind::Route, *id.bytes()).await?)
}

/// Creates a route of a tenant, or of the operator.
pub async fn create_route(
    replica: &Replica,
    tenant: TenantId,
    (name, provider): (ResourceName, ProviderId),
    change: RouteChange,
    once: Option<&Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Made<Route>, ResourceError> {
    let mut route = Route {
        id: RouteId::new(by.at, rng),
        tenant,
        name: name.as_str().to_owned(),
        enabled: true,
        order: Route::ORDER,
        weight: Route::WEIGHT,
        countries: BTreeSet::new(),
        prefixes: BTreeSet::new(),
        provider,
        sender: None,
        receipt_timeout: None,
        version: 1,
        created_at: by.at,
    };
    change.apply(&mut route);
    let place = (tenant, ResourceKind::Route, name.as_str());
    let made = in_rounds(ResourceKind::Route, async || {
        if let Some(first) = made_before(replica, place, once, by.at).await? {
            return Ok(Some(first));
        }
        let basis = [refuse_unusable(replica, tenant, provider).await?];
        create(replica, &route.resource(by.at), &basis, once, by).await
    });
    match made.await? {
        Some(first) => Ok(Made { value: route_of(first)?, before: true }),
        None => Ok(Made::now(route)),
    }
}

/// Changes a route.
pub async fn update_route(
    replica: &Replica,
    tenant: TenantId,
    id: RouteId,
    change: RouteChange,
    by: &Change,
) -> Result<Route, ResourceError> {
    in_rounds(ResourceKind::Route, async || {
        let mut route = read_route(replica, tenant, id).await?;
        change.clone().apply(&mut route);
        // A disabled route may use a disabled account.
        let basis = match route.enabled {
            true => Some(refuse_unusable(replica, tenant, route.provider).await?),
            false => None,
        };
        route.version += 1;
        update(replica, &route.resource(by.at), basis.as_slice(), by).await?;
        Ok(route)
    })
    .await
}

pub async fn delete_route(
    replica: &Replica,
    tenant: TenantId,
    id: RouteId,
    by: &Change,
) -> Result<(), ResourceError> {
    delete(replica, tenant, (ResourceKind::Route, *id.bytes()), &[], by).await
}

/// The question that `explain_route` answers.
pub struct Question {
    pub to: PhoneNumber,
    /// The set of texts that the start would name.
    pub template: Option<TemplateName>,
    /// The locale that the start would name.
    pub locale: Option<Locale>,
}

/// The message that a phone number would get, and its possible routes.
pub struct Explanation {
    /// The routes to try, in order.
    pub ways: Vec<ExplainedWay>,
    /// The routes that are not used.
    pub skipped: Vec<(Arc<Route>, Skipped)>,
    /// The text with a code of the default length; `None` if there is no such template.
    pub text: Option<MessageText>,
    /// Whether the operator's relay takes messages without a route.
    pub relay: bool,
    /// Whether the tenant's country list allows a start for the phone number.
    pub country_allowed: bool,
}

/// A route that can carry a message.
#[derive(Clone, Debug)]
pub struct ExplainedWay {
    /// The route and its account.
    pub way: Candidate,
    /// The sender: the one in the account's settings, or else the one of the route.
    pub sender: String,
    /// The state of its account on this node.
    pub health: Option<Health>,
}

/// Explains what would happen to a message. Among routes of the same order the choice is random for each
/// message, so this chooses for an invented message.
pub fn explain_route(
    management: &Management,
    actor: &Actor,
    question: Question,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Result<Explanation, ResourceError> {
    let view = management.tenant_view(actor.tenant)?;
    let message = MessageId::new(now, 0, rng);
    let operator = operator(&management.snapshot);
    let mut found = ways(&view, operator.as_deref(), &question.to, message);
    // A tenant must not see the operator's routes for other tenants.
    found.skipped.retain(|(route, _)| {
        route.tenant == actor.tenant || account(&view, operator.as_deref(), route.provider).is_some()
    });
    let policy = Policy::default();
    let template = match &question.template {
        None => None,
        Some(name) => match view.templates.get(name) {
            Some(set) => Some(set.id),
            None => return Err(ResourceError::field("template", "names no template of yours")),
        },
    };
    let text = CodeText {
        code: Code::of_test_mode(policy.code_length),
        origin: None,
        app_hash: None,
        template,
        locale: question.locale,
        transaction: None,
        text: None,
        sender: None,
    };
    let explain = |way: Candidate| {
        let own = management.gateways.own_sender(&way.account);
        let sender = own.unwrap_or_else(|| way.sender.as_str().to_owned());
        ExplainedWay { sender, health: management.gateways.health(&way.account, actor.tenant), way }
    };
    Ok(Explanation {
        relay: found.candidates.is_empty() && management.live_route,
        country_allowed: view.settings.countries.mode(question.to.country()) == CountryMode::Allow,
        ways: found.candidates.into_iter().map(explain).collect(),
        skipped: found.skipped,
        text: text.compose(&view, policy.expires_in),
    })
}
