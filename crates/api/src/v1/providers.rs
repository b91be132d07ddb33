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
/// Its settings depend on its kind; see the guide to delivery. Its secrets are
/// sealed and never shown again: answers hold `***` in their place. No route
/// may lead through it before a test message went through it.
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

/// Changes an account: its name, its rate, its settings, or whether it is used.
///
/// A merge patch, in `settings` too: absent fields stay, and so does a secret
/// that is absent or `***`. Where the address that secrets go to changes, they
/// must be given again. Other settings must prove anew that they work: test them.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The account.", pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content(
        (UpdateProvider = "application/merge-patch+json"),
        (UpdateProvider = "application/json"),
    )),
    responses(
        (status = 200, description = "The account as it is now.", body = Provider),
        (status = 409, description = "`conflict`: enabled routes lead through an account that is disabled, \
            the name is taken, or another change came first."),
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

/// Deletes an account that no enabled route leads through.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The account.", pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 409, description = "`conflict`: enabled routes lead through it; `detail` names them."),
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
/// One message, without a code, is sent at once; the answer says what the
/// provider said. If it took the message, the account is verified, and routes
/// may lead through it. Takes 20 seconds at most. A tenant may send 5 in a minute
/// and 50 in a day.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The account.", pattern = "^prv_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = TestProvider,
    responses(
        (status = 200, description = "What became of the message.", body = TestOutcome),
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

/// Renews where the provider reports receipts.
///
/// The path of that URL holds a secret, which goes out with each message. From
/// now on messages bear another one; the one before is taken for 24 hours, for
/// messages that are under way. Renewed again after a minute, the first one ends
/// at once; within a minute it is the same request.
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
