//! The caller's own tenant: read it, and change the fields that tenants may change.

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite, Within},
    http::values::locale,
};
use actix_web::{
    get, patch,
    web::{Data, Json},
};
use countersign_core::{locale::Locale, management::settings};
use countersign_web::{
    State,
    body::{MergePatch, Query},
    problem::Problem,
    request,
    request::given_or_null,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Your company, as the operator made it.
#[derive(Serialize, ToSchema)]
pub struct Tenant {
    /// Its id.
    #[schema(pattern = "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "ten_01jz0w8e9c4t6yv2k5n3m7p8qr")]
    id: String,
    /// The name that your users know: `{company}` in texts. Only the operator can change it.
    #[schema(min_length = 1, max_length = 40, example = "Acme")]
    name: String,
    /// The language of messages if the start names none, or one without a text; null: English.
    #[schema(required = true, example = "pl")]
    locale: Option<String>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

request! {
    /// Changes the tenant. Absent fields stay as they are.
    pub struct UpdateTenant {
        /// The language of messages if the start names none, or one without a text; null: English.
        #[schema(
            pattern = "^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$",
            max_length = 12,
            example = "pl"
        )]
        locale: Option<Option<Locale>> as Option<String> = given_or_null(locale),
    }
}

fn body(state: &State, caller: &countersign_core::access::actor::Actor) -> Result<Json<Tenant>, Problem> {
    let (tenant, locale) = settings::read_tenant(&state.context, caller)?;
    Ok(Json(Tenant {
        id: tenant.id.to_string(),
        name: tenant.name.as_str().to_owned(),
        locale: locale.as_ref().map(Locale::to_string),
        created_at: tenant.created_at.to_string(),
    }))
}

/// Reads the tenant of the key.
#[utoipa::path(
    tag = "settings",
    responses((status = 200, description = "The tenant.", body = Tenant)),
    security(("key" = ["settings:read"]))
)]
#[get("/tenant")]
pub async fn read_tenant(
    caller: Authed<Within<SettingsRead>>,
    state: Data<State>,
    query: Query,
) -> Result<Json<Tenant>, Problem> {
    query.0.finish(Some(()))?;
    body(&state, &caller)
}

/// Changes the tenant: the language of its messages.
///
/// The body is a merge patch: absent fields stay.
#[utoipa::path(
    tag = "settings",
    request_body(content(
        (UpdateTenant = "application/merge-patch+json"),
        (UpdateTenant = "application/json"),
    )),
    responses((status = 200, description = "The tenant as it is now.", body = Tenant)),
    security(("key" = ["settings:write"]))
)]
#[patch("/tenant")]
pub async fn update_tenant(
    caller: Authed<SettingsWrite>,
    request: actix_web::HttpRequest,
    state: Data<State>,
    body_of: MergePatch,
) -> Result<Json<Tenant>, Problem> {
    countersign_web::body::refuse_query(&request)?;
    let UpdateTenant { locale } = body_of.0.read(UpdateTenant::read)?;
    if let Some(locale) = locale {
        settings::save_locale(&state.context, &caller, locale, &caller.change(state.clock.now())).await?;
    }
    body(&state, &caller)
}
