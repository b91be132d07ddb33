//! API keys: create, list, read, change, rotate, delete.

pub mod json;
pub mod read;

use crate::{
    access::caller::{Authed, KeysWrite, SettingsRead},
    http::{id::Id, values::page},
};
use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::LOCATION,
    patch, post,
    web::{Data, Json},
};
use countersign_core::{
    id::KeyId,
    management::{key_rotation, keys},
};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    problem::Problem,
    rng,
};
pub use json::{CreatedKey, Mode};
use json::{Key, KeyPage};
pub use read::CreateKey;
use read::{RotateKey, UpdateKey};

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
    let asked = fields.read(CreateKey::read)?.into();
    let (key, secret) =
        keys::create_key(&state.context, &caller, asked, once, &caller.change(now), &mut rng()).await?;
    let location = format!("{}/{}", request.path(), key.id);
    let created = CreatedKey::new(key, &secret);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(created))
}

/// Lists the keys, newest first.
#[utoipa::path(
    tag = "keys",
    params(
        ("limit" = Option<u8>, Query, description = "The number of keys on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.",
            pattern = "^key_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of keys, without their secrets.", body = KeyPage)),
    security(("key" = ["settings:read"]))
)]
#[get("/keys")]
pub async fn list_keys(
    caller: Authed<SettingsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<KeyPage>, Problem> {
    let page = page(query.0)?;
    let found = keys::list_keys(&state.context, &caller, page.beyond, page.limit + 1).await?;
    Ok(Json(KeyPage::new(found, page.limit)))
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
    caller: Authed<SettingsRead>,
    id: Id<KeyId>,
    state: Data<State>,
) -> Result<Json<Key>, Problem> {
    Ok(Json(keys::read_key(&state.context, &caller, id.0).await?.into()))
}

/// Changes a key: its name, its expiry, its allowlist, or whether it is disabled.
///
/// The body is a merge patch: absent fields stay. `expires_at: null` removes the
/// expiry. `allowlist: null` admits every address.
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
    let change = body.0.read(UpdateKey::read)?.into();
    Ok(Json(keys::update_key(&state.context, &caller, id.0, change, &caller.change(now)).await?.into()))
}

/// Rotates a key: a new key replaces it.
///
/// This makes a new key with the same name, mode, scopes, allowlist and expiry.
/// The answer contains the whole new key, and no later answer shows it again. The
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
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(CreatedKey::new(key, &secret)))
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
