//! Periodic maintenance for webhooks: deletes old messages and attempts, deletes the rows of deleted
//! webhooks, and notifies webhooks of keys that expire soon.

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

/// How long before its expiry a webhook is notified of a key.
pub const EXPIRING: Duration = Duration::from_secs(7 * 24 * 3_600);
/// The number of rows of each kind that one step deletes.
const AT_ONCE: u16 = 500;
/// The maximum number of steps of a round, for all webhooks together.
const STEPS: usize = 2_000;
const PAGE: u16 = 200;
/// The age from which every node knows a webhook.
const YOUNG: Duration = Duration::from_secs(60);

/// Runs one round. The next round does what this one leaves. Returns, for each webhook, the number of dropped
/// messages that were still waiting, so that the caller can report them.
pub async fn keep_webhooks(
    context: &Context,
    now: Timestamp,
) -> Result<BTreeMap<WebhookId, u64>, StoreError> {
    tell_expiring_keys(context, now).await?;
    let (dropped, mut steps) = retain(context, now).await?;
    forget_deleted(context, now, &mut steps).await?;
    Ok(dropped)
}

/// Deletes the webhooks' old rows in turns, so that a webhook with many rows does not delay others. Also
/// returns the number of steps left.
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

/// Deletes the rows of deleted webhooks. An event may still have added a message while its webhook was being
/// deleted.
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

/// Returns whether a webhook is deleted. Only an up-to-date copy can say so.
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
