use super::{answer, load, open_directory};
use crate::{
    cli::TenantCommand,
    machine::{SystemClock, rng},
};
use anyhow::Context as _;
use countersign_core::{
    id::{ProfileId, TenantId},
    ports::{Clock as _, Directory as _},
    profile::Profile,
    tenant::Tenant,
};
use std::path::Path;

/// Tenants read at once.
const PAGE: u16 = 100;

pub(super) async fn run(config: Option<&Path>, command: TenantCommand) -> anyhow::Result<()> {
    let settings = load(config, [])?;
    let directory = open_directory(config).await?;
    match command {
        TenantCommand::Create { name, countries } => {
            let countries = countries.or(settings.countries).context(
                "Which countries does it send to? Say --countries PL,DE (or all), or set tenants.countries",
            )?;
            let now = SystemClock.now();
            let id = TenantId::new(now, &mut rng());
            let profile = Profile::first(ProfileId::new(now, &mut rng()), id, now);
            let tenant = Tenant { id, name, created_at: now };
            directory
                .create_tenant(&tenant, &profile, &countries)
                .await
                .context("The tenant was not made")?;
            answer(&id.to_string())?;
        }
        TenantCommand::List => {
            let mut after = None;
            loop {
                let tenants =
                    directory.list_tenants(after, PAGE).await.context("The tenants cannot be read")?;
                for tenant in &tenants {
                    answer(&format!(
                        "{}\t{}\t{}",
                        tenant.id,
                        tenant.name.as_str(),
                        countersign_api::account_sid(tenant.id)
                    ))?;
                }
                after = tenants.last().map(|tenant| tenant.id);
                if tenants.len() < usize::from(PAGE) {
                    break;
                }
            }
        }
    }
    Ok(())
}
