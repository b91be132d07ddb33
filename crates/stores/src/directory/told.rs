//! Adds webhook messages about changes of keys and members, in the transaction of the change.

use super::resource::list_resources;
use crate::{
    sql::{Batch, Sql},
    webhooks::insert,
};
use countersign_core::{
    access::key::Key,
    acts::webhook_events::{of_invitation, of_key, of_member},
    id::{InvitationId, TenantId},
    people::{invitation::Invitation, member::Member},
    ports::error::StoreError,
    tenant::resource::ResourceKind,
    time::Timestamp,
    webhook::{Webhook, event::WebhookEvent},
};

/// Reads the tenant's webhooks from the database. Keys and members change seldom, and the commands that change them have
/// no copy of the directory.
pub(super) async fn told_webhooks(sql: &Sql, tenant: TenantId) -> Result<Vec<Webhook>, StoreError> {
    let resources = list_resources(sql, tenant).await?;
    let webhooks = resources.into_iter().filter(|resource| resource.kind == ResourceKind::Webhook);
    Ok(webhooks.filter_map(Webhook::read).collect())
}

/// Adds the messages about a key. `key` is its state after the change.
pub(super) fn tell_key(
    batch: Batch,
    webhooks: &[Webhook],
    told: WebhookEvent,
    key: &Key,
    now: Timestamp,
) -> Batch {
    insert(batch, &of_key(webhooks, told, key, now))
}

/// Adds the messages about a member. `member` is its state after the change.
pub(super) fn tell_member(
    batch: Batch,
    webhooks: &[Webhook],
    told: WebhookEvent,
    (member, invitation): (&Member, Option<InvitationId>),
    now: Timestamp,
) -> Batch {
    insert(batch, &of_member(webhooks, told, (member, invitation), now))
}

/// Adds the messages about a new invitation.
pub(super) fn tell_invitation(
    batch: Batch,
    webhooks: &[Webhook],
    invitation: &Invitation,
    now: Timestamp,
) -> Batch {
    insert(batch, &of_invitation(webhooks, invitation, now))
}
