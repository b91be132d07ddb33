//! Profiles: list, read, save, change, delete.

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite},
    http::name::Name,
    v1::limits::{BucketBody, named_limits},
};
use actix_web::{
    HttpResponse, delete, get, patch, put,
    web::{Data, Json},
};
use countersign_core::{
    code::Alphabet,
    profile::{self, DisplayName, Policy, ProfileName, ResendPolicy},
    profiles::{self, ProfileChange},
};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    fields::{Fields, text, whole},
    problem::{Fault, Problem},
    rng,
};
use serde::Serialize;
use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, Type,
        schema::{ArrayBuilder, ObjectBuilder, SchemaType},
    },
};

/// What a code is made of: `digits`, or `letters` (digits and capitals that nobody confuses).
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the values in the document")]
enum CodeAlphabet {
    Digits,
    Letters,
}

/// What a resend carries: the `same` code, a `new` one, or a new one beside
/// which exactly the one before stays valid (`new_keep_previous`).
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the values in the document")]
enum Resend {
    Same,
    New,
    NewKeepPrevious,
}

/// An app or purpose of the tenant.
#[derive(Serialize, ToSchema)]
pub struct Profile {
    /// Its name.
    #[schema(pattern = "^[a-z0-9-]{1,32}$", example = "default")]
    name: String,
    /// How people call it; null if nobody said so.
    #[schema(required = true, max_length = 32, example = "Acme web shop")]
    display_name: Option<String>,
    /// Characters in a code.
    #[schema(minimum = 4, maximum = 10, example = 6)]
    code_length: u8,
    /// What a code is made of.
    #[schema(value_type = CodeAlphabet, example = "digits")]
    alphabet: &'static str,
    /// Seconds until a code expires.
    #[schema(minimum = 30, maximum = 600, example = 300)]
    expires_in: u64,
    /// Wrong codes that end a verification.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    max_checks: u8,
    /// Messages of a verification.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    max_sends: u8,
    /// What a resend carries.
    #[schema(value_type = Resend, example = "same")]
    resend: &'static str,
    /// Limits for values that you give in `limits` of a start, besides those of the tenant.
    #[schema(schema_with = limits_schema)]
    limits: BTreeMap<String, Vec<BucketBody>>,
    /// When it was made.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    created_at: String,
}

impl From<profile::Profile> for Profile {
    fn from(profile: profile::Profile) -> Self {
        let policy = profile.policy;
        let limits = profile.limits.as_map().iter();
        Self {
            name: profile.name.as_str().to_owned(),
            display_name: profile.display_name.map(|name| name.as_str().to_owned()),
            code_length: policy.code_length,
            alphabet: policy.alphabet.as_str(),
            expires_in: policy.expires_in.as_secs(),
            max_checks: policy.max_checks,
            max_sends: policy.max_sends,
            resend: policy.resend.as_str(),
            limits: limits
                .map(|(name, buckets)| (name.as_str().to_owned(), BucketBody::list(buckets)))
                .collect(),
            created_at: profile.created_at.to_string(),
        }
    }
}

fn limits_schema() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z0-9_-]{1,32}$")).build();
    let buckets =
        ArrayBuilder::new().items(BucketBody::schema()).min_items(Some(1)).max_items(Some(5)).build();
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .property_names(Some(name))
        .max_properties(Some(20))
        .additional_properties(Some(utoipa::openapi::schema::Schema::Array(buckets)))
        .examples([serde_json::json!({"signup_form": [{"max": 100, "window": 3600}]})])
        .build()
}

/// A profile as it shall be; what is absent is at its default, or stays in a merge patch.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body in the document; a test holds the reader to it")]
pub struct SaveProfileBody {
    /// How people call it: 1 to 32 printable characters; null for nothing.
    #[schema(min_length = 1, max_length = 32, example = "Acme web shop")]
    display_name: Option<String>,
    /// Characters in a code; 6.
    #[schema(minimum = 4, maximum = 10, example = 6)]
    code_length: Option<u8>,
    /// What a code is made of; `digits`.
    alphabet: Option<CodeAlphabet>,
    /// Seconds until a code expires; 300.
    #[schema(minimum = 30, maximum = 600, example = 300)]
    expires_in: Option<u32>,
    /// Wrong codes that end a verification; 5.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    max_checks: Option<u8>,
    /// Messages of a verification; 5.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    max_sends: Option<u8>,
    /// What a resend carries; `same`.
    resend: Option<Resend>,
    /// Limits for values that you give in `limits` of a start.
    #[schema(schema_with = limits_schema)]
    limits: Option<BTreeMap<String, Vec<BucketBody>>>,
}

/// The profiles of the tenant.
#[derive(Serialize, ToSchema)]
pub struct ProfileList {
    /// By name.
    #[schema(max_items = 100)]
    data: Vec<Profile>,
}

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
