//! Re-sealing: after a new seal key became primary, seals the settings of every account and the secrets of
//! every webhook with it, so that the old key can be removed.

use crate::{
    access::change::Change, context::Management, delivery::account::ProviderAccount, keyring::Place,
    ports::error::StoreError, tenant::resource::Resource, time::Timestamp, webhook::Webhook,
};
use rand::CryptoRng;

/// The result of a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Resealed {
    /// The number of resources that were sealed again.
    pub resealed: u64,
    /// The number of resources that no key of the ring opens. They stay as they are.
    pub unreadable: u64,
}

/// Seals again what an older version sealed. The snapshot shows which resources those are. A resource that
/// changed in between is kept, and the next pass looks at it.
pub async fn reseal_resources(
    management: &Management,
    by: &Change,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Resealed, StoreError> {
    let mut pass = Resealed::default();
    if management.keyring.versions().seal.iter().count() < 2 {
        return Ok(pass);
    }
    for (place, resource) in sealed_before(management, by.at) {
        let before = resource.sealed.as_deref().unwrap_or_default();
        let Ok(sealed) = management.keyring.reseal(&place, before, rng) else {
            pass.unreadable += 1;
            continue;
        };
        let resealed = Resource { sealed: Some(sealed), version: resource.version + 1, ..resource };
        match management.directory.reseal_resource(&resealed, by).await {
            Ok(()) => pass.resealed += 1,
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    if pass.resealed > 0 {
        management.catch_up().await;
    }
    Ok(pass)
}

fn sealed_before(management: &Management, now: Timestamp) -> Vec<(Place, Resource)> {
    let mut found = Vec::new();
    for view in management.snapshot.tenants() {
        for account in view.providers.iter().filter(|one| management.keyring.needs_reseal(&one.sealed)) {
            found.push((ProviderAccount::place(account.id, account.tenant), account.resource(now)));
        }
        for webhook in view.webhooks.iter().filter(|one| management.keyring.needs_reseal(&one.sealed)) {
            found.push((Webhook::place(webhook.tenant, webhook.id), webhook.resource(now)));
        }
    }
    found
}
