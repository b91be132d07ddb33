//! Profiles: list, read, save, change, delete.

mod json;

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite},
    http::name::Name,
    v1::limits::named_limits,
};
use actix_web::{
    HttpResponse, delete, get, patch, put,
    web::{Data, Json},
};
use countersign_core::{
    code::Alphabet,
    management::profiles::{self, ProfileChange},
    tenant::profile::{DisplayName, Policy, ProfileName, ResendPolicy},
};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    fields::{Fields, text, whole},
    problem::{Fault, Problem},
    rng,
};
use json::{Profile, ProfileList, SaveProfileBody};
use std::{ops::RangeInclusive, time::Duration};

/// Lists the profiles.
#[utoipa::path(
    tag = "settings",
    responses((status = 200, description = "The profiles.", body = ProfileList)),
    security(("key" = ["settings:read"]))
)]
#[get("/profiles")]
pub async fn list_profiles(
    caller: Authed<SettingsRead>,
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
    caller: Authed<SettingsRead>,
    name: Name<ProfileName>,
    state: Data<State>,
) -> Result<Json<Profile>, Problem> {
    Ok(Json(profiles::read_profile(&state.context, &caller, &name.0).await?.into()))
}

/// Makes a profile, or replaces what it says.
///
/// Verifications that were started keep the policy of their start.
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
    caller: Authed<SettingsWrite>,
    name: Name<ProfileName>,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let change = read(body.0)?;
    let now = state.clock.now();
    let (saved, made) =
        profiles::save_profile(&state.context, &caller, name.0, change, now, &mut rng()).await?;
    let mut response = if made { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(Profile::from(saved)))
}

/// Changes a profile.
///
/// A merge patch: absent fields stay. Of two changes at once the later counts.
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
    caller: Authed<SettingsWrite>,
    name: Name<ProfileName>,
    state: Data<State>,
    body: MergePatch,
) -> Result<Json<Profile>, Problem> {
    let (change, now) = (read(body.0)?, state.clock.now());
    let saved = profiles::update_profile(&state.context, &caller, &name.0, change, now).await?;
    Ok(Json(saved.into()))
}

/// Deletes a profile; `default` stays.
///
/// Its verifications go on, but can no longer be checked by number.
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
    caller: Authed<SettingsWrite>,
    name: Name<ProfileName>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    profiles::delete_profile(&state.context, &caller, &name.0, state.clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What the fields say.
fn read(mut fields: Fields) -> Result<ProfileChange, Problem> {
    let small = |bounds: RangeInclusive<u8>| whole(u32::from(*bounds.start())..=u32::from(*bounds.end()));
    let byte = |number: u32| number as u8;
    let change = ProfileChange {
        display_name: fields.given_or_null("display_name", |value| {
            let message = "must be 1 to 32 printable characters on one line";
            DisplayName::parse(&text(value)?).ok_or(Fault::format(message))
        }),
        code_length: fields.optional("code_length", small(Policy::CODE_LENGTH)).map(byte),
        alphabet: fields.optional("alphabet", |value| {
            Alphabet::parse(&text(value)?).ok_or(Fault::format("must be digits or letters"))
        }),
        expires_in: fields
            .optional("expires_in", whole(Policy::EXPIRES_IN))
            .map(|seconds| Duration::from_secs(seconds.into())),
        max_checks: fields.optional("max_checks", small(Policy::TRIES)).map(byte),
        max_sends: fields.optional("max_sends", small(Policy::TRIES)).map(byte),
        resend: fields.optional("resend", |value| {
            let message = "must be same, new or new_keep_previous";
            ResendPolicy::parse(&text(value)?).ok_or(Fault::format(message))
        }),
        limits: named_limits(&mut fields),
    };
    fields.finish(Some(change))
}
