//! API keys: create, list, read, change, move, rotate, delete.

pub mod json;
pub mod read;

use crate::{
    access::caller::{Authed, KeysWrite, SettingsRead, Within},
    http::id::Id,
    v1::shares::{Names, find_profiles},
};
use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::LOCATION,
    patch, post,
    web::{Data, Json},
};
use countersign_core::{
    access::{actor::Actor, key},
    id::KeyId,
    management::{
        key_rotation, keys,
        member_keys::{self, page_of_member_keys},
        reach::MemberError,
    },
    people::cover::NotCovered,
};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    problem::{Problem, ProblemCode},
    rng,
};
pub use json::{CreatedKey, Mode};
use json::{Key, KeyPage};
pub use read::CreateKey;
use read::{MoveKey, RotateKey, UpdateKey, list_request};

/// The names of the profiles that these keys reach.
async fn names(state: &State, caller: &Actor, keys: &[key::Key]) -> Result<Names, Problem> {
    Names::of_profiles(&state.context, caller, keys.iter().map(|key| &key.profiles)).await
}

async fn shown(state: &State, caller: &Actor, key: key::Key) -> Result<Json<Key>, Problem> {
    let names = names(state, caller, std::slice::from_ref(&key)).await?;
    Ok(Json(Key::new(key, &names)))
}

/// Makes a key.
///
/// The answer contains the whole key, and no later answer shows it again. A key
/// can grant only scopes that it has itself. A test key can make only test keys.
#[utoipa::path(
    tag = "keys",
    request_body = CreateKey,
    responses(
        (status = 201, description = "Made; `secret` is shown this once.", body = CreatedKey,
            headers(("Location" = String, description = "The path of the key."))),
        (status = 403, description = "`insufficient_scope`: the caller lacks `keys:write` or a scope that \
            it would grant."),
        (status = 409, description = "`conflict`: the key would live longer than the key that makes it, or \
            work from other addresses, or another change came first. `secret_already_shown`: the \
            Idempotency-Key was used for this request."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["keys:write"]))
)]
#[post("/keys")]
pub async fn create_key(
    caller: Authed<KeysWrite>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let now = state.clock.now();
    let Body(fields, once) = body;
    let mut asked = fields.read(CreateKey::read)?;
    let profiles = find_profiles(&state.context, &caller, asked.profiles.take()).await?;
    let asked = asked.request(profiles);
    let (key, secret) =
        keys::create_key(&state.context, &caller, asked, once, &caller.change(now), &mut rng()).await?;
    let location = format!("{}/{}", request.path(), key.id);
    let created = CreatedKey::new(key.clone(), &secret, &names(&state, &caller, &[key]).await?);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(created))
}

/// Lists the keys, newest first.
#[utoipa::path(
    tag = "keys",
    params(
        ("limit" = Option<u8>, Query, description = "The number of keys on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.",
            pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
        ("member" = Option<String>, Query, description = "Only keys of this member, who may have been removed.",
            pattern = "^mem_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "mem_01jz0w8e9c4t6yv2k5n3m7p8qr"),
    ),
    responses((status = 200, description = "A page of keys, without their secrets.", body = KeyPage)),
    security(("key" = ["settings:read"]))
)]
#[get("/keys")]
pub async fn list_keys(
    caller: Authed<Within<SettingsRead>>,
    state: Data<State>,
    query: Query,
) -> Result<Json<KeyPage>, Problem> {
    let (page, member) = list_request(query.0)?;
    let most = page.limit + 1;
    let mut found = match member {
        None => keys::list_keys(&state.context, &caller, page.beyond, most).await?,
        Some(member) => page_of_member_keys(&state.context, &caller, member, page.beyond, most).await?,
    };
    let more = found.len() > usize::from(page.limit);
    found.truncate(page.limit.into());
    let next_cursor = found.last().filter(|_| more).map(|key| key.id.to_string());
    let names = names(&state, &caller, &found).await?;
    Ok(Json(KeyPage { data: found.into_iter().map(|key| Key::new(key, &names)).collect(), next_cursor }))
}

/// Reads a key, without its secret.
#[utoipa::path(
    tag = "keys",
    params(("id" = String, Path, description = "The key.", pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The key.", body = Key)),
    security(("key" = ["settings:read"]))
)]
#[get("/keys/{id}")]
pub async fn read_key(
    caller: Authed<Within<SettingsRead>>,
    id: Id<KeyId>,
    state: Data<State>,
) -> Result<Json<Key>, Problem> {
    shown(&state, &caller, keys::read_key(&state.context, &caller, id.0).await?).await
}

/// Changes a key: its name, its expiry, its allowlist, its profiles, or whether it
/// is disabled.
///
/// The body is a merge patch: absent fields stay. `expires_at: null` removes the
/// expiry. `allowlist: null` admits every address. A key does not get more
/// profiles than the key in use.
#[utoipa::path(
    tag = "keys",
    params(("id" = String, Path, description = "The key.", pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content(
        (UpdateKey = "application/merge-patch+json"),
        (UpdateKey = "application/json"),
    )),
    responses(
        (status = 200, description = "The key as it is now.", body = Key),
        (status = 403, description = "`insufficient_scope`: the caller lacks `keys:write` or a scope of the key."),
        (status = 409, description = "`conflict`: a key cannot disable or end itself, nor exclude the \
            address of this call without `confirm`. The changed key must not live longer than the key in \
            use, or work from other addresses. Or another change came first."),
    ),
    security(("key" = ["keys:write"]))
)]
#[patch("/keys/{id}")]
pub async fn update_key(
    caller: Authed<KeysWrite>,
    id: Id<KeyId>,
    state: Data<State>,
    body: MergePatch,
) -> Result<Json<Key>, Problem> {
    let now = state.clock.now();
    let mut asked = body.0.read(UpdateKey::read)?;
    let profiles = find_profiles(&state.context, &caller, asked.profiles.take()).await?;
    let change = asked.request(profiles);
    let key = keys::update_key(&state.context, &caller, id.0, change, &caller.change(now)).await?;
    shown(&state, &caller, key).await
}

/// Rotates a key: a new key replaces it.
///
/// This makes a new key with the same name, mode, scopes, allowlist, member,
/// profiles and expiry. The answer contains the whole new key, and no later answer shows it again. The
/// old key ends after `overlap`. A key can rotate itself.
#[utoipa::path(
    tag = "keys",
    params(("id" = String, Path, description = "The key.", pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = RotateKey,
    responses(
        (status = 201, description = "Made; `secret` is shown this once.", body = CreatedKey,
            headers(("Location" = String, description = "The path of the new key."))),
        (status = 403, description = "`insufficient_scope`: the caller lacks `keys:write` or a scope of the key."),
        (status = 409, description = "`conflict`: the key has ended or was rotated before, or the new key \
            would live longer than the key in use or work from other addresses, or another change came \
            first. `secret_already_shown`: the Idempotency-Key was used for this request."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["keys:write"]))
)]
#[post("/keys/{id}/rotate")]
pub async fn rotate_key(
    caller: Authed<KeysWrite>,
    id: Id<KeyId>,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let asked = (fields.read(RotateKey::read)?.overlap(), once);
    let now = state.clock.now();
    let (key, secret) =
        key_rotation::rotate_key(&state.context, &caller, id.0, asked, &caller.change(now), &mut rng())
            .await?;
    let location = format!("/v1/keys/{}", key.id);
    let created = CreatedKey::new(key.clone(), &secret, &names(&state, &caller, &[key]).await?);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(created))
}

/// Moves a key to a member, or to the company.
///
/// Only an owner or the operator moves keys; a key without a member does not. The
/// caller must have what the key grants. From then on the limits of the member
/// bind the key.
#[utoipa::path(
    tag = "keys",
    params(("id" = String, Path, description = "The key.", pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = MoveKey,
    responses(
        (status = 200, description = "The key as it is now.", body = Key),
        (status = 403, description = "`insufficient_scope`: the caller lacks `keys:write`, is no owner, or does \
            not have itself what the key or the member has; `detail` says what."),
    ),
    security(("key" = ["keys:write"]))
)]
#[post("/keys/{id}/move")]
pub async fn move_key(
    caller: Authed<KeysWrite>,
    id: Id<KeyId>,
    state: Data<State>,
    body: Body,
) -> Result<Json<Key>, Problem> {
    let MoveKey { member } = body.0.read(MoveKey::read)?;
    keys::read_key(&state.context, &caller, id.0).await?;
    let by = caller.change(state.clock.now());
    match member_keys::move_key(&state.context, &caller, id.0, member, &by).await {
        Ok(key) => shown(&state, &caller, key).await,
        Err(MemberError::NotFound) => Err(Problem::field(
            ProblemCode::InvalidRequest,
            "member",
            "not_found",
            "names no member of the tenant",
        )),
        Err(MemberError::NotCovered(NotCovered::Owners)) => {
            Err(Problem::new(ProblemCode::InsufficientScope, "Only an owner or the operator moves keys."))
        }
        Err(error) => Err(error.into()),
    }
}

/// Deletes a key. The server refuses it from then on.
#[utoipa::path(
    tag = "keys",
    params(("id" = String, Path, description = "The key.", pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 403, description = "`insufficient_scope`: the caller lacks `keys:write` or a scope of the key."),
        (status = 409, description = "`conflict`: a key cannot delete itself, or another change came first."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["keys:write"]))
)]
#[delete("/keys/{id}")]
pub async fn delete_key(
    caller: Authed<KeysWrite>,
    id: Id<KeyId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    keys::delete_key(&state.context, &caller, id.0, &caller.change(state.clock.now())).await?;
    Ok(HttpResponse::NoContent().finish())
}
