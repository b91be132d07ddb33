//! What the operator sets for the members of a tenant: from which addresses they use the portal, and how they sign
//! in.

use crate::{
    access::caller::{Authed, Operator},
    http::id::Id,
    v1::{
        allowlists::{Allowlist, ReplaceAllowlist},
        security::{Security, UpdateSecurity},
    },
};
use actix_web::{
    get, patch, put,
    web::{Data, Json},
};
use countersign_core::{
    access::{actor::Actor, allowlist::ListChange},
    id::TenantId,
    management::{allowlists, security, tenants},
};
use countersign_web::{
    State,
    body::{Body, MergePatch},
    problem::Problem,
};

/// The operator, who acts for the tenant from the address of its key.
async fn acting_for(state: &State, caller: &Authed<Operator>, tenant: TenantId) -> Result<Actor, Problem> {
    let tenant = tenants::read_changeable(&state.context, tenant).await?;
    Ok(Actor { address: caller.address, ..Actor::operator(tenant.id) })
}

/// Reads the addresses from which the members of a tenant may use the portal.
#[utoipa::path(
    tag = "tenants",
    params(("id" = String, Path, description = "The tenant.", pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The list.", body = Allowlist)),
    security(("key" = ["operator"]))
)]
#[get("/tenants/{id}/allowlists/portal")]
pub async fn read_tenant_portal_allowlist(
    _caller: Authed<Operator>,
    id: Id<TenantId>,
    state: Data<State>,
) -> Result<Json<Allowlist>, Problem> {
    let tenant = tenants::read_tenant(&state.context, id.0).await?.id;
    Ok(Json(Allowlist::new(&allowlists::read_portal_allowlist(&state.context, tenant).await?)))
}

/// Replaces the addresses from which the members of a tenant may use the portal.
///
/// The server refuses a list that does not admit the address of this call, unless
/// `confirm` is true: you could not enter the tenant in the portal from there.
#[utoipa::path(
    tag = "tenants",
    params(("id" = String, Path, description = "The tenant.", pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = ReplaceAllowlist,
    responses(
        (status = 200, description = "The list as it is now.", body = Allowlist),
        (status = 409, description = "`conflict`: the list does not admit your own address; send `confirm: true` \
            if you want this. Or the tenant is being erased."),
    ),
    security(("key" = ["operator"]))
)]
#[put("/tenants/{id}/allowlists/portal")]
pub async fn replace_tenant_portal_allowlist(
    caller: Authed<Operator>,
    id: Id<TenantId>,
    state: Data<State>,
    body: Body,
) -> Result<Json<Allowlist>, Problem> {
    let ReplaceAllowlist { entries: list, confirm } = body.0.read(ReplaceAllowlist::read)?;
    let (actor, by) = (acting_for(&state, &caller, id.0).await?, caller.change(state.clock.now()));
    let (change, confirmed) = (ListChange::Replace(list), confirm.unwrap_or(false));
    let list = allowlists::change_portal_allowlist(&state.context, &actor, change, confirmed, &by).await?;
    Ok(Json(Allowlist::new(&list)))
}

/// Reads the security settings of a tenant.
#[utoipa::path(
    tag = "tenants",
    params(("id" = String, Path, description = "The tenant.", pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The settings.", body = Security)),
    security(("key" = ["operator"]))
)]
#[get("/tenants/{id}/security")]
pub async fn read_tenant_security(
    _caller: Authed<Operator>,
    id: Id<TenantId>,
    state: Data<State>,
) -> Result<Json<Security>, Problem> {
    let tenant = tenants::read_tenant(&state.context, id.0).await?.id;
    Ok(Json(security::read_security(&state.context, tenant).await?.into()))
}

/// Changes the security settings of a tenant.
///
/// The body is a merge patch: absent fields stay, null means the default.
#[utoipa::path(
    tag = "tenants",
    params(("id" = String, Path, description = "The tenant.", pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content(
        (UpdateSecurity = "application/merge-patch+json"),
        (UpdateSecurity = "application/json"),
    )),
    responses(
        (status = 200, description = "The settings as they are now.", body = Security),
        (status = 409, description = "`conflict`: `require_2fa` cannot hold, because the server cannot send the \
            codes. Or the tenant is being erased."),
    ),
    security(("key" = ["operator"]))
)]
#[patch("/tenants/{id}/security")]
pub async fn update_tenant_security(
    caller: Authed<Operator>,
    id: Id<TenantId>,
    state: Data<State>,
    body: MergePatch,
) -> Result<Json<Security>, Problem> {
    let change = body.0.read(UpdateSecurity::read)?.into();
    let (actor, by) = (acting_for(&state, &caller, id.0).await?, caller.change(state.clock.now()));
    Ok(Json(security::change_security(&state.context, &actor, &change, &by).await?.into()))
}
