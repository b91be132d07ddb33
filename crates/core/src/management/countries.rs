//! Management of the countries that a tenant sends to.

use crate::{
    access::actor::Actor,
    context::Replica,
    management::settings::{SettingError, save},
    phone::countries::Countries,
    tenant::settings::Setting,
    time::Timestamp,
};

/// The country list.
pub fn read_countries(replica: &Replica, actor: &Actor) -> Result<Countries, SettingError> {
    Ok(replica.tenant_view(actor.tenant)?.settings.countries.clone())
}

/// Replaces the country list.
pub async fn save_countries(
    replica: &Replica,
    actor: &Actor,
    countries: Countries,
    now: Timestamp,
) -> Result<Countries, SettingError> {
    actor.refuse_test()?;
    save(replica, actor, &Setting::Countries(countries.clone()), now).await?;
    Ok(countries)
}
