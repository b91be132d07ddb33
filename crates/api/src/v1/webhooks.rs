//! Webhooks: create, list, read, change, rotate, delete, ping, the log, redeliver.

mod json;
mod read;

use crate::{
    access::caller::{Authed, SettingsRead, SettingsWrite},
    http::{
        id::{Id, QueriedId},
        values::{Page, page},
    },
};
use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::LOCATION,
    patch, post,
    web::{Data, Json},
};
use countersign_core::{id::WebhookId, management::webhooks};
use countersign_web::{
    State,
    body::{Body, MergePatch, NoBody, Query},
    problem::Problem,
    rng,
};
use json::{AttemptPage, CreatedWebhook, QueuedMessage, Webhook, WebhookList};
use read::{CreateWebhook, RedeliverMessage, RotateWebhook, UpdateWebhook};

/// Makes a webhook.
///
/// The answer contains the secret that signs the messages, and no later answer
/// shows it again. A test key can make webhooks only for events of test mode.
#[utoipa::path(
    tag = "webhooks",
    request_body = CreateWebhook,
    responses(
        (status = 201, description = "Made; `secret` is shown this once.", body = CreatedWebhook,
            headers(("Location" = String, description = "The path of the webhook."))),
        (status = 403, description = "`insufficient_scope`: the caller lacks `settings:write`, or a test key would make \
            a webhook for live events."),
        (status = 409, description = "`conflict`: there is a webhook of this name and mode, or the tenant has 10, or 4 \
            for test mode. `secret_already_shown`: the Idempotency-Key was used for this request."),
        (status = 422, description = "`idempotency_mismatch`: the Idempotency-Key was used for another request."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/webhooks")]
pub async fn create_webhook(
    caller: Authed<SettingsWrite>,
    request: HttpRequest,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Body(fields, once) = body;
    let (new, now) = (fields.read(CreateWebhook::read)?.into(), state.clock.now());
    let made = webhooks::create_webhook(
        &state.context,
        &caller,
        new,
        once.as_ref(),
        &caller.change(now),
        &mut rng(),
    )
    .await;
    let (webhook, secrets) = made?;
    let location = format!("{}/{}", request.path(), webhook.id);
    let created = CreatedWebhook::new(webhook, &secrets);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(created))
}

/// Lists the webhooks, without their secrets.
///
/// A test key sees only the webhooks of test mode.
#[utoipa::path(
    tag = "webhooks",
    responses((status = 200, description = "The webhooks.", body = WebhookList)),
    security(("key" = ["settings:read"]))
)]
#[get("/webhooks")]
pub async fn list_webhooks(
    caller: Authed<SettingsRead>,
    state: Data<State>,
    query: Query,
) -> Result<Json<WebhookList>, Problem> {
    query.0.finish(Some(()))?;
    Ok(Json(webhooks::list_webhooks(&state.context, &caller).await?.into()))
}

/// Reads a webhook, without its secret.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.", pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The webhook.", body = Webhook)),
    security(("key" = ["settings:read"]))
)]
#[get("/webhooks/{id}")]
pub async fn read_webhook(
    caller: Authed<SettingsRead>,
    id: Id<WebhookId>,
    state: Data<State>,
) -> Result<Json<Webhook>, Problem> {
    Ok(Json(webhooks::read_webhook(&state.context, &caller, id.0).await?.into()))
}

/// Changes a webhook: its name, its URL, its events, or whether it is enabled.
///
/// The body is a merge patch: absent fields stay. With `events: null` or an empty
/// list the webhook gets all events. `enabled: true` also enables a webhook that
/// the server disabled. It gets no events that happened meanwhile.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.", pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body(content(
        (UpdateWebhook = "application/merge-patch+json"),
        (UpdateWebhook = "application/json"),
    )),
    responses(
        (status = 200, description = "The webhook as it is now.", body = Webhook),
        (status = 409, description = "`conflict`: there is a webhook of this name and mode, or another \
            change came first."),
    ),
    security(("key" = ["settings:write"]))
)]
#[patch("/webhooks/{id}")]
pub async fn update_webhook(
    caller: Authed<SettingsWrite>,
    id: Id<WebhookId>,
    state: Data<State>,
    body: MergePatch,
) -> Result<Json<Webhook>, Problem> {
    let (change, now) = (body.0.read(UpdateWebhook::read)?.into(), state.clock.now());
    Ok(Json(
        webhooks::update_webhook(&state.context, &caller, id.0, change, &caller.change(now)).await?.into(),
    ))
}

/// Rotates the secret of a webhook.
///
/// The answer contains the new secret, and no later answer shows it again. During
/// `overlap` each message has two signatures, one by each secret, with a space
/// between them.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.", pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = RotateWebhook,
    responses(
        (status = 200, description = "Rotated; `secret` is shown this once.", body = CreatedWebhook),
        (status = 409, description = "`conflict`: another change came first."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/webhooks/{id}/rotate")]
pub async fn rotate_webhook(
    caller: Authed<SettingsWrite>,
    id: Id<WebhookId>,
    state: Data<State>,
    body: Body,
) -> Result<Json<CreatedWebhook>, Problem> {
    let (overlap, now) = (body.0.read(RotateWebhook::read)?.overlap(), state.clock.now());
    let rotated =
        webhooks::rotate_webhook(&state.context, &caller, id.0, overlap, &caller.change(now), &mut rng())
            .await;
    let (webhook, secrets) = rotated?;
    Ok(Json(CreatedWebhook::new(webhook, &secrets)))
}

/// Deletes a webhook, its waiting messages and its log.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.", pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[delete("/webhooks/{id}")]
pub async fn delete_webhook(
    caller: Authed<SettingsWrite>,
    id: Id<WebhookId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    webhooks::delete_webhook(&state.context, &caller, id.0, &caller.change(state.clock.now())).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sends a message of the type `webhook.ping`, to test a webhook.
///
/// The server sends it once, within a second. The log of the webhook shows the
/// outcome. If you ask several times within one second, the server sends one
/// message.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.", pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses(
        (status = 202, description = "The message waits to be sent.", body = QueuedMessage),
        (status = 400, description = "`invalid_request`: this operation takes no body or `{}`."),
        (status = 409, description = "`conflict`: the webhook is disabled."),
        (status = 413, description = "`payload_too_large`."),
        (status = 415, description = "`unsupported_media_type`."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/webhooks/{id}/ping")]
pub async fn ping_webhook(
    caller: Authed<SettingsWrite>,
    id: Id<WebhookId>,
    state: Data<State>,
    _body: NoBody,
) -> Result<HttpResponse, Problem> {
    let now = state.clock.now();
    let message = webhooks::ping_webhook(&state.context, &caller, id.0, now).await?;
    Ok(HttpResponse::Accepted().json(QueuedMessage::new(message)))
}

/// Lists the attempts to send messages to a webhook, newest first.
///
/// The server keeps attempts for 30 days, and the newest 10,000 of each webhook.
#[utoipa::path(
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The webhook.", pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
        ("limit" = Option<u8>, Query, description = "The number of attempts on a page.", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the previous page.",
            pattern = "^wha_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of attempts.", body = AttemptPage)),
    security(("key" = ["settings:read"]))
)]
#[get("/webhooks/{id}/attempts")]
pub async fn list_attempts(
    caller: Authed<SettingsRead>,
    id: QueriedId<WebhookId>,
    state: Data<State>,
    query: Query,
) -> Result<Json<AttemptPage>, Problem> {
    let Page { limit, beyond } = page(query.0)?;
    let found = webhooks::list_attempts(&state.context, &caller, id.0, (beyond, limit + 1)).await?;
    Ok(Json(AttemptPage::new(found, limit)))
}

/// Sends a message again, under its `webhook-id`.
///
/// Its attempts start from the beginning, whatever the earlier outcome was.
#[utoipa::path(
    tag = "webhooks",
    params(("id" = String, Path, description = "The webhook.", pattern = "^whk_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = RedeliverMessage,
    responses(
        (status = 202, description = "The message waits to be sent.", body = QueuedMessage),
        (status = 404, description = "`not_found`: there is no such webhook, or it has no such message."),
        (status = 409, description = "`conflict`: the webhook is disabled."),
    ),
    security(("key" = ["settings:write"]))
)]
#[post("/webhooks/{id}/redeliver")]
pub async fn redeliver_message(
    caller: Authed<SettingsWrite>,
    id: Id<WebhookId>,
    state: Data<State>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let RedeliverMessage { message_id: message } = body.0.read(RedeliverMessage::read)?;
    let now = state.clock.now();
    webhooks::redeliver_message(&state.context, &caller, id.0, message, now).await?;
    Ok(HttpResponse::Accepted().json(QueuedMessage::new(message)))
}
