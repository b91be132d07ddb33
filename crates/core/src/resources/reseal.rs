//! Re-sealing: after a new seal key became primary, the settings of every
//! account are sealed anew, so that the old key can go.

use crate::{Context, ports::StoreError, provider::ProviderAccount, time::Timestamp};
use rand::CryptoRng;

/// What a pass over all accounts found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Resealed {
    /// Accounts that were sealed anew.
    pub resealed: u64,
    /// Accounts that open with no key of the ring; they stay as they are.
    pub unreadable: u64,
}

/// Seals anew what an older version sealed. The copy in memory says which; a
/// change that came between is kept, and looked at the next time.
pub async fn reseal_providers(
    context: &Context,
    now: Timestamp,
    rng: &mut (impl CryptoRng + Send),
) -> Result<Resealed, StoreError> {
    let mut pass = Resealed::default();
    if context.keyring.versions().seal.iter().count() < 2 {
        return Ok(pass);
    }
    for view in context.snapshot.tenants() {
        for account in view.providers.iter().filter(|one| context.keyring.needs_reseal(&one.sealed)) {
            let place = ProviderAccount::place(account.id, account.tenant);
            let Ok(sealed) = context.keyring.reseal(&place, &account.sealed, rng) else {
                pass.unreadable += 1;
                continue;
            };
            let anew = ProviderAccount { sealed, version: account.version + 1, ..(**account).clone() };
            match context.directory.update_resource(&anew.resource(now)).await {
                Ok(()) => pass.resealed += 1,
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }
    if pass.resealed > 0 {
        context.catch_up().await;
    }
    Ok(pass)
}
