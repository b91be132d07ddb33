//! The end of tenants: what was deleted is erased after [`ERASED_AFTER`].

use crate::{
    Context,
    history::HistoryUpkeep,
    id::{TenantId, WebhookId},
    ports::StoreError,
    resource::ResourceKind,
    tenant::{ERASED_AFTER, Tenant},
    time::Timestamp,
};
use std::time::Duration;

/// What the codes store keeps of a tenant ends by itself, the last of it (the wrong codes of
/// numbers) 30 days after they were entered. The tenant's last act came up to 2 s after it was
/// disabled, and the clocks of machines differ: so much later nothing of it is left there.
pub const MARGIN: Duration = Duration::from_secs(3_600);
/// Tenants of one round.
const AT_ONCE: u16 = 10;
/// Rows of each kind that one step deletes.
const ROWS: u16 = 500;
/// Steps of one round, for each of its tenants.
const STEPS: usize = 100;

/// Erases the tenants whose time has come, as far as one round goes: it may break off
/// anywhere, and several nodes may be at it. Gives those of which nothing is left.
pub async fn erase_tenants(
    context: &Context,
    history: &dyn HistoryUpkeep,
    now: Timestamp,
) -> Result<Vec<TenantId>, StoreError> {
    let until = now - (ERASED_AFTER + MARGIN);
    let deleted = context.directory.list_deleted_tenants(until, AT_ONCE).await?;
    let Some(last) = deleted.iter().filter_map(|tenant| tenant.deleted_at).max() else {
        return Ok(Vec::new());
    };
    // An event that is recorded afterwards would bring a part of the history back.
    if context.codes.recorded_until().await? < last + MARGIN {
        return Ok(Vec::new());
    }
    let mut erased = Vec::new();
    for Tenant { id, .. } in deleted {
        if context.directory.begin_erasure(id, until, now).await? && erase(context, history, id, now).await? {
            erased.push(id);
        }
    }
    if !erased.is_empty() {
        context.catch_up().await;
    }
    Ok(erased)
}

/// The directory goes last: by it a later round finds what is left.
async fn erase(
    context: &Context,
    history: &dyn HistoryUpkeep,
    tenant: TenantId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut steps = STEPS;
    let resources = context.directory.list_resources(tenant).await?;
    for webhook in resources.iter().filter(|resource| resource.kind == ResourceKind::Webhook) {
        let webhook = WebhookId::from_bytes(webhook.id);
        while !context.webhooks.forget(tenant, webhook, ROWS).await? {
            if !step(&mut steps) {
                return Ok(false);
            }
        }
    }
    while !history.erase_tenant(tenant, ROWS).await? {
        if !step(&mut steps) {
            return Ok(false);
        }
    }
    while !context.directory.erase_tenant(tenant, ROWS, now).await? {
        if !step(&mut steps) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn step(steps: &mut usize) -> bool {
    *steps = steps.saturating_sub(1);
    *steps > 0
}
