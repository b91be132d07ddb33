//! Management of tenants, and their end: a deleted tenant is erased after [`ERASED_AFTER`].

use crate::{
    access::change::Change,
    context::Replica,
    id::{ProfileId, TenantId, WebhookId},
    phone::countries::Countries,
    ports::{codes::events::EventLog, error::StoreError, history::HistoryUpkeep, webhooks::WebhookOutbox},
    snapshot::ends::TenantEnd,
    tenant::{ERASED_AFTER, Tenant, TenantChange, TenantName, profile::Profile, resource::ResourceKind},
    time::Timestamp,
};
use rand::CryptoRng;
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

/// Why a tenant was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// There is no such tenant.
    #[error("no such tenant")]
    NotFound,
    /// The tenant was deleted, and its data is being erased.
    #[error("the tenant is being erased")]
    Erasing,
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// Makes a tenant, with its first profile.
pub async fn create_tenant(
    replica: &Replica,
    name: TenantName,
    countries: &Countries,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Tenant, TenantError> {
    create_tenant_as(replica, TenantId::new(by.at, rng), name, countries, by, rng).await
}

/// Makes a tenant under an id that its author chose, with its first profile. The directory answers
/// `Conflict` if the id exists.
pub async fn create_tenant_as(
    replica: &Replica,
    id: TenantId,
    name: TenantName,
    countries: &Countries,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Tenant, TenantError> {
    let tenant = Tenant::new(id, name, by.at);
    let profile = Profile::first(ProfileId::new(by.at, rng), tenant.id, by.at);
    let made = replica.directory.create_tenant(&tenant, &profile, countries, by).await;
    replica.catch_up().await;
    made?;
    Ok(tenant)
}

/// Renames, disables, enables or deletes a tenant, and notifies the nodes of its end.
pub async fn change_tenant(
    replica: &Replica,
    tenant: TenantId,
    change: &TenantChange,
    by: &Change,
) -> Result<Tenant, TenantError> {
    let changed = replica.directory.update_tenant(tenant, change, by).await;
    if let (Ok(Some(changed)), TenantChange::Disable | TenantChange::Delete) = (&changed, change) {
        replica.tell_tenant_end(TenantEnd { tenant, version: changed.version }).await;
    } else {
        replica.catch_up().await;
    }
    let changed = changed?.ok_or(TenantError::NotFound)?;
    if changed.erasing { Err(TenantError::Erasing) } else { Ok(changed) }
}

/// What a round came to.
#[derive(Debug, Default)]
#[must_use]
pub struct Erased {
    /// Tenants of which nothing is left.
    pub whole: Vec<TenantId>,
    /// Those whose erasure goes on in a later round, if what failed is mended.
    pub failed: Vec<(TenantId, StoreError)>,
}

/// Erases the tenants whose time has come, as far as one round goes: it may break off
/// anywhere, and several nodes may be at it.
pub async fn erase_tenants(
    replica: &Replica,
    events: &dyn EventLog,
    webhooks: &dyn WebhookOutbox,
    history: &dyn HistoryUpkeep,
    now: Timestamp,
) -> Result<Erased, StoreError> {
    let until = now - (ERASED_AFTER + MARGIN);
    let deleted = replica.directory.list_deleted_tenants(until, AT_ONCE).await?;
    let Some(last) = deleted.iter().filter_map(|tenant| tenant.deleted_at).max() else {
        return Ok(Erased::default());
    };
    // An event that is recorded afterwards would bring a part of the history back. And this
    // is the clock of the codes store: on Redis another one than this node's, which may be wrong.
    if events.recorded_until().await? < last + ERASED_AFTER + MARGIN {
        return Ok(Erased::default());
    }
    let mut erased = Erased::default();
    for Tenant { id, .. } in deleted {
        let begun = replica.directory.begin_erasure(id, until, &Change::by_system(now)).await?;
        // One that fails holds up no other.
        match if begun {
            erase(replica, webhooks, history, id, &Change::by_system(now)).await
        } else {
            Ok(false)
        } {
            Ok(true) => erased.whole.push(id),
            Ok(false) => {}
            Err(error) => erased.failed.push((id, error)),
        }
    }
    if !erased.whole.is_empty() {
        replica.catch_up().await;
    }
    Ok(erased)
}

/// The directory goes last: by it a later round finds what is left.
async fn erase(
    replica: &Replica,
    webhooks: &dyn WebhookOutbox,
    history: &dyn HistoryUpkeep,
    tenant: TenantId,
    by: &Change,
) -> Result<bool, StoreError> {
    let mut steps = STEPS;
    let resources = replica.directory.list_resources(tenant).await?;
    for webhook in resources.iter().filter(|resource| resource.kind == ResourceKind::Webhook) {
        let webhook = WebhookId::from_bytes(webhook.id);
        while !webhooks.forget(tenant, webhook, ROWS).await? {
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
    while !replica.directory.erase_tenant(tenant, ROWS, by).await? {
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
