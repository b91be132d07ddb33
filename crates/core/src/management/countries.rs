//! Management of the countries that a tenant sends to.

use crate::{
    access::{actor::Actor, change::Change},
    context::Replica,
    management::settings::{SettingError, save},
    phone::countries::Countries,
    tenant::settings::Setting,
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
    by: &Change,
) -> Result<Countries, SettingError> {
    actor.refuse_test()?;
    save(replica, actor, &Setting::Countries(countries.clone()), by).await?;
    Ok(countries)
}
