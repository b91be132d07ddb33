//! Management of the countries that a tenant sends to.

use crate::{
    access::caller::Caller,
    context::Context,
    management::settings::{SettingError, save},
    phone::countries::Countries,
    tenant::settings::Setting,
    time::Timestamp,
};

/// The country list.
pub fn read_countries(context: &Context, caller: &Caller) -> Result<Countries, SettingError> {
    Ok(context.tenant_view(caller.tenant)?.settings.countries.clone())
}

/// Replaces the country list.
pub async fn save_countries(
    context: &Context,
    caller: &Caller,
    countries: Countries,
    now: Timestamp,
) -> Result<Countries, SettingError> {
    caller.refuse_test()?;
    save(context, caller, &Setting::Countries(countries.clone()), now).await?;
    Ok(countries)
}
