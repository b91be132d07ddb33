//! Routes: make, list, read, change, delete, explain.

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
use countersign_core::{id::RouteId, management::routes};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    problem::Problem,
    rng,
};
use json::{Explanation, Route, RouteList};
use read::{CreateRoute, ExplainRoute, UpdateRoute};

/// Makes a route.
///
/// The server tries the routes that match a number in their order. Among routes
/// of the same order it chooses at random, by weight. If none of your routes
/// matches, it uses the operator's.
#[utoipa::path(
    tag = "delivery",
    request_body = CreateRoute,
    responses(
        (status = 201, description = "Made.", body = Route,
            headers(("Location" = String, description = "The path of the route."))),
        (status = 400, description = "`invalid_request`: `errors` lists all fields that are wrong. It lists \
            `provider` if the account does not exist, is not enabled, or was not tested."),
        (status = 409, description = "`conflict`: you have a route of this name, or 200 already."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/routes")]
pub async fn create_route(
    caller: Authed<SettingsWrite>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let (named, change) = fields.read(CreateRoute::read)?.into();
    let (tenant, now) = (caller.live_tenant()?, state.clock.now());
    let once = once.as_ref();
    let route =
        routes::create_route(&state.context, tenant, named, change, once, &caller.change(now), &mut rng())
            .await?;
    let id = route.value.id.to_string();
    Ok(made(&request, &id, route.before, Route::from(&route.value)))
}

/// Lists the routes, in the order in which they are tried.
#[utoipa::path(
    tag = "delivery",
    responses((status = 200, description = "The routes.", body = RouteList)),
    security(("key" = ["settings:read"]))
)]
#[get("/routes")]
pub async fn list_routes(
    caller: Authed<SettingsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<RouteList>, Problem> {
    query.0.finish(Some(()))?;
    let found = routes::list_routes(&state.context, caller.tenant).await?;
    Ok(Json(RouteList { data: found.iter().map(Route::from).collect() }))
}

/// Reads a route.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The route.", pattern = "^rte_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The route.", body = Route)),
    security(("key" = ["settings:read"]))
)]
#[get("/routes/{id}")]
pub async fn read_route(
    caller: Authed<SettingsRead>,
    id: Id<RouteId>,
    state: Data<State>,
) -> Result<Json<Route>, Problem> {
    Ok(Json(Route::from(&routes::read_route(&state.context, caller.tenant, id.0).await?)))
}

/// Changes a route.
///
/// The body is a merge patch: absent fields stay. An enabled route must use an
/// account that is enabled and was tested.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The route.", pattern = "^rte_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content(
        (UpdateRoute = "application/merge-patch+json"),
        (UpdateRoute = "application/json"),
    )),
    responses(
        (status = 200, description = "The route as it is now.", body = Route),
        (status = 409, description = "`conflict`: the name is taken, or another change came first."),
    ),
    security(("key" = ["settings:write"]))
)]
#[patch("/routes/{id}")]
pub async fn update_route(
    caller: Authed<SettingsWrite>,
    id: Id<RouteId>,
    state: Data<State>,
    body: MergePatch,
) -> Result<Json<Route>, Problem> {
    let change = body.0.read(UpdateRoute::read)?.into();
    let (tenant, now) = (caller.live_tenant()?, state.clock.now());
    Ok(Json(Route::from(
        &routes::update_route(&state.context, tenant, id.0, change, &caller.change(now)).await?,
    )))
}

/// Deletes a route.
#[utoipa::path(
    tag = "delivery",
    params(("id" = String, Path, description = "The route.", pattern = "^rte_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[delete("/routes/{id}")]
pub async fn delete_route(
    caller: Authed<SettingsWrite>,
    id: Id<RouteId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    routes::delete_route(&state.context, caller.live_tenant()?, id.0, &caller.change(state.clock.now()))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Says which routes a message to a number would take, and why.
///
/// This sends nothing and changes nothing. Among routes of the same order the
/// server chooses at random for each message, so their order may differ from call
/// to call.
#[utoipa::path(
    tag = "delivery",
    request_body = ExplainRoute,
    responses(
        (status = 200, description = "The routes, in the order in which the server would try them.", body = Explanation),
        (status = 400, description = "`invalid_request`, `invalid_phone_number` or `number_cannot_receive_sms`."),
    ),
    security(("key" = ["settings:read"]))
)]
#[post("/routes/explain")]
pub async fn explain_route(
    caller: Authed<SettingsRead>,
    state: Data<State>,
    body: Body,
) -> Result<Json<Explanation>, Problem> {
    let question = body.0.read(ExplainRoute::read)?;
    let country = question.to.country();
    let now = state.clock.now();
    let found = routes::explain_route(&state.context, &caller, question.into(), now, &mut rng())?;
    Ok(Json(Explanation::new(found, caller.tenant, country)))
}
