use super::{answer, follow::tell_followed, load, open_directory_of};
use crate::{
    cli::{TenantArgs, TenantCommand},
    configuration::Settings,
    machine::{SystemClock, rng},
    wiring,
};
use anyhow::{Context as _, ensure};
use countersign_core::{
    id::{ProfileId, TenantId},
    ports::{clock::Clock as _, directory::Directory},
    snapshot::ends::{Relay, TenantEnd},
    tenant::{Tenant, TenantChange, profile::Profile},
    time::Timestamp,
};
use std::path::Path;

/// The number of tenants read at once.
const PAGE: u16 = 100;

pub(super) async fn run(config: Option<&Path>, command: TenantCommand) -> anyhow::Result<()> {
    let settings = load(config, [])?;
    let directory = open_directory_of(&settings).await?;
    let now = SystemClock.now();
    match command {
        TenantCommand::Create { name, countries } => {
            let countries = countries.or(settings.countries).context(
                "Which countries does it send to? Say --countries PL,DE (or all), or set tenants.countries",
            )?;
            let id = TenantId::new(now, &mut rng());
            let profile = Profile::first(ProfileId::new(now, &mut rng()), id, now);
            let tenant = Tenant::new(id, name, now);
            directory
                .create_tenant(&tenant, &profile, &countries)
                .await
                .context("The tenant was not made")?;
            answer(&id.to_string())?;
        }
        TenantCommand::List => list_tenants(&directory).await?,
        TenantCommand::Rename { tenant, name } => {
            let renamed = change(&directory, tenant, TenantChange::Rename(name), now).await?;
            eprintln!("{tenant} is {}; messages say so from now on.", renamed.name.as_str());
            tell_followed(&directory, &SystemClock).await;
        }
        TenantCommand::Disable(TenantArgs { tenant }) => {
            let disabled = change(&directory, tenant, TenantChange::Disable, now).await?;
            tell_end(&settings, &disabled).await;
            let erased =
                disabled.erased_from().map(|from| format!("; it is deleted, and erased from {from} on"));
            eprintln!("{tenant} is disabled{}.", erased.unwrap_or_default());
            tell_followed(&directory, &SystemClock).await;
        }
        TenantCommand::Enable(TenantArgs { tenant }) => {
            change(&directory, tenant, TenantChange::Enable, now).await?;
            eprintln!("{tenant} is enabled.");
            tell_followed(&directory, &SystemClock).await;
        }
        TenantCommand::Delete(TenantArgs { tenant }) => {
            let deleted = change(&directory, tenant, TenantChange::Delete, now).await?;
            tell_end(&settings, &deleted).await;
            let from = deleted.erased_from().unwrap_or(now);
            eprintln!(
                "{tenant} is disabled, and is erased from {from} on; until then \
                 `countersign tenant enable {tenant}` takes that back."
            );
            tell_followed(&directory, &SystemClock).await;
        }
    }
    Ok(())
}

async fn list_tenants(directory: &dyn Directory) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let tenants = directory.list_tenants(after, PAGE).await.context("The tenants cannot be read")?;
        for tenant in &tenants {
            answer(&line(tenant))?;
        }
        after = tenants.last().map(|tenant| tenant.id);
        if tenants.len() < usize::from(PAGE) {
            return Ok(());
        }
    }
}

fn line(tenant: &Tenant) -> String {
    let state = match tenant {
        Tenant { erasing: true, .. } => "erasing",
        Tenant { deleted_at: Some(_), .. } => "deleted",
        Tenant { disabled_at: Some(_), .. } => "disabled",
        _ => "active",
    };
    let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let (id, name, sid) = (tenant.id, tenant.name.as_str(), countersign_api::account_sid(tenant.id));
    format!("{id}\t{name}\t{sid}\t{state}\t{}\t{}", time(tenant.disabled_at), time(tenant.erased_from()))
}

async fn change(
    directory: &dyn Directory,
    tenant: TenantId,
    change: TenantChange,
    now: Timestamp,
) -> anyhow::Result<Tenant> {
    let changed =
        directory.update_tenant(tenant, &change, now).await.context("The tenant was not changed")?;
    let changed = changed
        .with_context(|| format!("There is no tenant {tenant}; `countersign tenant list` shows them"))?;
    ensure!(!changed.erasing, "{tenant} was deleted, and its data is being erased");
    Ok(changed)
}

/// Tells the nodes that share Redis, which perhaps cannot reach the database just now.
async fn tell_end(settings: &Settings, tenant: &Tenant) {
    let end = TenantEnd { tenant: tenant.id, version: tenant.version };
    let relay = Relay { tenants: vec![end], ..Relay::default() };
    if let Err(error) = wiring::tell_nodes(settings, &relay).await {
        eprintln!("Nodes that cannot read the database just now were not told: {error:#}");
    }
}
