//! Management of the countries that a tenant sends to.

use crate::{
    access::actor::Actor,
    context::Management,
    management::settings::{SettingError, save},
    phone::countries::Countries,
    tenant::settings::Setting,
    time::Timestamp,
};

/// The country list.
pub fn read_countries(context: &Management, actor: &Actor) -> Result<Countries, SettingError> {
    Ok(context.tenant_view(actor.tenant)?.settings.countries.clone())
}

/// Replaces the country list.
pub async fn save_countries(
    context: &Management,
    actor: &Actor,
    countries: Countries,
    now: Timestamp,
) -> Result<Countries, SettingError> {
    actor.refuse_test()?;
    save(context, actor, &Setting::Countries(countries.clone()), now).await?;
    Ok(countries)
}
