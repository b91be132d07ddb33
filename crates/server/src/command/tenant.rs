use super::{answer, follow::tell_followed, load, nodes::replica, open_directory, security};
use crate::{
    cli::{TenantArgs, TenantCommand},
    machine::{SystemClock, rng},
};
use anyhow::{Context as _, anyhow};
use countersign_core::{
    access::change::Change,
    context::Replica,
    id::TenantId,
    management::tenants::{self, TenantError},
    ports::{clock::Clock as _, directory::Directory},
    tenant::{Tenant, TenantChange},
    time::Timestamp,
};
use std::path::Path;

/// The number of tenants read at once.
const PAGE: u16 = 100;

pub(super) async fn run(config: Option<&Path>, command: TenantCommand) -> anyhow::Result<()> {
    let settings = load(config, [])?;
    let directory = open_directory(&settings).await?;
    let replica = replica(&settings, &directory);
    let now = SystemClock.now();
    match command {
        TenantCommand::Create { name, countries } => {
            let countries = countries.or(settings.countries.clone()).context(
                "Which countries does it send to? Say --countries PL,DE (or all), or set tenants.countries",
            )?;
            let made = tenants::create_tenant(
                &replica,
                (name, &countries),
                None,
                &Change::by_operator(now),
                &mut rng(),
            )
            .await;
            let tenant = made.map_err(plain).context("The tenant was not made")?;
            answer(&tenant.value.id.to_string())?;
        }
        TenantCommand::List => list_tenants(&directory).await?,
        TenantCommand::Rename { tenant, name } => {
            let renamed = change(&replica, tenant, TenantChange::Rename(name), now).await?;
            eprintln!("{tenant} is {}; messages say so from now on.", renamed.name.as_str());
            tell_followed(&directory.nodes(), &SystemClock).await;
        }
        TenantCommand::Disable(TenantArgs { tenant }) => {
            let disabled = change(&replica, tenant, TenantChange::Disable, now).await?;
            let erased =
                disabled.erased_from().map(|from| format!("; it is deleted, and erased from {from} on"));
            eprintln!("{tenant} is disabled{}.", erased.unwrap_or_default());
            tell_followed(&directory.nodes(), &SystemClock).await;
        }
        TenantCommand::Enable(TenantArgs { tenant }) => {
            change(&replica, tenant, TenantChange::Enable, now).await?;
            eprintln!("{tenant} is enabled.");
            tell_followed(&directory.nodes(), &SystemClock).await;
        }
        TenantCommand::Delete(TenantArgs { tenant }) => {
            let deleted = change(&replica, tenant, TenantChange::Delete, now).await?;
            let from = deleted.erased_from().unwrap_or(now);
            eprintln!(
                "{tenant} is disabled, and is erased from {from} on; until then \
                 `countersign tenant enable {tenant}` takes that back."
            );
            tell_followed(&directory.nodes(), &SystemClock).await;
        }
        TenantCommand::Security(command) => security::run(&settings, &directory, command).await?,
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
    replica: &Replica,
    tenant: TenantId,
    change: TenantChange,
    now: Timestamp,
) -> anyhow::Result<Tenant> {
    tenants::change_tenant(replica, tenant, &change, &Change::by_operator(now)).await.map_err(|error| {
        match error {
            TenantError::NotFound => {
                anyhow!("There is no tenant {tenant}; `countersign tenant list` shows them")
            }
            TenantError::Erasing => anyhow!("{tenant} was deleted, and its data is being erased"),
            error => plain(error).context("The tenant was not changed"),
        }
    })
}

/// Replaces the error by the directory's own, if the directory failed.
fn plain(error: TenantError) -> anyhow::Error {
    if let TenantError::Directory(error) = error { error.into() } else { error.into() }
}
