//! Adds webhook messages about changes of keys, in the transaction of the change.

use super::resource::list_resources;
use crate::{
    sql::{Batch, Sql},
    webhooks::insert,
};
use countersign_core::{
    access::key::Key,
    acts::webhook_events::of_key,
    id::TenantId,
    ports::error::StoreError,
    tenant::resource::ResourceKind,
    time::Timestamp,
    webhook::{Webhook, event::WebhookEvent},
};

/// Reads the tenant's webhooks from the database. Keys change seldom, and the commands that change them have
/// no copy of the directory.
pub(super) async fn told_webhooks(sql: &Sql, tenant: TenantId) -> Result<Vec<Webhook>, StoreError> {
    let resources = list_resources(sql, tenant).await?;
    let webhooks = resources.into_iter().filter(|resource| resource.kind == ResourceKind::Webhook);
    Ok(webhooks.filter_map(Webhook::read).collect())
}

/// Adds the messages about a key. `key` is its state after the change.
pub(super) fn tell(
    batch: Batch,
    webhooks: &[Webhook],
    told: WebhookEvent,
    key: &Key,
    now: Timestamp,
) -> Batch {
    insert(batch, &of_key(webhooks, told, key, now))
}
