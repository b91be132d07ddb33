//! Management of tenants and their erasure: a deleted tenant is erased after [`ERASED_AFTER`].

use crate::{
    access::{
        actor::Actor,
        change::Change,
        key::{Key, PresentedKey},
    },
    context::{Management, Replica},
    id::{ProfileId, TenantId, WebhookId},
    management::{
        keys::{CreateKey, KeyError, create_key_asked_by},
        repeat::{made_once, refuse_repeat},
        resources::Made,
    },
    phone::countries::Countries,
    ports::{codes::events::EventLog, error::StoreError, history::HistoryUpkeep, webhooks::WebhookOutbox},
    snapshot::ends::TenantEnd,
    tenant::system::{Part, is_system},
    tenant::{
        ERASED_AFTER, OPERATOR, Tenant, TenantChange, TenantName, profile::Profile, resource::ResourceKind,
    },
    time::Timestamp,
    verification::idempotency::{IdempotencyError, KEPT, Once},
};
use rand::CryptoRng;
use std::time::Duration;

/// Everything that the codes store has of a tenant expires. The last of it, the counts of wrong codes,
/// expires 30 days after the codes were entered. The tenant's last operation came up to 2 s after it was
/// disabled, and the clocks of machines differ. After this margin, surely nothing of the tenant is left in
/// the codes store.
pub const MARGIN: Duration = Duration::from_secs(3_600);
/// The maximum number of tenants in one round.
const AT_ONCE: u16 = 10;
/// The number of tenants that one read of a list fetches.
const PAGE: u16 = 100;
/// The number of rows of each kind that one step deletes.
const ROWS: u16 = 500;
/// The maximum number of steps of one round, for each of its tenants.
const STEPS: usize = 100;

/// Why a tenant was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// There is no such tenant.
    #[error("no such tenant")]
    NotFound,
    /// The tenant was deleted, and the server is erasing its data.
    #[error("the tenant is being erased")]
    Erasing,
    /// The Idempotency-Key was used before.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The key of the tenant was not created.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The directory did not answer.
    #[error("directory")]
    Directory(#[from] StoreError),
}

/// Creates a tenant, with its first profile.
pub async fn create_tenant(
    replica: &Replica,
    (name, countries): (TenantName, &Countries),
    once: Option<&Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Made<Tenant>, TenantError> {
    if let Some(before) = made_before(replica, once, by.at).await? {
        return Ok(before);
    }
    let mut id = *TenantId::new(by.at, rng).bytes();
    if let Some(once) = once {
        id[6..].copy_from_slice(mark(once));
    }
    let tenant = Tenant::new(TenantId::from_bytes(id), name, by.at);
    let profile = Profile::first(ProfileId::new(by.at, rng), tenant.id, by.at);
    let made = replica.directory.create_tenant(&tenant, &profile, countries, once, by).await;
    replica.catch_up().await;
    match made_once::<TenantError>(replica, OPERATOR, once, by.at, made).await {
        Ok(()) => Ok(Made::now(tenant)),
        // Another request with the same Idempotency-Key came first.
        Err(TenantError::Idempotency(IdempotencyError::SecretShown)) => {
            made_before(replica, once, by.at).await?.ok_or(TenantError::Directory(StoreError::Conflict))
        }
        Err(error) => Err(error),
    }
}

/// Creates a tenant whose id the caller chose, with its first profile. The directory answers `Conflict` if
/// the id exists.
pub async fn create_tenant_as(
    replica: &Replica,
    id: TenantId,
    (name, countries): (TenantName, &Countries),
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<Tenant, TenantError> {
    replica.permit(id, Part::Existence)?;
    let tenant = Tenant::new(id, name, by.at);
    let profile = Profile::first(ProfileId::new(by.at, rng), id, by.at);
    let made = replica.directory.create_tenant(&tenant, &profile, countries, None, by).await;
    replica.catch_up().await;
    made?;
    Ok(tenant)
}

/// The last bytes of the id of a tenant that a request with an Idempotency-Key creates. A repeat finds the
/// tenant by them, because names are not unique. The slot is a keyed hash, so they reveal nothing.
fn mark(once: &Once) -> &[u8] {
    &once.slot[6..]
}

/// The tenant that an earlier request with this Idempotency-Key created.
async fn made_before(
    replica: &Replica,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<Made<Tenant>>, TenantError> {
    match refuse_repeat::<TenantError>(replica, OPERATOR, once, now).await {
        Ok(()) => return Ok(None),
        Err(TenantError::Idempotency(IdempotencyError::SecretShown)) => {}
        Err(error) => return Err(error),
    }
    // The clocks of nodes differ.
    let mut after = TenantId::floor(now - (KEPT + MARGIN));
    let mut newest = None;
    loop {
        let page = replica.directory.list_tenants(Some(after), PAGE).await?;
        let Some(last) = page.last().map(|tenant| tenant.id) else { break };
        let made = |tenant: &Tenant| once.is_some_and(|once| tenant.id.bytes()[6..] == *mark(once));
        // A key that was used again after a day has made two: the newest is the one that it names now.
        newest = page.into_iter().rfind(made).or(newest);
        after = last;
    }
    let value = newest.ok_or(StoreError::Conflict)?;
    Ok(Some(Made { value, before: true }))
}

/// Lists tenants, oldest first, from the one after `after`. The tenants of the server itself are never listed.
pub async fn list_tenants(
    replica: &Replica,
    after: Option<TenantId>,
    limit: u16,
) -> Result<Vec<Tenant>, TenantError> {
    Ok(replica.directory.list_tenants(after, limit).await?)
}

/// Reads a tenant. A tenant of the server itself is `NotFound`.
pub async fn read_tenant(replica: &Replica, tenant: TenantId) -> Result<Tenant, TenantError> {
    if is_system(tenant) {
        return Err(TenantError::NotFound);
    }
    replica.directory.tenant(tenant).await?.ok_or(TenantError::NotFound)
}

/// Reads a tenant whose keys and settings the operator may still change.
pub async fn read_changeable(replica: &Replica, tenant: TenantId) -> Result<Tenant, TenantError> {
    let tenant = read_tenant(replica, tenant).await?;
    if tenant.erasing { Err(TenantError::Erasing) } else { Ok(tenant) }
}

/// Creates a key of a tenant for the operator. Only the second value holds its secret, to be shown once.
///
/// The expiry and the allowlist of the operator's key do not bind the new one: the tenant calls from other
/// addresses.
pub async fn create_tenant_key(
    management: &Management,
    tenant: TenantId,
    request: CreateKey,
    once: Option<Once>,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(Key, PresentedKey), TenantError> {
    let actor = Actor::operator(read_changeable(management, tenant).await?.id);
    Ok(create_key_asked_by(management, &actor, request, (OPERATOR, once), by, rng).await?)
}

/// Renames, disables, enables or deletes a tenant. If it is disabled or deleted, also notifies the nodes.
pub async fn change_tenant(
    replica: &Replica,
    tenant: TenantId,
    change: &TenantChange,
    by: &Change,
) -> Result<Tenant, TenantError> {
    replica.permit(tenant, Part::Existence)?;
    let changed = replica.directory.update_tenant(tenant, change, by).await;
    if let (Ok(Some(changed)), true) = (&changed, change.ends()) {
        replica.tell_tenant_end(TenantEnd { tenant, version: changed.version }).await;
    } else {
        replica.catch_up().await;
    }
    let changed = changed?.ok_or(TenantError::NotFound)?;
    if changed.erasing { Err(TenantError::Erasing) } else { Ok(changed) }
}

/// The result of a round.
#[derive(Debug, Default)]
#[must_use]
pub struct Erased {
    /// The tenants of which nothing is left.
    pub whole: Vec<TenantId>,
    /// The tenants whose erasure failed. A later round continues it when the error is repaired.
    pub failed: Vec<(TenantId, StoreError)>,
}

/// Erases the tenants whose time has come, as far as one round gets. It may be interrupted at any point, and
/// several nodes may work on it at once.
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
    // An event that is recorded afterwards would bring a part of the history back. This also compares with
    // the clock of the codes store: with Redis it is not this node's clock, which may be wrong.
    if events.recorded_until().await? < last + ERASED_AFTER + MARGIN {
        return Ok(Erased::default());
    }
    let mut erased = Erased::default();
    for Tenant { id, .. } in deleted {
        let by = Change::by_system(now);
        let erasure = async {
            let begun = replica.directory.begin_erasure(id, until, &by).await?;
            if begun { erase(replica, webhooks, history, id, &by).await } else { Ok(false) }
        };
        // A tenant whose erasure fails does not stop the others.
        match erasure.await {
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

/// Deletes a tenant and erases it at once, without the time in which it could be enabled again. No node may serve
/// it, and all its events must be recorded.
pub async fn erase_now(
    replica: &Replica,
    webhooks: &dyn WebhookOutbox,
    history: &dyn HistoryUpkeep,
    tenant: TenantId,
    by: &Change,
) -> Result<(), TenantError> {
    match change_tenant(replica, tenant, &TenantChange::Delete, by).await {
        Ok(_) | Err(TenantError::Erasing) => {}
        Err(error) => return Err(error),
    }
    replica.directory.begin_erasure(tenant, by.at, by).await?;
    while !erase(replica, webhooks, history, tenant, by).await? {}
    replica.catch_up().await;
    Ok(())
}

/// Erases the directory's rows last, because a later round finds the tenant by them.
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
