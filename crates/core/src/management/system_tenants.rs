//! Makes the tenants that send the codes to persons. A step at each start of a server does it, and not a migration:
//! their countries come from the configuration, and their audit chains begin as every other.

use crate::{
    access::change::Change,
    context::Replica,
    id::{ProfileId, TenantId},
    phone::countries::Countries,
    ports::error::StoreError,
    tenant::{
        PORTAL, PORTAL_ENROL, Tenant, TenantName,
        limits::{Bucket, Buckets, LimitName, LimitScope},
        profile::{Policy, Profile},
        settings::{Setting, Settings},
    },
};
use rand::CryptoRng;
use std::time::Duration;

/// The messages of one verification.
pub const SENDS: u8 = 3;
/// How long a code is valid.
pub const VALID_FOR: Duration = Duration::from_secs(600);
/// The verifications of a number that its person has confirmed: a person proves several acts in a row. Sign-ins in
/// unknown browsers take only a part of them (`sign_in/codes.rs`). A number's record cannot count more in a day.
const CONFIRMED: [Bucket; 2] = [Bucket::new(10, 600), Bucket::new(20, 86_400)];
/// The verifications of a number that nobody has confirmed, of all persons together. Each sends up to [`SENDS`]
/// messages to it, and its owner may be a stranger who wants none of them.
const UNCONFIRMED: [Bucket; 2] = [Bucket::new(3, 600), Bucket::new(6, 86_400)];

/// Makes the tenants if they do not exist, and sets their countries and limits if these differ. Several servers may
/// do it at once.
pub async fn prepare_system_tenants(
    replica: &Replica,
    countries: &Countries,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(), StoreError> {
    for id in [PORTAL, PORTAL_ENROL] {
        if replica.directory.tenant(id).await?.is_none() {
            make(replica, id, countries, by, rng).await?;
        }
        let present = replica.directory.settings(id).await?;
        for setting in differing(id, &present, countries) {
            replica.directory.save_setting(id, &setting, by).await?;
        }
    }
    Ok(())
}

async fn make(
    replica: &Replica,
    id: TenantId,
    countries: &Countries,
    by: &Change,
    rng: &mut impl CryptoRng,
) -> Result<(), StoreError> {
    let tenant = Tenant::new(id, TenantName::of_server(), by.at);
    let policy = Policy { max_sends: SENDS, expires_in: VALID_FOR, ..Policy::default() };
    let profile = Profile { policy, ..Profile::first(ProfileId::new(by.at, rng), id, by.at) };
    match replica.directory.create_tenant(&tenant, &profile, countries, None, by).await {
        // Another server made it meanwhile.
        Err(StoreError::Conflict) => Ok(()),
        outcome => outcome,
    }
}

/// The settings that are not as they must be.
fn differing(id: TenantId, present: &Settings, countries: &Countries) -> Vec<Setting> {
    let mut wanted = Vec::new();
    if present.countries != *countries {
        wanted.push(Setting::Countries(countries.clone()));
    }
    let buckets = if id == PORTAL_ENROL { UNCONFIRMED } else { CONFIRMED };
    let number = LimitName::parse(LimitScope::Number.as_str()).zip(Buckets::new(buckets.to_vec()));
    if let Some((name, buckets)) = number
        && present.limits.get(&name) != Some(&buckets)
    {
        wanted.push(Setting::Limit(name, Some(buckets)));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::Country;

    #[test]
    fn only_what_differs_is_set() {
        let countries = Countries::only(Country::parse("PL"));
        for (tenant, limit) in [(PORTAL, "10/600 20/86400"), (PORTAL_ENROL, "3/600 6/86400")] {
            let wanted = differing(tenant, &Settings::default(), &countries);
            assert_eq!(wanted.len(), 2);
            let mut settings = Settings::default();
            for setting in wanted {
                let (name, value) = setting.stored();
                settings.take(&name, &value.unwrap()).unwrap();
            }
            assert_eq!(settings.limit(LimitScope::Number).unwrap().to_string(), limit);
            assert_eq!(differing(tenant, &settings, &countries), []);
        }
    }
}
