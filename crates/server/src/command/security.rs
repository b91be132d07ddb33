//! Shows and changes the security settings of a tenant or of the operator.

use super::{answer, follow::tell_followed, nodes::management};
use crate::{
    cli::{SecurityCommand, SecurityOwner, SetSecurity, span},
    configuration::Settings,
    machine::SystemClock,
};
use anyhow::{Context as _, ensure};
use countersign_core::{
    access::{actor::Actor, change::Change},
    id::TenantId,
    management::security::{SecurityError, change_security},
    ports::{
        clock::Clock as _,
        directory::{settings::Settings as _, tenants::Tenants as _},
    },
    tenant::security::SecurityRules,
};
use countersign_stores::directory::SqlDirectory;

pub(super) async fn run(
    settings: &Settings,
    directory: &SqlDirectory,
    command: SecurityCommand,
) -> anyhow::Result<()> {
    match command {
        SecurityCommand::Show(owner) => {
            let tenant = known(directory, owner).await?;
            let stored = directory.settings(tenant).await.context("The settings cannot be read")?;
            show(stored.security.rules(tenant))
        }
        SecurityCommand::Set(asked) => set(settings, directory, asked).await,
    }
}

/// The tenant, if it exists.
async fn known(directory: &SqlDirectory, owner: SecurityOwner) -> anyhow::Result<TenantId> {
    let tenant = owner.id();
    let found = directory.tenant(tenant).await.context("The tenant cannot be read")?;
    ensure!(found.is_some(), "There is no tenant {tenant}; `countersign tenant list` shows them");
    Ok(tenant)
}

fn show(rules: SecurityRules) -> anyhow::Result<()> {
    let require_2fa = rules.require_2fa.map_or_else(|| "off".to_owned(), |at| at.to_string());
    answer(&format!("require_2fa\t{require_2fa}"))?;
    answer(&format!("password_age\t{}", rules.password_age.as_str()))?;
    answer(&format!("password_days\t{}", rules.password_days.get()))?;
    answer(&format!("session_idle\t{}", span(rules.session_idle.seconds())))?;
    answer(&format!("session_total\t{}", span(rules.session_total.seconds())))
}

async fn set(settings: &Settings, directory: &SqlDirectory, asked: SetSecurity) -> anyhow::Result<()> {
    let tenant = known(directory, asked.owner).await?;
    let (management, by) = (management(settings, directory)?, Change::by_operator(SystemClock.now()));
    let changed = change_security(&management, &Actor::operator(tenant), &asked.change(), &by).await;
    let rules = changed.map_err(plain).context("The settings were not changed")?;
    show(rules)?;
    tell_followed(&directory.nodes(), &SystemClock).await;
    Ok(())
}

/// Replaces the error by the directory's own, if the directory failed.
fn plain(error: SecurityError) -> anyhow::Error {
    if let SecurityError::Directory(error) = error { error.into() } else { error.into() }
}
