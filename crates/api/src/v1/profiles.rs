//! Profiles: list, read, save, change, delete.

pub mod json;
pub mod read;

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite, Within},
    http::name::Name,
};
use actix_web::{
    HttpResponse, delete, get, patch, put,
    web::{Data, Json},
};
use countersign_core::{management::profiles, tenant::profile::ProfileName};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    problem::Problem,
    rng,
};
use json::{Profile, ProfileList};
use read::SaveProfileBody;

/// Lists the profiles.
#[utoipa::path(
    tag = "settings",
    responses((status = 200, description = "The profiles.", body = ProfileList)),
    security(("key" = ["settings:read"]))
)]
#[get("/profiles")]
pub async fn list_profiles(
    caller: Authed<Within<SettingsRead>>,
    state: Data<State>,
    query: Query,
) -> Result<Json<ProfileList>, Problem> {
    query.0.finish(Some(()))?;
    let profiles = profiles::list_profiles(&state.context, &caller).await?;
    Ok(Json(ProfileList { data: profiles.into_iter().map(Profile::from).collect() }))
}

/// Reads a profile.
#[utoipa::path(
    tag = "settings",
    params(("name" = String, Path, description = "The profile.", pattern = "^[a-z0-9-]{1,32}$")),
    responses((status = 200, description = "The profile.", body = Profile)),
    security(("key" = ["settings:read"]))
)]
#[get("/profiles/{name}")]
pub async fn read_profile(
    caller: Authed<Within<SettingsRead>>,
    name: Name<ProfileName>,
    state: Data<State>,
) -> Result<Json<Profile>, Problem> {
    Ok(Json(profiles::read_profile(&state.context, &caller, &name.0).await?.into()))
}

/// Makes a profile, or replaces it.
///
/// Verifications that have begun keep the policy of their start.
#[utoipa::path(
    tag = "settings",
    params(("name" = String, Path, description = "The profile.", pattern = "^[a-z0-9-]{1,32}$")),
    request_body = SaveProfileBody,
    responses(
        (status = 200, description = "The profile as it is now.", body = Profile),
        (status = 201, description = "Made.", body = Profile),
        (status = 409, description = "`conflict`: a tenant has at most 100 profiles."),
    ),
    security(("key" = ["settings:write"]))
)]
#[put("/profiles/{name}")]
pub async fn save_profile(
    caller: Authed<Within<SettingsWrite>>,
    name: Name<ProfileName>,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let change = body.0.read(SaveProfileBody::read)?.into();
    let now = state.clock.now();
    let (saved, made) =
        profiles::save_profile(&state.context, &caller, name.0, change, &caller.change(now), &mut rng())
            .await?;
    let mut response = if made { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(Profile::from(saved)))
}

/// Changes a profile.
///
/// The body is a merge patch: absent fields stay. Of two changes at once, the
/// later one wins.
#[utoipa::path(
    tag = "settings",
    params(("name" = String, Path, description = "The profile.", pattern = "^[a-z0-9-]{1,32}$")),
    request_body(content(
        (SaveProfileBody = "application/merge-patch+json"),
        (SaveProfileBody = "application/json"),
    )),
    responses((status = 200, description = "The profile as it is now.", body = Profile)),
    security(("key" = ["settings:write"]))
)]
#[patch("/profiles/{name}")]
pub async fn update_profile(
    caller: Authed<Within<SettingsWrite>>,
    name: Name<ProfileName>,
    state: Data<State>,
    body: MergePatch,
) -> Result<Json<Profile>, Problem> {
    let (change, now) = (body.0.read(SaveProfileBody::read)?.into(), state.clock.now());
    let saved =
        profiles::update_profile(&state.context, &caller, &name.0, change, &caller.change(now)).await?;
    Ok(Json(saved.into()))
}

/// Deletes a profile. `default` cannot be deleted.
///
/// Its verifications continue, but you can no longer check them by number.
#[utoipa::path(
    tag = "settings",
    params(("name" = String, Path, description = "The profile.", pattern = "^[a-z0-9-]{1,32}$")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 409, description = "`conflict`: every tenant has `default`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[delete("/profiles/{name}")]
pub async fn delete_profile(
    caller: Authed<Within<SettingsWrite>>,
    name: Name<ProfileName>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    profiles::delete_profile(&state.context, &caller, &name.0, &caller.change(state.clock.now())).await?;
    Ok(HttpResponse::NoContent().finish())
}
