//! What is done for webhooks beside what happens: old messages and tries go,
//! what is left of deleted webhooks too, and keys that end soon are told.

use crate::{
    acts::webhook_events::of_expiring_key,
    context::Context,
    id::{TenantId, WebhookId},
    ports::{error::StoreError, webhooks::KeptBounds},
    time::Timestamp,
    webhook::{KEPT, KEPT_MOST, WAITING_MOST, Webhook, event::WebhookEvent},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long before its end a key is told to end.
pub const EXPIRING: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Rows of each kind that one step deletes.
const AT_ONCE: u16 = 500;
/// Steps of a round, for all webhooks together.
const STEPS: usize = 2_000;
const PAGE: u16 = 200;
/// Another node may not know a webhook that is younger.
const YOUNG: Duration = Duration::from_secs(60);

/// One round. What a round leaves, the next one does. Messages that waited and
/// were dropped, by webhook, come back: somebody must be told.
pub async fn keep_webhooks(
    context: &Context,
    now: Timestamp,
) -> Result<BTreeMap<WebhookId, u64>, StoreError> {
    tell_expiring_keys(context, now).await?;
    let (dropped, mut steps) = retain(context, now).await?;
    forget_deleted(context, now, &mut steps).await?;
    Ok(dropped)
}

/// In turns, so that one with much to delete holds up no other. Also how many steps are left.
async fn retain(context: &Context, now: Timestamp) -> Result<(BTreeMap<WebhookId, u64>, usize), StoreError> {
    let bounds = KeptBounds { before: now - KEPT, most: KEPT_MOST, waiting: WAITING_MOST };
    let (mut dropped, mut steps) = (BTreeMap::new(), STEPS);
    let mut turn: VecDeque<Arc<Webhook>> = context.snapshot.webhooks().into_iter().collect();
    while let Some(webhook) = turn.pop_front() {
        let went = context.webhooks.retain(webhook.id, &bounds, AT_ONCE).await?;
        if went.dropped > 0 {
            *dropped.entry(webhook.id).or_default() += went.dropped;
        }
        if went.more && steps > 0 {
            steps -= 1;
            turn.push_back(webhook);
        }
    }
    Ok((dropped, steps))
}

/// An event may still have been told to a webhook while it was deleted.
async fn forget_deleted(context: &Context, now: Timestamp, steps: &mut usize) -> Result<(), StoreError> {
    let mut last: Option<WebhookId> = None;
    loop {
        let known = context.webhooks.known(last, PAGE).await?;
        for (tenant, webhook) in &known {
            if now.since(webhook.created_at()) > YOUNG && is_deleted(context, *tenant, *webhook) {
                while !context.webhooks.forget(*tenant, *webhook, AT_ONCE).await? && *steps > 0 {
                    *steps -= 1;
                }
            }
        }
        last = known.last().map(|(_, webhook)| *webhook);
        if known.len() < usize::from(PAGE) {
            return Ok(());
        }
    }
}

/// Only a copy that is up to date can say so.
fn is_deleted(context: &Context, tenant: TenantId, webhook: WebhookId) -> bool {
    let known = context.snapshot.tenant(tenant);
    let there = known.is_some_and(|view| view.webhooks.iter().any(|one| one.id == webhook));
    !there && context.snapshot.is_fresh(Instant::now())
}

async fn tell_expiring_keys(context: &Context, now: Timestamp) -> Result<(), StoreError> {
    let mut tenants: BTreeMap<TenantId, Vec<_>> = BTreeMap::new();
    for webhook in context.snapshot.webhooks() {
        if webhook.wants(webhook.mode, WebhookEvent::KeyExpiring) {
            tenants.entry(webhook.tenant).or_default().push(webhook);
        }
    }
    for (tenant, webhooks) in tenants {
        let mut last = None;
        loop {
            let keys = context.directory.list_keys(tenant, last, PAGE).await?;
            for key in &keys {
                let soon = key.expires_at.is_some_and(|end| now < end && end <= now + EXPIRING);
                if soon && !key.disabled && key.replaced_by.is_none() {
                    let messages = of_expiring_key(webhooks.iter().map(|one| &**one), key, now);
                    context.webhooks.add(&messages).await?;
                }
            }
            last = keys.last().map(|key| key.id);
            if keys.len() < usize::from(PAGE) {
                break;
            }
        }
    }
    Ok(())
}
