//! Tenants, as the operator of the server manages them: make, list, read, change, delete; and the
//! first key of one.

mod json;
mod portal;

use crate::{
    access::caller::{Authed, Operator},
    http::{created::made, id::Id, values::page},
    v1::{
        keys::{CreateKey, CreatedKey},
        shares::{Names, find_profiles},
    },
};
use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::LOCATION,
    patch, post,
    web::{Data, Json},
};
use countersign_core::{access::actor::Actor, id::TenantId, management::tenants, tenant::TenantChange};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    problem::Problem,
    rng,
};
use json::{CreateTenant, ManagedTenant, ManagedTenantPage, UpdateManagedTenant};
pub use portal::{
    read_tenant_portal_allowlist, read_tenant_security, replace_tenant_portal_allowlist,
    update_tenant_security,
};

/// Makes a tenant.
///
/// The tenant has the profile `default` and no key. Make its first key next.
#[utoipa::path(
    tag = "tenants",
    request_body = CreateTenant,
    responses(
        (status = 201, description = "Made.", body = ManagedTenant,
            headers(("Location" = String, description = "The path of the tenant."))),
        (status = 409, description = "`conflict`: another change came first."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["operator"]))
)]
#[post("/tenants")]
pub async fn create_tenant(
    caller: Authed<Operator>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let CreateTenant { name, countries } = fields.read(CreateTenant::read)?;
    let (asked, by) = ((name, &countries), caller.change(state.clock.now()));
    let tenant = tenants::create_tenant(&state.context, asked, once.as_ref(), &by, &mut rng()).await?;
    let shown = ManagedTenant::from(tenant.value);
    Ok(made(&request, &shown.id.clone(), tenant.before, shown))
}

/// Lists the tenants, oldest first.
///
/// The list contains deleted tenants until they are erased.
#[utoipa::path(
    tag = "tenants",
    params(
        ("limit" = Option<u8>, Query, description = "The number of tenants on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.",
            pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of tenants.", body = ManagedTenantPage)),
    security(("key" = ["operator"]))
)]
#[get("/tenants")]
pub async fn list_tenants(
    _caller: Authed<Operator>,
    state: Data<State>,
    query: Query,
) -> Result<Json<ManagedTenantPage>, Problem> {
    let page = page(query.0)?;
    let found = tenants::list_tenants(&state.context, page.beyond, page.limit + 1).await?;
    Ok(Json(ManagedTenantPage::new(found, page.limit)))
}

/// Reads a tenant.
#[utoipa::path(
    tag = "tenants",
    params(("id" = String, Path, description = "The tenant.", pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The tenant.", body = ManagedTenant)),
    security(("key" = ["operator"]))
)]
#[get("/tenants/{id}")]
pub async fn read_managed_tenant(
    _caller: Authed<Operator>,
    id: Id<TenantId>,
    state: Data<State>,
) -> Result<Json<ManagedTenant>, Problem> {
    Ok(Json(tenants::read_tenant(&state.context, id.0).await?.into()))
}

/// Changes a tenant: its name, or whether it is disabled.
///
/// The body is a merge patch: absent fields stay. `disabled: false` also restores
/// a deleted tenant, until the erasure begins.
#[utoipa::path(
    tag = "tenants",
    params(("id" = String, Path, description = "The tenant.", pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content(
        (UpdateManagedTenant = "application/merge-patch+json"),
        (UpdateManagedTenant = "application/json"),
    )),
    responses(
        (status = 200, description = "The tenant as it is now.", body = ManagedTenant),
        (status = 409, description = "`conflict`: the tenant is being erased, or another change came first."),
    ),
    security(("key" = ["operator"]))
)]
#[patch("/tenants/{id}")]
pub async fn update_managed_tenant(
    caller: Authed<Operator>,
    id: Id<TenantId>,
    state: Data<State>,
    body: MergePatch,
) -> Result<Json<ManagedTenant>, Problem> {
    let UpdateManagedTenant { name, disabled } = body.0.read(UpdateManagedTenant::read)?;
    let disabled =
        disabled.map(|disabled| if disabled { TenantChange::Disable } else { TenantChange::Enable });
    let by = caller.change(state.clock.now());
    let change = match (name, disabled) {
        (Some(name), Some(other)) => TenantChange::RenameAnd(name, Box::new(other)),
        (Some(name), None) => TenantChange::Rename(name),
        (None, Some(disabled)) => disabled,
        (None, None) => return Ok(Json(tenants::read_tenant(&state.context, id.0).await?.into())),
    };
    Ok(Json(tenants::change_tenant(&state.context, id.0, &change, &by).await?.into()))
}

/// Deletes a tenant: the server disables it now, and erases it after
/// `erased_from`.
///
/// Until the erasure begins, `PATCH` with `disabled: false` restores the tenant.
#[utoipa::path(
    tag = "tenants",
    params(("id" = String, Path, description = "The tenant.", pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 200, description = "The tenant, with its times.", body = ManagedTenant),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 409, description = "`conflict`: the tenant is being erased, or another change came first."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["operator"]))
)]
#[delete("/tenants/{id}")]
pub async fn delete_tenant(
    caller: Authed<Operator>,
    id: Id<TenantId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<Json<ManagedTenant>, Problem> {
    let by = caller.change(state.clock.now());
    let deleted = tenants::change_tenant(&state.context, id.0, &TenantChange::Delete, &by).await?;
    Ok(Json(deleted.into()))
}

/// Makes a key of a tenant.
///
/// The answer contains the whole key, and no later answer shows it again. The key
/// belongs to the tenant. It can have every scope of a tenant, any expiry and any
/// allowlist, also if the operator's key has narrower ones.
#[utoipa::path(
    tag = "tenants",
    params(("id" = String, Path, description = "The tenant.", pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = CreateKey,
    responses(
        (status = 201, description = "Made; `secret` is shown this once.", body = CreatedKey,
            headers(("Location" = String, description = "The path at which the tenant's keys read this key."))),
        (status = 409, description = "`conflict`: the tenant has 1,000 keys or is being erased, or another change \
            came first. `secret_already_shown`: the Idempotency-Key was used for this request."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["operator"]))
)]
#[post("/tenants/{id}/keys")]
pub async fn create_tenant_key(
    caller: Authed<Operator>,
    id: Id<TenantId>,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let mut asked = fields.read(CreateKey::read)?;
    let tenant_s = Actor::operator(id.0);
    let profiles = find_profiles(&state.context, &tenant_s, asked.profiles.take()).await?;
    let asked = asked.request(profiles);
    let by = caller.change(state.clock.now());
    let (key, secret) =
        tenants::create_tenant_key(&state.context, id.0, asked, once, &by, &mut rng()).await?;
    let location = format!("/v1/keys/{}", key.id);
    let names = Names::of_profiles(&state.context, &tenant_s, std::iter::once(&key.profiles)).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .json(CreatedKey::new(key, &secret, &names)))
}
