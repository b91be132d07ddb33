//! Shows and replaces allowlists. No allowlist applies to this command line, so it can repair one that locks
//! callers out.

use super::{answer, follow::tell_followed, open_directory};
use crate::{
    cli::{AllowlistCommand, ListArgs},
    machine::SystemClock,
};
use anyhow::{Context as _, ensure};
use countersign_core::{
    access::allowlist::{Allowlist, Entry},
    ports::{
        clock::Clock as _,
        directory::{Directory, KeyChange},
    },
    tenant::settings::Setting,
    time::Timestamp,
};
use std::path::Path;

pub(super) async fn run(config: Option<&Path>, command: AllowlistCommand) -> anyhow::Result<()> {
    let directory = open_directory(config).await?;
    match command {
        AllowlistCommand::Show(list) => show(&directory, list).await,
        AllowlistCommand::Set { list, allow } => {
            set(&directory, list, allow, SystemClock.now()).await?;
            tell_followed(&directory, &SystemClock).await;
            Ok(())
        }
    }
}

/// The list of a tenant, or of one of its keys.
async fn read(directory: &dyn Directory, ListArgs { tenant, key }: ListArgs) -> anyhow::Result<Allowlist> {
    let found = directory.tenant(tenant).await.context("The tenant cannot be read")?;
    ensure!(found.is_some(), "There is no tenant {tenant}; `countersign tenant list` shows them");
    match key {
        Some(key) => {
            let found = directory.key(tenant, key).await.context("The key cannot be read")?;
            Ok(found.with_context(|| format!("{tenant} has no key {key}"))?.allowlist)
        }
        None => Ok(directory.settings(tenant).await.context("The settings cannot be read")?.api_allowlist),
    }
}

async fn show(directory: &dyn Directory, list: ListArgs) -> anyhow::Result<()> {
    let list = read(directory, list).await?;
    for Entry { range, description } in list.entries() {
        answer(&format!("{range}\t{}", description.as_str()))?;
    }
    if list.is_empty() {
        eprintln!("The list is empty: every address is admitted.");
    }
    Ok(())
}

async fn set(
    directory: &dyn Directory,
    args: ListArgs,
    entries: Vec<Entry>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let list = Allowlist::new(entries)?;
    read(directory, args).await?;
    let ListArgs { tenant, key } = args;
    match key {
        Some(key) => {
            let change = KeyChange { allowlist: Some(list), ..KeyChange::default() };
            directory.update_key(tenant, key, change, now).await.context("The list was not replaced")?;
        }
        None => {
            let setting = Setting::ApiAllowlist(list);
            directory.save_setting(tenant, &setting, now).await.context("The list was not replaced")?;
        }
    }
    eprintln!("Replaced.");
    Ok(())
}
