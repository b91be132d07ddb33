//! Accounts at providers: make, list, read, change, try, delete.

pub mod json;
pub mod read;

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite},
    http::{created::made, id::Id},
};
use actix_web::{
    HttpRequest, HttpResponse, delete, get, patch, post,
    web::{Data, Json},
};
use countersign_core::{
    delivery::account::ProviderAccount,
    id::ProviderId,
    management::{providers, resources::ResourceError},
};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    problem::Problem,
    rng,
};
pub use json::Health;
use json::{Provider, ProviderList, TestOutcome};
use read::{CreateProvider, TestProvider, UpdateProvider};

fn body(state: &State, account: &ProviderAccount) -> Provider {
    Provider::own(account, state.context.gateways.health(account, account.tenant))
}

/// Makes an account at a provider.
///
/// The settings depend on the kind; see the guide to delivery. The server seals
/// the secrets and never shows them again: answers contain `***` in their place.
/// A route can use the account only after a test message succeeded.
#[utoipa::path(
    tag = "delivery",
    request_body = CreateProvider,
    responses(
        (status = 201, description = "Made.", body = Provider,
            headers(("Location" = String, description = "The path of the account."))),
        (status = 400, description = "`invalid_request`: `errors` lists all fields that are wrong, those of the \
            settings as `settings.token`."),
        (status = 409, description = "`conflict`: you have an account of this name, or 20 already."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/providers")]
pub async fn create_provider(
    caller: Authed<SettingsWrite>,
    request: HttpRequest,
    state: Data<State>,
    body_of: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body_of;
    let new = fields.read(|fields| CreateProvider::read(fields, &state.context))?.into();
    let now = state.clock.now();
    let tenant = caller.live_tenant()?;
    let account = providers::create_provider(
        &state.context,
        tenant,
        new,
        once.as_ref(),
        &caller.change(now),
        &mut rng(),
    )
    .await?;
    let shown = body(&state, &account.value);
    Ok(made(&request, &account.value.id.to_string(), account.before, shown))
}

/// Lists the accounts: your own, then those that the operator shares with you.
#[utoipa::path(
    tag = "delivery",
    responses((status = 200, description = "The accounts, without their secrets.", body = ProviderList)),
    security(("key" = ["settings:read"]))
)]
#[get("/providers")]
pub async fn list_providers(
    caller: Authed<SettingsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<ProviderList>, Problem> {
    query.0.finish(Some(()))?;
    let own = providers::list_providers(&state.context, caller.tenant).await?;
    let shared = providers::shared_providers(&state.context, caller.tenant);
    let health = |account| state.context.gateways.health(account, caller.tenant);
    let shared = shared.iter().map(|account| Provider::of_operator(account, health(account)));
    Ok(Json(ProviderList { data: own.iter().map(|account| body(&state, account)).chain(shared).collect() }))
}

/// Reads an account, without its secrets.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The account.", pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The account.", body = Provider)),
    security(("key" = ["settings:read"]))
)]
#[get("/providers/{id}")]
pub async fn read_provider(
    caller: Authed<SettingsRead>,
    id: Id<ProviderId>,
    state: Data<State>,
) -> Result<Json<Provider>, Problem> {
    match providers::read_provider(&state.context, caller.tenant, id.0).await {
        Ok(account) => Ok(Json(body(&state, &account))),
        Err(ResourceError::NotFound(kind)) => {
            let shared = providers::shared_provider(&state.context, caller.tenant, id.0);
            let account = shared.ok_or(ResourceError::NotFound(kind))?;
            let health = state.context.gateways.health(&account, caller.tenant);
            Ok(Json(Provider::of_operator(&account, health)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Changes an account: its name, its rate, its settings, or whether it is
/// enabled.
///
/// The body is a merge patch, also inside `settings`: absent fields stay. A
/// secret that is absent or `***` stays, too. If you change the address that gets
/// the secrets, send the secrets again. After a change of settings, test the
/// account again.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The account.", pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content(
        (UpdateProvider = "application/merge-patch+json"),
        (UpdateProvider = "application/json"),
    )),
    responses(
        (status = 200, description = "The account as it is now.", body = Provider),
        (status = 409, description = "`conflict`: enabled routes use the account that you disable, the name \
            is taken, or another change came first."),
    ),
    security(("key" = ["settings:write"]))
)]
#[patch("/providers/{id}")]
pub async fn update_provider(
    caller: Authed<SettingsWrite>,
    id: Id<ProviderId>,
    state: Data<State>,
    body_of: MergePatch,
) -> Result<Json<Provider>, Problem> {
    let (change, now) = (body_of.0.read(UpdateProvider::read)?.into(), state.clock.now());
    let tenant = caller.live_tenant()?;
    let account =
        providers::update_provider(&state.context, tenant, id.0, change, &caller.change(now), &mut rng())
            .await?;
    Ok(Json(body(&state, &account)))
}

/// Deletes an account that no enabled route uses.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The account.", pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 409, description = "`conflict`: enabled routes use it; `detail` names them."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[delete("/providers/{id}")]
pub async fn delete_provider(
    caller: Authed<SettingsWrite>,
    id: Id<ProviderId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    providers::delete_provider(
        &state.context,
        caller.live_tenant()?,
        id.0,
        &caller.change(state.clock.now()),
    )
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sends a test message through an account of yours.
///
/// The server sends one message without a code at once. The answer says what the
/// provider answered. If the provider accepted the message, the account is
/// verified, and routes can use it. The call takes 20 seconds at most. A tenant
/// can send 5 test messages in a minute and 50 in a day.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The account.", pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = TestProvider,
    responses(
        (status = 200, description = "The outcome of the message.", body = TestOutcome),
        (status = 400, description = "`invalid_request`, `invalid_phone_number` or `number_cannot_receive_sms`."),
        (status = 429, description = "`rate_limited`: `provider_test_1m` or `provider_test_24h`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/providers/{id}/test")]
pub async fn test_provider(
    caller: Authed<SettingsWrite>,
    id: Id<ProviderId>,
    state: Data<State>,
    body_of: Body,
) -> Result<Json<TestOutcome>, Problem> {
    let TestProvider { to } = body_of.0.read(TestProvider::read)?;
    let tenant = caller.live_tenant()?;
    providers::take_trial(&state.context, tenant, id.0).await?;
    let (context, now) = (&state.context, state.clock.now());
    let outcome =
        providers::test_provider(context, Some(&*context.codes), tenant, id.0, to, &caller.change(now))
            .await?;
    Ok(Json(outcome.into()))
}

/// Renews the URL at which the provider reports receipts.
///
/// The path of that URL contains a secret, which the provider gets with each
/// message. From now on messages carry a new secret. The server accepts the
/// previous one for 24 more hours, for messages that are on their way. If you
/// renew again after a minute, the oldest secret ends at once. A repeat within a
/// minute changes nothing.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The account.", pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 200, description = "The account as it is now.", body = Provider),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 409, description = "`conflict`: another change came first."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/providers/{id}/receipts/rotate")]
pub async fn rotate_receipts(
    caller: Authed<SettingsWrite>,
    id: Id<ProviderId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<Json<Provider>, Problem> {
    let (tenant, now) = (caller.live_tenant()?, state.clock.now());
    let account = providers::renew_receipts(&state.context, tenant, id.0, &caller.change(now)).await?;
    Ok(Json(body(&state, &account)))
}
