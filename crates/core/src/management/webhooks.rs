//! Management of webhooks: create, change, rotate, delete, ping, redeliver. A test key sees and changes only
//! test webhooks.

use crate::{
    access::{actor::Actor, change::Change},
    acts::webhook_events::ping,
    context::{Context, Management, Replica},
    id::{AttemptId, TenantId, WebhookId, WebhookMessageId},
    management::{
        repeat::refuse_repeat,
        resources::{ResourceError, ResourceName, create, in_rounds, list, read, update},
    },
    mode::Mode,
    ports::{error::StoreError, webhooks::WebhookAttempt},
    tenant::resource::{Basis, Resource, ResourceKind},
    time::Timestamp,
    verification::idempotency::{IdempotencyError, Once},
    webhook::{DisabledReason, MAX_URL, MOST_TEST, Webhook, event::WebhookEvent, secret::WebhookSecrets},
};
use rand::CryptoRng;
use std::{collections::BTreeSet, time::Duration};

const KIND: ResourceKind = ResourceKind::Webhook;
/// How often the server tries again to change a webhook itself, when another change comes first.
const ROUNDS: usize = 8;

/// The number of messages and attempts that a deletion deletes at once. The maintenance deletes the rest.
const FORGOTTEN_AT_ONCE: u16 = 1_000;

/// The request to create a webhook.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    pub name: ResourceName,
    /// The mode of the events that it gets; the caller's mode by default.
    pub mode: Option<Mode>,
    pub url: String,
    /// The events that it gets; `None` means all events.
    pub events: Option<BTreeSet<WebhookEvent>>,
    pub enabled: bool,
}

/// A change of a webhook.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// A new name.
    pub name: Option<ResourceName>,
    /// A new URL.
    pub url: Option<String>,
    /// A new choice of events; `Some(None)` means all events.
    pub events: Option<Option<BTreeSet<WebhookEvent>>>,
    /// Whether it gets events.
    pub enabled: Option<bool>,
}

fn webhook_of(resource: Resource) -> Result<Webhook, ResourceError> {
    Webhook::read(resource).ok_or(ResourceError::Unreadable)
}

fn is_visible(actor: &Actor, webhook: &Webhook) -> bool {
    actor.mode == Mode::Live || webhook.mode == Mode::Test
}

fn check_url(management: &Management, url: &str) -> Result<(), ResourceError> {
    if url.len() > MAX_URL {
        return Err(ResourceError::field("url", format!("must be at most {MAX_URL} bytes long")));
    }
    management.gateways.check_url(url).map_err(|reason| ResourceError::field("url", reason))
}

/// The webhooks that the caller may see, oldest first.
pub async fn list_webhooks(replica: &Replica, actor: &Actor) -> Result<Vec<Webhook>, ResourceError> {
    let found = list(replica, actor.tenant, KIND).await?;
    let mut webhooks = found.into_iter().map(webhook_of).collect::<Result<Vec<_>, _>>()?;
    webhooks.retain(|webhook| is_visible(actor, webhook));
    Ok(webhooks)
}

/// A webhook that the caller may see.
pub async fn read_webhook(replica: &Replica, actor: &Actor, id: WebhookId) -> Result<Webhook, ResourceError> {
    let webhook = webhook_of(read(replica, actor.tenant, KIND, *id.bytes()).await?)?;
    if is_visible(actor, &webhook) { Ok(webhook) } else { Err(ResourceError::NotFound(KIND)) }
}

/// Creates a webhook. Only the second value contains its secret, to be shown once.
pub async fn create_webhook(
    management: &Management,
    actor: &Actor,
    new: NewWebhook,
    once: Option<&Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Webhook, WebhookSecrets), ResourceError> {
    let mode = new.mode.unwrap_or(actor.mode);
    let refuse_repeat = async || refuse_repeat::<ResourceError>(management, actor.tenant, once, by.at).await;
    // The first answer contained a secret, so a repeat cannot get the same answer.
    refuse_repeat().await?;
    if mode == Mode::Live {
        actor.refuse_test()?;
    }
    check_url(management, &new.url)?;
    let (id, secrets) = (WebhookId::new(by.at, rng), WebhookSecrets::generate(rng));
    let webhook = Webhook {
        id,
        tenant: actor.tenant,
        mode,
        name: new.name.as_str().to_owned(),
        url: new.url,
        events: new.events,
        enabled: new.enabled,
        disabled_reason: None,
        enabled_at: by.at,
        sealed: secrets.seal(&management.keyring, (actor.tenant, id), rng),
        version: 1,
        created_at: by.at,
    };
    let made = in_rounds(KIND, async || {
        let basis = room_for(management, &webhook).await;
        if basis.is_err() {
            // A repeat that came first may have used up the maximum number.
            refuse_repeat().await?;
        }
        create(management, &webhook.resource(by.at), basis?.as_slice(), once, by).await
    });
    match made.await? {
        Some(_) => Err(IdempotencyError::SecretShown.into()),
        None => Ok((webhook, secrets)),
    }
}

/// Refuses a webhook for test mode if the tenant already has the maximum of them. SQL cannot count them, because
/// the mode is inside the stored body. So this counts the listed webhooks, and the write checks with the
/// returned basis that they are still the same.
async fn room_for(replica: &Replica, webhook: &Webhook) -> Result<Option<Basis>, ResourceError> {
    if webhook.mode == Mode::Live {
        return Ok(None);
    }
    let listed = list(replica, webhook.tenant, KIND).await?;
    let basis = Basis::kind(webhook.tenant, KIND, &listed);
    let others = listed.into_iter().filter_map(Webhook::read);
    if others.filter(|other| other.mode == Mode::Test).count() >= MOST_TEST {
        return Err(StoreError::Full { what: "webhooks for test mode", most: MOST_TEST as u32 }.into());
    }
    Ok(Some(basis))
}

/// Changes a webhook. If it is enabled again, its earlier failures do not count any more.
pub async fn update_webhook(
    management: &Management,
    actor: &Actor,
    id: WebhookId,
    change: WebhookChange,
    by: &Change,
) -> Result<Webhook, ResourceError> {
    let mut webhook = read_webhook(management, actor, id).await?;
    if let Some(url) = change.url {
        check_url(management, &url)?;
        if url != webhook.url {
            // The earlier failures were those of another endpoint.
            (webhook.url, webhook.enabled_at) = (url, by.at);
        }
    }
    if let Some(name) = change.name {
        webhook.name = name.as_str().to_owned();
    }
    webhook.events = change.events.unwrap_or(webhook.events);
    match change.enabled {
        Some(true) if !webhook.enabled => {
            (webhook.enabled, webhook.disabled_reason, webhook.enabled_at) = (true, None, by.at);
        }
        Some(enabled) => webhook.enabled = enabled,
        None => {}
    }
    webhook.version += 1;
    update(management, &webhook.resource(by.at), &[], by).await?;
    Ok(webhook)
}

/// Draws a new secret that signs from now on. The previous one also signs for `overlap`. Only the second
/// value contains the new secret, to be shown once.
pub async fn rotate_webhook(
    management: &Management,
    actor: &Actor,
    id: WebhookId,
    overlap: Duration,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Webhook, WebhookSecrets), ResourceError> {
    let mut webhook = read_webhook(management, actor, id).await?;
    let of = (webhook.tenant, webhook.id);
    let secrets = WebhookSecrets::open(&management.keyring, of, &webhook.sealed);
    let secrets = secrets.ok_or(ResourceError::Unreadable)?.rotate(overlap, by.at, rng);
    webhook.sealed = secrets.seal(&management.keyring, of, rng);
    webhook.version += 1;
    update(management, &webhook.resource(by.at), &[], by).await?;
    Ok((webhook, secrets))
}

/// Deletes a webhook, its waiting messages and its log.
pub async fn delete_webhook(
    context: &Context,
    actor: &Actor,
    id: WebhookId,
    by: &Change,
) -> Result<(), ResourceError> {
    read_webhook(context, actor, id).await?;
    let deleted = context.directory.delete_resource(actor.tenant, (KIND, *id.bytes()), &[], by).await?;
    context.catch_up().await;
    // The maintenance deletes the rest, and messages that an event adds after this.
    let _ = context.webhooks.forget(actor.tenant, id, FORGOTTEN_AT_ONCE).await?;
    if deleted { Ok(()) } else { Err(ResourceError::NotFound(KIND)) }
}

/// Sends a message without any content, to test the webhook.
pub async fn ping_webhook(
    context: &Context,
    actor: &Actor,
    id: WebhookId,
    now: Timestamp,
) -> Result<WebhookMessageId, ResourceError> {
    let webhook = read_enabled(context, actor, id).await?;
    let message = ping(&webhook, now);
    context.webhooks.add(std::slice::from_ref(&message)).await?;
    Ok(message.id)
}

/// Starts the attempts of a message again, with the same id.
pub async fn redeliver_message(
    context: &Context,
    actor: &Actor,
    id: WebhookId,
    message: WebhookMessageId,
    now: Timestamp,
) -> Result<(), ResourceError> {
    let webhook = read_enabled(context, actor, id).await?;
    let known = context.webhooks.redeliver(webhook.tenant, id, message, now).await?;
    if known { Ok(()) } else { Err(ResourceError::NoMessage) }
}

/// The attempts to call a webhook, newest first.
pub async fn list_attempts(
    context: &Context,
    actor: &Actor,
    id: WebhookId,
    (before, limit): (Option<AttemptId>, u16),
) -> Result<Vec<WebhookAttempt>, ResourceError> {
    let webhook = read_webhook(context, actor, id).await?;
    Ok(context.webhooks.list_attempts(webhook.tenant, id, before, limit).await?)
}

async fn read_enabled(replica: &Replica, actor: &Actor, id: WebhookId) -> Result<Webhook, ResourceError> {
    let webhook = read_webhook(replica, actor, id).await?;
    if webhook.enabled { Ok(webhook) } else { Err(ResourceError::Disabled) }
}

/// Returns whether a webhook is enabled. It asks the directory itself and not the copy.
pub async fn is_enabled(replica: &Replica, (tenant, id): (TenantId, WebhookId)) -> Result<bool, StoreError> {
    Ok(find(replica, tenant, id).await?.is_some_and(|webhook| webhook.enabled))
}

async fn find(replica: &Replica, tenant: TenantId, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    let found = list(replica, tenant, KIND).await?.into_iter().find(|one| one.id == *id.bytes());
    Ok(found.and_then(Webhook::read))
}

/// Disables a failing webhook for the server, unless it was enabled again since `since`. Returns whether it
/// did.
pub async fn disable_webhook(
    replica: &Replica,
    (tenant, id): (TenantId, WebhookId),
    reason: DisabledReason,
    since: Timestamp,
    by: &Change,
) -> Result<bool, StoreError> {
    for _ in 0..ROUNDS {
        let Some(mut webhook) = find(replica, tenant, id).await? else { return Ok(false) };
        if !webhook.enabled || webhook.enabled_at > since {
            return Ok(false);
        }
        (webhook.enabled, webhook.disabled_reason) = (false, Some(reason));
        webhook.version += 1;
        match replica.directory.update_resource(&webhook.resource(by.at), &[], by).await {
            Err(StoreError::Conflict) => {}
            outcome => {
                outcome?;
                replica.catch_up().await;
                return Ok(true);
            }
        }
    }
    Err(StoreError::Conflict)
}
