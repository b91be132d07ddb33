//! Routes: make, change, delete, explain.

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

/// What a route shall be, or shall be otherwise: what is `None` stays, or is at its default.
#[derive(Clone, Debug, Default)]
pub struct RouteChange {
    /// Its name.
    pub name: Option<ResourceName>,
    /// Whether it is used.
    pub enabled: Option<bool>,
    /// Lower ones are tried first.
    pub order: Option<u16>,
    /// Its share among those of the same order.
    pub weight: Option<u16>,
    /// Numbers of these countries.
    pub countries: Option<BTreeSet<Country>>,
    /// Numbers that begin so.
    pub prefixes: Option<BTreeSet<String>>,
    /// The account that takes the message.
    pub provider: Option<ProviderId>,
    /// What the message comes from; none, for the tenant's senders.
    pub sender: Option<Option<SenderText>>,
    /// How long a receipt is waited for, if at all.
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

/// Makes a route of a tenant, or of the operator.
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
        // One that is out of use may name what is out of use.
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

/// Deletes a route.
pub async fn delete_route(
    replica: &Replica,
    tenant: TenantId,
    id: RouteId,
    by: &Change,
) -> Result<(), ResourceError> {
    delete(replica, tenant, (ResourceKind::Route, *id.bytes()), &[], by).await
}

/// What is asked of the routes.
pub struct Question {
    /// The number.
    pub to: PhoneNumber,
    /// The texts that the start would name.
    pub template: Option<TemplateName>,
    /// The locale that it would name.
    pub locale: Option<Locale>,
}

/// What a message to a number would be, and which way it would go.
pub struct Explanation {
    /// The ways, first the first to try.
    pub ways: Vec<ExplainedWay>,
    /// The routes that are none.
    pub skipped: Vec<(Arc<Route>, Skipped)>,
    /// The text with a code of the default length; `None` if there is no such template.
    pub text: Option<MessageText>,
    /// Whether the operator's relay takes what no route does.
    pub relay: bool,
    /// Whether the tenant's country list lets a start for the number pass.
    pub country_allowed: bool,
}

/// One way that a message may take.
#[derive(Clone, Debug)]
pub struct ExplainedWay {
    /// By which route and through which account.
    pub way: Candidate,
    /// What it comes from: what the account's settings say, else the sender of the way.
    pub sender: String,
    /// How its account fares on this node.
    pub health: Option<Health>,
}

/// Says what would happen to a message. Among routes of one order chance
/// decides for each message, so this draws for one that does not exist.
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
    // What the operator has for others is not this tenant's to know.
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
