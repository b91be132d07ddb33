//! The caller's own tenant: read it, and change the fields that tenants may change.

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite, Within},
    http::values::locale,
    v1::security::{Security, UpdateSecurity},
};
use actix_web::{
    get, patch,
    web::{Data, Json},
};
use countersign_core::{
    access::actor::Actor,
    locale::Locale,
    management::{security, settings},
};
use countersign_web::{
    State,
    body::{MergePatch, Query},
    fields::object,
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
    /// How its members sign in to the portal. Only an owner in the portal and the operator can change it.
    security: Security,
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
        /// Keys cannot change it: only an owner in the portal and the operator can.
        #[schema(nullable = false)]
        security: Option<UpdateSecurity> as Option<UpdateSecurity> = |fields, field| {
            let given = fields.given(field, object);
            Some(given.and_then(|value| fields.nested(field, value, UpdateSecurity::read)))
        },
    }
}

fn body(state: &State, caller: &Actor) -> Result<Json<Tenant>, Problem> {
    let view = settings::read_tenant(&state.context, caller)?;
    let (tenant, settings) = (&view.tenant, &view.settings);
    Ok(Json(Tenant {
        id: tenant.id.to_string(),
        name: tenant.name.as_str().to_owned(),
        locale: settings.locale.as_ref().map(Locale::to_string),
        security: settings.security.rules(tenant.id).into(),
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
    responses(
        (status = 200, description = "The tenant as it is now.", body = Tenant),
        (status = 403, description = "`insufficient_scope`: the caller lacks `settings:write` or is a test key, or \
            the body has `security`, which no key changes."),
    ),
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
    let UpdateTenant { locale, security } = body_of.0.read(UpdateTenant::read)?;
    let by = caller.change(state.clock.now());
    if let Some(asked) = security {
        security::change_security(&state.context, &caller, &asked.into(), &by).await?;
    }
    if let Some(locale) = locale {
        settings::save_locale(&state.context, &caller, locale, &by).await?;
    }
    body(&state, &caller)
}
